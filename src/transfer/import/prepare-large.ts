import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { stageText, type BodyPlace } from '../../db/large-bodies.ts';
import type { RecordEntry } from '../../legacy/home-entry.ts';
import { objectMembers, patchObject } from '../../model/json-text.ts';
import { splitSteps } from '../../model/legacy-session.ts';
import type { LongStrings } from '../../model/long-strings.ts';
import { messageId, messageIdHead } from '../../model/session.ts';
import { jsonStringSlices } from '../../model/text-slices.ts';
import { TextDigest } from '../export/said.ts';
import type { LargeParts, LineDigests } from './large-parts.ts';
import { SessionNames } from './session-names.ts';
import { eventHead, keptHead, object, text, type ImportRecord } from './record.ts';

/** How much is hashed before others get a turn, in UTF-16 units. */
const TURN_UNITS = 1 << 20;

/** A record with its long strings apart. */
interface Apart {
  readonly record: ImportRecord;
  readonly strings: LongStrings;
}

/** What is worked out of it, and its bodies. */
interface Parts extends Omit<LargeParts, 'strings' | 'hashes' | 'exported'> {
  readonly bodies: readonly string[];
}

/** A record of which the long strings are apart. */
export type LargeEntry = RecordEntry & { readonly strings: LongStrings };

export function isLargeEntry(entry: RecordEntry): entry is LargeEntry {
  return entry.strings !== undefined;
}

/**
 * Makes a large record ready for its transaction, others get a turn meanwhile.
 *
 * @param place - where its bodies go, unless nothing is to be written
 */
export async function prepareLarge(
  { strings, ...entry }: LargeEntry,
  place: BodyPlace,
  isWritten: boolean,
): Promise<RecordEntry & Pick<ImportRecord, 'large'>> {
  const parts = await partsOf(
    { record: entry as ImportRecord, strings },
    entry.orphan !== undefined,
    place,
  );
  const { mark, exported } = entry as ImportRecord;
  if (!parts) {
    const whole = exported === undefined ? {} : { exported: strings.whole(exported) };
    return { ...entry, ...whole, raw: strings.whole(entry.raw) };
  }
  const { bodies, ...others } = parts;
  const hashes = new Map<string, string>();
  if (isWritten) {
    for (const body of bodies.filter((each) => strings.isLarge(each))) {
      hashes.set(body, await stageText(place, () => strings.slices(body)));
    }
  }
  const told = mark?.said === undefined || exported === undefined ? undefined : exported;
  const digest = told === undefined ? {} : { exported: await digestOf(strings.slices(told)) };
  return { ...entry, large: { strings, hashes, ...digest, ...others } };
}

/** As `textDigest`, of a text that is well-formed, as an export makes them. */
async function digestOf(slices: Iterable<string>): Promise<string> {
  const digest = new TextDigest();
  await inTurns(slices, (slice) => {
    digest.add(slice);
  });
  return digest.result();
}

/** Undefined for a record that has to come in as one text. */
async function partsOf(
  apart: Apart,
  orphaned: boolean,
  place: BodyPlace,
): Promise<Parts | undefined> {
  const { kind, raw } = apart.record;
  switch (kind) {
    case 'events':
      return eventParts(apart, orphaned);
    case 'sessions':
      return sessionParts(apart, place);
    case 'checkpoints':
    case 'items':
    case 'tasks':
    case 'threads':
    case 'turns':
      return { bodies: [raw] };
    default:
      return undefined;
  }
}

async function eventParts(apart: Apart, orphaned: boolean): Promise<Parts | undefined> {
  const { record, strings } = apart;
  // The rest is compared with how such a line is usually spelled.
  if (strings.standIn(patchObject(record.raw, { payload: 'null' }))) return undefined;
  const payload = objectMembers(record.raw).find(({ key }) => key === 'payload')?.value;
  const body = orphaned ? record.raw : (payload ?? 'null');
  return { bodies: [body], digests: await lineDigests(apart) };
}

/** Both are of the whole line, with something before it. */
async function lineDigests({ record, strings }: Apart): Promise<LineDigests> {
  const event = createHash('sha256').update(eventHead(record));
  const kept = createHash('sha256').update(keptHead(record));
  await inTurns(strings.slices(record.raw), (slice) => {
    event.update(slice);
    for (const part of jsonStringSlices(slice)) if (part !== '"') kept.update(part);
  });
  return { event: event.digest('hex'), kept: kept.update('"]').digest('hex') };
}

/** Undefined where something else than a message is long, by which messages are told apart. */
async function sessionParts(
  { record, strings }: Apart,
  place: BodyPlace,
): Promise<Parts | undefined> {
  const sessionId = text(object(record.value, 'metadata'), 'id').trim();
  const names = await place.read((reader) => SessionNames.of(reader, sessionId, record.mark));
  const steps = splitSteps(record.raw);
  let step = steps.next();
  while (!step.done) {
    const { parentId, body, twin } = step.value;
    const idOf = async (which: number) =>
      strings.standIn(body)
        ? longMessageId(messageIdHead(sessionId, parentId, which), strings.slices(body))
        : messageId(sessionId, parentId, body, which);
    const says = await idOf(0);
    const id = twin === 0 ? says : await idOf(twin);
    step = steps.next(names.nameOf(step.value, { id, says }));
  }
  const split = step.value;
  const journal = objectMembers(split.skeleton).find(({ key }) => key === 'journal');
  if (strings.standIn(journal?.value ?? '')) return undefined;
  if (split.rows.some(({ role }) => role.startsWith('\0'))) return undefined;
  return { bodies: [split.skeleton, ...split.rows.map(({ body }) => body)], split, names };
}

async function longMessageId(head: string, body: Iterable<string>): Promise<string> {
  const digest = createHash('sha256').update(head);
  await inTurns(body, (slice) => digest.update(slice));
  return digest.digest('hex').slice(0, 32);
}

async function inTurns(slices: Iterable<string>, job: (slice: string) => unknown): Promise<void> {
  let units = 0;
  for (const slice of slices) {
    job(slice);
    units += slice.length;
    if (units < TURN_UNITS) continue;
    units = 0;
    await setImmediate();
  }
}
