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
import { SCHEMA } from './schema.ts';
import type { Outgoing } from './push-statements.ts';
import { openBytes, sealBytes } from './seal.ts';

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

function chunkKey(ring: KeyRing | null, body: BodyRef, position: number) {
  const register = chunkRegister(ring, body, position);
  return { table: CHUNK_TABLE, id: chunkId(ring, body.root ?? ''), register, version: '' };
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
  const key = chunkKey(ring, body, position);
  const { keyNumber, bytes } = sealBytes(
    ring,
    key,
    row[0] === 'deflate' ? inflateRawSync(data) : data,
  );
  return { ...key, ms: null, keyNumber, schema: SCHEMA, payload: bytes };
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
