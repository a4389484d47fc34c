import { createHash } from 'node:crypto';
import { inflateRawSync } from 'node:zlib';
import {
  CHUNK_BYTES,
  deleteBlob,
  finishBlob,
  hasBlob,
  readBlob,
  storeChunk,
} from '../db/bodies.ts';
import type { Reader } from '../db/reader.ts';
import type { Transaction } from '../db/transaction.ts';
import type { BodyRef } from '../db/content.ts';
import { hubId, hubRegister } from './keys/hash-ids.ts';
import type { KeyRing } from './keys/key-ring.ts';
import { SCHEMA } from './outgoing.ts';
import type { EntryKey, Outgoing } from './push-statements.ts';
import { openBytes, sealBytes } from './seal.ts';

/** What large bodies are kept under on the hub: the table, a hash, and the number of the piece. */
export const CHUNK_TABLE = 'chunks';

export function chunkCount(body: BodyRef): number {
  return Math.ceil(body.size / CHUNK_BYTES);
}

/** The keys of all pieces of a body, as the hub knows them. */
/** Under what the pieces of a record's large bodies lie on the hub. */
export function chunkId(ring: KeyRing | null, root: string): string {
  return hubId(ring, CHUNK_TABLE, root);
}

/** One piece of a body, as a register. With encryption on the hub does not see which body it is. */
export function chunkRegister(ring: KeyRing | null, body: BodyRef, position: number): string {
  return `${hubRegister(ring, CHUNK_TABLE, body.hash)}/${position}`;
}

export function chunkKeys(ring: KeyRing | null, body: BodyRef): EntryKey[] {
  const id = hubId(ring, CHUNK_TABLE, body.hash);
  const keyNumber = ring?.newest ?? 0;
  return Array.from({ length: chunkCount(body) }, (_, position) => ({
    table: CHUNK_TABLE,
    id,
    register: String(position),
    version: '',
    keyNumber,
  }));
}

/** One piece, ready to go; undefined when it is not here. */
export function chunkEntry(
  reader: Reader,
  ring: KeyRing | null,
  body: BodyRef,
  position: number,
): Outgoing | undefined {
  const row = reader.rows('select codec, data from blob_chunks where hash = ? and position = ?', [
    body.hash,
    position,
  ])[0];
  if (!row) return undefined;
  const data = Buffer.from(row[1] as Uint8Array);
  const key = {
    table: CHUNK_TABLE,
    id: hubId(ring, CHUNK_TABLE, body.hash),
    register: String(position),
    version: '',
  };
  const { keyNumber, bytes } = sealBytes(ring, key, row[0] === 'deflate' ? inflateRawSync(data) : data);
  return { ...key, ms: null, keyNumber, schema: SCHEMA, payload: bytes };
}

/** Keeps a piece that came from the hub. @throws `SealError` */
export function keepChunk(
  transaction: Transaction,
  ring: KeyRing | null,
  body: BodyRef,
  chunk: { register: string; version: string; keyNumber: number; payload: Uint8Array },
): void {
  const key = {
    table: CHUNK_TABLE,
    id: hubId(ring, CHUNK_TABLE, body.hash),
    register: chunk.register,
    version: chunk.version,
  };
  const bytes = openBytes(ring, key, chunk.keyNumber, chunk.payload);
  storeChunk(transaction, body.hash, Number(chunk.register), Buffer.from(bytes));
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
