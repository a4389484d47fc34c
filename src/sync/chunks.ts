import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import {
  CHUNK_BYTES,
  deleteBlob,
  finishBlob,
  hasBlob,
  readBlob,
  readChunk,
  readWhole,
  storeChunk,
} from '../db/bodies.ts';
import type { Reader } from '../db/reader.ts';
import type { Transaction } from '../db/transaction.ts';
import { SealError } from '../errors.ts';
import { JsonTextError, scan } from '../model/json-scan.ts';
import type { BodyRef } from '../db/content.ts';
import { hubId, hubRegister } from './keys/hash-ids.ts';
import type { KeyRing } from './keys/key-ring.ts';
import { SCHEMA } from './schema.ts';
import type { Outgoing } from './push-statements.ts';
import { openBytes, sealBytes } from './seal.ts';
import { isKnownJson } from './text-check.ts';

/** What large bodies are kept under on the hub: the table, a hash, and the number of the piece. */
export const CHUNK_TABLE = 'chunks';

export function chunkCount(body: BodyRef): number {
  return Math.ceil(body.size / CHUNK_BYTES);
}

/** Under what the pieces of a record's large bodies lie on the hub: they go when it is purged. */
export function chunkId(ring: KeyRing | null, root: string): string {
  return hubId(ring, CHUNK_TABLE, root);
}

/** What one piece is called there. With encryption the hub does not see whose body it is. */
export function chunkRegister(ring: KeyRing | null, body: BodyRef, position: number): string {
  return `${hubRegister(ring, CHUNK_TABLE, body.hash)}/${position}`;
}

/** What identifies a piece on the hub. */
export function chunkKey(ring: KeyRing | null, body: BodyRef, position: number) {
  const register = chunkRegister(ring, body, position);
  return { table: CHUNK_TABLE, id: chunkId(ring, body.root ?? ''), register, version: '' };
}

/** One piece, ready to go; undefined when it is not here, or cannot be read. */
export function chunkEntry(
  reader: Reader,
  ring: KeyRing | null,
  body: BodyRef,
  position: number,
): Outgoing | undefined {
  const piece = readChunk(reader, body.hash, position);
  if (!piece) return undefined;
  const key = chunkKey(ring, body, position);
  const { keyNumber, bytes } = sealBytes(ring, key, piece);
  return { ...key, ms: null, keyNumber, schema: SCHEMA, payload: bytes };
}

/** How many bytes a piece has: {@link CHUNK_BYTES}, but for the last one. */
function chunkSize(body: BodyRef, position: number): number {
  return Math.min(CHUNK_BYTES, body.size - position * CHUNK_BYTES);
}

/** Which pieces of a body are not here. */
export function missingChunks(reader: Reader, body: BodyRef): Iterable<number> {
  const rows = reader.rows('select position from blob_chunks where hash = ?', [body.hash]);
  const here = new Set(rows.map(([position]) => Number(position)));
  return positions(chunkCount(body), here);
}

/** One by one: somebody may have forged the size. */
function* positions(count: number, here: ReadonlySet<number>): Generator<number> {
  for (let position = 0; position < count; position++) if (!here.has(position)) yield position;
}

/** Keeps a piece that came from the hub. @throws `SealError` */
export function keepChunk(
  transaction: Transaction,
  ring: KeyRing | null,
  body: BodyRef,
  position: number,
  chunk: { readonly keyNumber: number; readonly payload: Uint8Array },
): void {
  const key = chunkKey(ring, body, position);
  const bytes = openBytes(ring, key, chunk.keyNumber, chunk.payload);
  if (bytes.length !== chunkSize(body, position)) {
    throw new SealError('damaged', 'the piece has another size than the body says');
  }
  // Meanwhile it was written here: what came under its hash may be something else.
  if (hasBlob(transaction, body.hash)) return;
  storeChunk(transaction, body.hash, position, Buffer.from(bytes));
}

/**
 * Whether the body is here, once all its pieces are. Pieces that do not give the content that the
 * hash promises are thrown away.
 */
export function completeBody(transaction: Transaction, body: BodyRef): boolean {
  if (hasBlob(transaction, body.hash)) return true;
  const sql = 'select count(*) from blob_chunks where hash = ?';
  if (transaction.number(sql, [body.hash]) !== chunkCount(body)) return false;
  finishBlob(transaction, body.hash, body.size);
  const digest = createHash('sha256');
  for (const piece of readBlob(transaction, body.hash)) digest.update(piece);
  if (digest.digest('hex') === body.hash) return true;
  deleteBlob(transaction, body.hash);
  return false;
}

/**
 * Refuses a large body that is no JSON of this library: whoever knows the key can put anything under
 * its hash, and one such record would keep whole lists from being read.
 *
 * @throws `SealError`
 */
export function checkLargeBody(reader: Reader, body: BodyRef): void {
  if (!isKnownJson(body.hash)) checkText(readWhole(reader, body.hash));
}

function checkText(bytes: Buffer): void {
  if (!isUtf8(bytes)) throw new SealError('damaged', 'the body is not UTF-8');
  try {
    scan(bytes);
  } catch (error) {
    if (!(error instanceof JsonTextError)) throw error;
    throw new SealError('damaged', 'the body is not JSON', { cause: error });
  }
}
