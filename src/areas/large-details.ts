import { randomUUID } from 'node:crypto';
import { loadBody } from '../db/bodies.ts';
import { isLarge, isLargeText, parseBlob, stageText } from '../db/large-bodies.ts';
import type { Reader } from '../db/reader.ts';
import { DamagedStoreError } from '../errors.ts';
import { jsonStringSlices, textSlices } from '../model/text-slices.ts';
import { editBody, replaceDetails } from '../model/record-body.ts';
import {
  RUNTIME_ITEM_FIELDS,
  type CheckedRuntimeItem,
  type RuntimeItem,
} from '../model/runtime.ts';
import { found } from './page.ts';
import type { Runner } from './runner.ts';
import { findItem, isOpen, itemOf, toItem, type ItemRow } from './runtime-rows.ts';

/** The detail of an item that is too large to be handled as one text with the rest. */
export interface LargeDetail {
  readonly text: string;
  /** What the item has in its place meanwhile. */
  readonly standIn: string;
  /** The body with the stand-in of which the whole is among the blobs, and the hash of the whole. */
  readonly body: string;
  readonly hash: string;
}

/** An item to save, a large detail apart. */
export interface PreparedItem {
  readonly input: CheckedRuntimeItem;
  readonly large?: LargeDetail;
}

export function isLargeDetail(detail: string | null | undefined): detail is string {
  return typeof detail === 'string' && isLargeText(detail);
}

/**
 * Brings large details among the blobs piece by piece, and then calls `job`, which saves the items.
 * At once where there are none: in a transaction, calls run in the order in which they were made.
 *
 * @param status - of an item, where neither it nor what is stored says one
 */
export async function withPrepared<const T extends readonly CheckedRuntimeItem[], R>(
  runner: Runner,
  inputs: T,
  status: string,
  job: (items: { readonly [K in keyof T]: PreparedItem }) => Promise<R>,
): Promise<R> {
  const prepared: PreparedItem[] = inputs.map((input) => ({ input }));
  for (const [i, input] of inputs.entries()) {
    const { detail } = input;
    if (isLargeDetail(detail)) prepared[i] = await prepare(runner, input, detail, status);
  }
  return job(prepared as { readonly [K in keyof T]: PreparedItem });
}

async function prepare(
  runner: Runner,
  input: CheckedRuntimeItem,
  text: string,
  otherwise: string,
): Promise<PreparedItem> {
  const { id } = input;
  const short = { ...input, detail: `\0${randomUUID()}` };
  const body = await runner.read((reader) => {
    const old = id === undefined ? undefined : findItem(reader, id);
    // An open one stays in its row, and of one that has ended the same save does nothing.
    if (isOpen(input.status ?? old?.status ?? otherwise)) return undefined;
    if (old && !isOpen(old.status)) return undefined;
    return itemBody(old ? loadBody(reader, old) : '{}', short);
  });
  if (body === undefined) return { input };
  const detail = { text, standIn: short.detail, body };
  const hash = await stageText(runner, () => bodySlices(body, detail));
  return { input: short, large: { ...detail, hash } };
}

/** The body of an item with what was given. */
export function itemBody(body: string, input: CheckedRuntimeItem): string {
  const replaced =
    input.details === undefined ? body : replaceDetails(body, RUNTIME_ITEM_FIELDS, input.details);
  return editBody(replaced, {
    detail: input.detail,
    metadata: input.metadata,
    artifact_refs: input.artifactRefs,
  });
}

/** A body with the detail in the place of its stand-in, in slices. */
export function* bodySlices(
  body: string,
  { text, standIn }: Pick<LargeDetail, 'text' | 'standIn'>,
): Generator<string> {
  const [head = '', tail = ''] = body.split(JSON.stringify(standIn));
  yield* textSlices(head);
  yield* jsonStringSlices(text);
  yield* textSlices(tail);
}

export function withDetail(item: RuntimeItem, large: LargeDetail | undefined): RuntimeItem {
  return large ? { ...item, detail: large.text } : item;
}

/** An item, or the row of one whose body {@link wholeItem} is to read. */
export function readItem(reader: Reader, row: ItemRow): RuntimeItem | ItemRow {
  return isLarge(reader, row) ? row : toItem(row, loadBody(reader, row));
}

/** The item of a row whose body is large, read piece by piece. */
export async function wholeItem(runner: Runner, read: RuntimeItem | ItemRow): Promise<RuntimeItem> {
  if (!('body_hash' in read)) return read;
  try {
    return itemOf(read, await parseBlob(runner, read.body_hash ?? ''));
  } catch (error) {
    if (!(error instanceof DamagedStoreError)) throw error;
    // Somebody may have purged it between two pieces: in one view it is what it is now.
    return runner.read((reader) => {
      const row = found(findItem(reader, read.id), 'item', read.id);
      return toItem(row, loadBody(reader, row));
    });
  }
}
