import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { promisify } from 'node:util';
import { deflateRaw, inflateRaw } from 'node:zlib';
import { DamagedStoreError } from '../errors.ts';
import { HollowJson } from '../model/hollow-json.ts';
import { jsonSlices, type LongJson } from '../model/long-json.ts';
import {
  DEFLATE_LEVEL,
  LARGE_UNITS,
  finishBlob,
  hasBlob,
  packedChunk,
  putChunk,
  sizeOfBlob,
  takeChunk,
  textChunks,
  type BodyColumns,
  type Chunk,
} from './bodies.ts';
import type { Reader } from './reader.ts';
import type { Transaction } from './transaction.ts';

/**
 * Bodies of many megabytes, written and read piece by piece: compressing goes to other threads, and
 * in between everybody else gets a turn.
 */

const deflate = promisify(deflateRaw);
const inflate = promisify(inflateRaw);

/** Where jobs run: each in a transaction of its own, or all in one that is open. */
export interface BodyPlace {
  read<T>(job: (reader: Reader) => T): Promise<T>;
  write<T>(job: (transaction: Transaction) => T): Promise<T>;
}

/**
 * Brings a large text among the blobs before the transaction that refers to it: `storeBody` finds it
 * there (`storeStaged` without looking at the text again). What is written in vain, because that transaction never comes, is dropped with the next
 * unused blobs; what a sweep drops too early is stored once more by `storeBody`.
 *
 * @param slices - gives the text anew each time; no slice ends inside a surrogate pair
 * @returns its SHA-256 in hex
 */
export async function stageText(place: BodyPlace, slices: () => Iterable<string>): Promise<string> {
  const digest = createHash('sha256');
  let size = 0;
  for (const piece of textChunks(slices())) {
    digest.update(piece);
    size += piece.length;
    await setImmediate();
  }
  const hash = digest.digest('hex');
  if (await place.read((reader) => hasBlob(reader, hash))) return hash;
  let count = 0;
  for (const piece of textChunks(slices())) {
    const chunk = packedChunk(piece, await deflate(piece, { level: DEFLATE_LEVEL }));
    const position = count++;
    await place.write((transaction) => {
      putChunk(transaction, hash, position, chunk);
    });
  }
  await place.write((transaction) => {
    const sql = 'select count(*) from blob_chunks where hash = ?';
    if (transaction.number(sql, [hash]) === count) finishBlob(transaction, hash, size);
  });
  return hash;
}

export function isLargeText(text: string): boolean {
  return text.length > LARGE_UNITS;
}

export function isLargeJson(json: string | LongJson): boolean {
  return typeof json !== 'string' || isLargeText(json);
}

/** {@link stageText} for those of some texts that are large. @returns their hashes by their places */
export async function stageLarge(
  place: BodyPlace,
  texts: readonly (string | LongJson)[],
): Promise<ReadonlyMap<number, string>> {
  const hashes = new Map<number, string>();
  for (const [i, text] of texts.entries()) {
    if (isLargeJson(text)) hashes.set(i, await stageText(place, () => jsonSlices(text)));
  }
  return hashes;
}

/** Whether a body is better read piece by piece; false for one that is missing. */
export function isLarge(reader: Reader, { body_hash: hash }: BodyColumns): boolean {
  return hash !== null && hash !== '' && (sizeOfBlob(reader, hash) ?? 0) > LARGE_UNITS;
}

/** The bytes of a blob, piece by piece. @throws `DamagedStoreError` a piece is missing */
export async function* readPieces(
  place: Pick<BodyPlace, 'read'>,
  hash: string,
): AsyncGenerator<Buffer> {
  const size = await place.read((reader) => sizeOfBlob(reader, hash));
  if (size === undefined) throw new DamagedStoreError(`the blob ${hash} is missing`);
  for (let position = 0, read = 0; read < size; position++) {
    const chunk = await place.read((reader) => takeChunk(reader, hash, position));
    if (!chunk) throw new DamagedStoreError(`chunk ${position} of the blob ${hash} is missing`);
    const bytes = await unpacked(chunk);
    read += bytes.length;
    yield bytes;
  }
}

/** The bytes of a piece; others get a turn meanwhile. */
export async function unpacked({ codec, data }: Chunk): Promise<Buffer> {
  if (codec === 'deflate') return inflate(data);
  await setImmediate();
  return data;
}

/**
 * The parsed body of a blob.
 *
 * @throws `DamagedStoreError` a piece is missing: perhaps somebody purged the record between two of
 *   them, so that the caller looks again, in one view
 */
export async function parseBlob(place: BodyPlace, hash: string): Promise<unknown> {
  const json = new HollowJson();
  for await (const piece of readPieces(place, hash)) json.push(piece);
  return json.value();
}
