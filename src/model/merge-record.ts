import { isDeepStrictEqual } from 'node:util';
import { JsonTextError, minifyJson, objectMembers, parseJson, patchObject } from './json-text.ts';

/** Three texts of one record: that of the last import, what it became here since, and what the file says now. */
export interface RecordTexts {
  readonly before: string;
  readonly here: string;
  readonly record: string;
}

/** Members whose own members are told apart, too: those of a session are in there. */
const NESTED = 'metadata';

type Members = ReadonlyMap<string, string>;

/**
 * The record with what was edited here, member by member: what it says as it said it before stays as
 * it is here, also taken away. Everything keeps its spelling.
 *
 * @param wins - the record is later than what was edited: of what both changed it has the word
 */
export function mergeRecord({ before, here, record }: RecordTexts, wins: boolean): string {
  const [was, is] = [membersOf(before), membersOf(here)];
  if (!was || !is) return record;
  const said = new Map(objectMembers(record).map(({ key, value }) => [key, value]));
  return mergeMembers({ was, is, said, record }, wins);
}

interface Parted {
  readonly was: Members;
  readonly is: Members;
  readonly said: Members;
  readonly record: string;
}

function mergeMembers({ was, is, said, record }: Parted, wins: boolean): string {
  const changes: Record<string, string | undefined> = Object.create(null) as typeof changes;
  for (const key of new Set([...said.keys(), ...is.keys()])) {
    const texts = { before: was.get(key), here: is.get(key), record: said.get(key) };
    const merged = mergeMember(key, texts, wins);
    if (merged !== texts.record) changes[key] = merged;
  }
  return patchObject(record, changes);
}

function mergeMember(
  key: string,
  { before, here, record }: { readonly [K in keyof RecordTexts]: string | undefined },
  wins: boolean,
): string | undefined {
  if (isSame(before, here)) return record;
  if (record === before) return here;
  if (key === NESTED && [before, here, record].every((text) => text?.startsWith('{'))) {
    return mergeRecord({ before, here, record } as RecordTexts, wins);
  }
  return wins ? record : here;
}

/** An edit may have spelled anew what stands beside it: that of the record holds. */
function isSame(a: string | undefined, b: string | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a === b || isDeepStrictEqual(parseJson(a), parseJson(b));
}

/** Undefined for what is no object, which a device of the group may have made up. */
function membersOf(text: string): Members | undefined {
  try {
    const raw = minifyJson(text);
    if (!raw.startsWith('{')) return undefined;
    return new Map(objectMembers(raw).map(({ key, value }) => [key, value]));
  } catch (error) {
    if (error instanceof JsonTextError) return undefined;
    throw error;
  }
}
