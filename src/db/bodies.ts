import { createHash } from 'node:crypto';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { DamagedStoreError } from '../errors.ts';
import { jsonSlices, type LongJson } from '../model/long-json.ts';
import { SLICE_BYTES_MAX, textSlices } from '../model/text-slices.ts';
import type { Value } from './connection.ts';
import type { Document, Reader } from './reader.ts';
import type { Transaction } from './transaction.ts';

/**
 * A body is JSON text of any size. Small ones stand in their row; larger ones go once, by content,
 * into the blobs, compressed.
 *
 * 4 KiB rather than the 64 KiB that one would expect: on a generated home of 346 MB the store is
 * smaller than the home only with bodies from 4 KiB compressed (README, "Figures"), and lists never
 * read bodies.
 */
const INLINE_BYTES_MAX = 4096;
/** A chunk before compression, in bytes: a row stays far below the hub's limits. */
export const CHUNK_BYTES = 1 << 20;
/** Level 1 takes a third of the time of level 6 and leaves a tenth more bytes. */
export const DEFLATE_LEVEL = 1;
/**
 * A text beyond this is large, in UTF-16 units: what can wait stores and reads it piece by piece, so
 * that others get a turn (see large-bodies.ts).
 */
export const LARGE_UNITS = CHUNK_BYTES;

export interface BodyColumns {
  readonly body: string | null;
  readonly body_hash: string | null;
}

/** Stores `json` (text without a NUL byte, as JSON is) and returns the columns that refer to it. */
export function storeBody(
  transaction: Transaction,
  json: string,
): { [K in keyof BodyColumns]: Value } {
  if (json.length <= INLINE_BYTES_MAX) return { body: json, body_hash: null };
  const large = json.length > LARGE_UNITS;
  const hash = large
    ? storeText(transaction, () => textSlices(json))
    : storeBlob(transaction, Buffer.from(json));
  return { body: null, body_hash: hash };
}

/** As {@link storeBody}, of a text that may be among the blobs already, under this hash. */
export function storeStaged(
  transaction: Transaction,
  json: () => string,
  hash: string | undefined,
): { [K in keyof BodyColumns]: Value } {
  if (hash !== undefined && hasBlob(transaction, hash)) return { body: null, body_hash: hash };
  return storeBody(transaction, json());
}

/**
 * As {@link storeStaged}, of a large text that is never in memory as a whole.
 *
 * @param slices - gives it anew each time; no slice ends inside a surrogate pair
 */
export function storeSlices(
  transaction: Transaction,
  slices: () => Iterable<string>,
  hash: string | undefined,
): { [K in keyof BodyColumns]: Value } {
  const isThere = hash !== undefined && hasBlob(transaction, hash);
  return { body: null, body_hash: isThere ? hash : storeText(transaction, slices) };
}

/** As {@link storeStaged}, of a text whose long strings may not be spelled yet. */
export function storeJson(
  transaction: Transaction,
  json: string | LongJson,
  hash?: string,
): { [K in keyof BodyColumns]: Value } {
  if (typeof json === 'string') return storeStaged(transaction, () => json, hash);
  return storeSlices(transaction, () => jsonSlices(json), hash);
}

/** In pieces: the bytes of a large text beside it would double the memory. */
function storeText(transaction: Transaction, slices: () => Iterable<string>): string {
  const digest = createHash('sha256');
  let size = 0;
  for (const piece of textChunks(slices())) {
    digest.update(piece);
    size += piece.length;
  }
  const hash = digest.digest('hex');
  if (hasBlob(transaction, hash)) return hash;
  let position = 0;
  for (const piece of textChunks(slices())) {
    storeChunk(transaction, hash, position++, piece);
  }
  finishBlob(transaction, hash, size);
  return hash;
}

/**
 * The UTF-8 of a text in chunks of {@link CHUNK_BYTES}, the last one smaller. Each is overwritten
 * when the next one is asked for.
 */
export function* textChunks(slices: Iterable<string>): Generator<Buffer> {
  const room = Buffer.allocUnsafe(CHUNK_BYTES + SLICE_BYTES_MAX);
  let end = 0;
  for (const slice of slices) {
    end += room.write(slice, end);
    let start = 0;
    for (; end - start >= CHUNK_BYTES; start += CHUNK_BYTES) {
      yield room.subarray(start, start + CHUNK_BYTES);
    }
    room.copyWithin(0, start, end);
    end -= start;
  }
  if (end > 0) yield room.subarray(0, end);
}

/** Stores bytes once under their SHA-256 and returns it in hex. */
export function storeBlob(transaction: Transaction, bytes: Buffer): string {
  const hash = createHash('sha256').update(bytes).digest('hex');
  if (hasBlob(transaction, hash)) return hash;
  for (let position = 0; position * CHUNK_BYTES < bytes.length; position++) {
    const start = position * CHUNK_BYTES;
    storeChunk(transaction, hash, position, bytes.subarray(start, start + CHUNK_BYTES));
  }
  finishBlob(transaction, hash, bytes.length);
  return hash;
}

/**
 * One piece of a blob that is not whole yet; the caller knows the hash of the whole. It replaces what
 * was left of one that never became whole and may have come from elsewhere.
 */
export function storeChunk(
  transaction: Transaction,
  hash: string,
  position: number,
  bytes: Buffer,
): void {
  const chunk = packedChunk(bytes, deflateRawSync(bytes, { level: DEFLATE_LEVEL }));
  putChunk(transaction, hash, position, chunk);
}

/** A piece as it stands in its row. */
export interface Chunk {
  readonly codec: 'raw' | 'deflate';
  readonly data: Buffer;
}

/** @param deflated - the same bytes compressed, which is worth it only where they are fewer */
export function packedChunk(bytes: Buffer, deflated: Buffer): Chunk {
  if (deflated.length < bytes.length) return { codec: 'deflate', data: deflated };
  return { codec: 'raw', data: bytes };
}

/** As {@link storeChunk}, for a piece that is compressed already. */
export function putChunk(
  transaction: Transaction,
  hash: string,
  position: number,
  { codec, data }: Chunk,
): void {
  transaction.run(
    'insert or replace into blob_chunks (hash, position, codec, data) values (?, ?, ?, ?)',
    [hash, position, codec, data],
  );
}

/** Makes the blob visible after its last chunk. */
export function finishBlob(transaction: Transaction, hash: string, size: number): void {
  transaction.run('insert or ignore into blobs (hash, size) values (?, ?)', [hash, size]);
}

export function hasBlob(reader: Reader, hash: string): boolean {
  return reader.number('select count(*) from blobs where hash = ?', [hash]) > 0;
}

/** One piece of a blob, also of one that is not whole; undefined where none can be read. */
export function readChunk(reader: Reader, hash: string, position: number): Buffer | undefined {
  const chunk = takeChunk(reader, hash, position);
  if (chunk?.codec !== 'deflate') return chunk?.data;
  try {
    return inflateRawSync(chunk.data);
  } catch {
    return undefined;
  }
}

/** As {@link readChunk}, and leaves it compressed. */
export function takeChunk(reader: Reader, hash: string, position: number): Chunk | undefined {
  const row = reader.rows('select codec, data from blob_chunks where hash = ? and position = ?', [
    hash,
    position,
  ])[0];
  if (!row) return undefined;
  const { buffer, byteOffset, length } = row[1] as Uint8Array;
  return {
    codec: row[0] === 'deflate' ? 'deflate' : 'raw',
    data: Buffer.from(buffer, byteOffset, length),
  };
}

/** The size of a blob in bytes; undefined where it is not here. */
export function sizeOfBlob(reader: Reader, hash: string): number | undefined {
  const size = reader.rows('select size from blobs where hash = ?', [hash])[0]?.[0];
  return size === undefined ? undefined : Number(size);
}

/** The bytes of a blob, piece by piece. @throws `DamagedStoreError` when a piece is missing */
export function* readBlob(reader: Reader, hash: string): Generator<Buffer> {
  const size = sizeOfBlob(reader, hash);
  if (size === undefined) throw new DamagedStoreError(`the blob ${hash} is missing`);
  let read = 0;
  for (let position = 0; read < size; position++) {
    const bytes = readChunk(reader, hash, position);
    if (!bytes) throw new DamagedStoreError(`chunk ${position} of the blob ${hash} is missing`);
    read += bytes.length;
    yield bytes;
  }
}

/** Whether a blob is there and is what its hash says. */
export function isWholeBlob(reader: Reader, hash: string): boolean {
  const digest = createHash('sha256');
  try {
    for (const bytes of readBlob(reader, hash)) digest.update(bytes);
  } catch {
    // A missing, unreadable or undecodable chunk: that is what is asked here.
    return false;
  }
  return digest.digest('hex') === hash;
}

/** All bytes of a blob. Piece by piece into one buffer: a list of the pieces would double the memory. */
export function readWhole(reader: Reader, hash: string): Buffer {
  const whole = Buffer.allocUnsafe(reader.number('select size from blobs where hash = ?', [hash]));
  let end = 0;
  for (const piece of readBlob(reader, hash)) end += piece.copy(whole, end);
  return whole.subarray(0, end);
}

/** The JSON text that {@link storeBody} was given. */
export function loadBody(reader: Reader, columns: BodyColumns): string {
  if (columns.body_hash === null) return columns.body ?? 'null';
  return readWhole(reader, columns.body_hash).toString('utf8');
}

/** The parsed body of a row that {@link Reader.documents} read. */
export function documentOf(reader: Reader, row: Document): unknown {
  if (row.body_hash === null) return row.document;
  return JSON.parse(loadBody(reader, { body: null, body_hash: row.body_hash }));
}

export function deleteBlob(transaction: Transaction, hash: string): void {
  transaction.run('delete from blob_chunks where hash = ?', [hash]);
  transaction.run('delete from blobs where hash = ?', [hash]);
}
