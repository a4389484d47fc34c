import { hash } from 'node:crypto';
import { DamagedStoreError } from '../errors.ts';
import { loadBody, sizeOfBlob } from './bodies.ts';
import type { Reader } from './reader.ts';

/** A body up to this size travels inside its entry, a larger one as chunks; bytes. */
export const INLINE_BODY_BYTES = 1 << 20;

export type Column = string | number | null;
export type Columns = Readonly<Record<string, Column>>;

/** A large body by its content: SHA-256 in hex and size in bytes. */
export interface BodyRef {
  readonly hash: string;
  readonly size: number;
  /** The record whose purge takes it away, as table and id; on the hub its pieces lie under it. */
  readonly root?: string;
}

/** What an entry carries, before it is sealed. Short names: it is there once for every entry. */
export interface Payload {
  /** The id of the row. */
  readonly i: string;
  /** Columns of the register, those that are null left out; without the body. */
  readonly c: Columns;
  /** The body as JSON text. */
  readonly t?: string;
  /** The body as chunks. */
  readonly h?: BodyRef;
  /** The device that made the row: with the main register, and with an immutable row. */
  readonly d?: string;
  /** The versions that this one replaced since the hub last took one of this device. */
  readonly b?: readonly string[];
  /** Of what came before those the latest of each device. */
  readonly a?: readonly string[];
  /** A row of something purged: nothing is left of it. */
  readonly x?: 1;
}

const isBody = (column: string): boolean => column === 'body' || column === 'body_hash';

/**
 * The payload of some columns of a row as it stands in the store.
 *
 * @throws `DamagedStoreError` its body is not here in whole
 */
export function payloadOf(
  reader: Reader,
  table: string,
  row: Columns,
  names: readonly string[],
  unknown: Columns | undefined,
): Payload {
  const columns: Record<string, Column> = { ...unknown };
  for (const name of names) {
    const value = row[name];
    if (!isBody(name) && value !== null && value !== undefined) columns[name] = value;
  }
  const payload = { i: row['id'] as string, c: columns };
  if (!names.some(isBody)) return payload;
  const bodyHash = row['body_hash'] as string | null;
  if (bodyHash === '') return payload;
  if (bodyHash === null) return { ...payload, t: row['body'] as string };
  const size = sizeOfBlob(reader, bodyHash);
  if (size === undefined) throw new DamagedStoreError(`the blob ${bodyHash} is missing`);
  // Files of a session are bytes, not text.
  if (table === 'artifacts' || size > INLINE_BODY_BYTES)
    return { ...payload, h: { hash: bodyHash, size } };
  return { ...payload, t: loadBody(reader, { body: null, body_hash: bodyHash }) };
}

/**
 * What an immutable row is, as a hash: its register on the hub, the same on every device. Columns
 * that are null are left out, so that one which a later version adds changes nothing.
 */
export function contentHashOf(table: string, payload: Payload): string {
  const columns = Object.entries(payload.c)
    .filter(([, value]) => value !== null)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  const body = payload.h?.hash ?? sha256(payload.t ?? 'null');
  return sha256(JSON.stringify([table, payload.i, payload.d, columns, body]));
}

function sha256(text: string): string {
  return hash('sha256', text);
}
