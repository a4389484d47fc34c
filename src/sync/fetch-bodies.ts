import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { CHUNK_BYTES, deleteBlob, finishBlob, hasBlob, takeChunk } from '../db/bodies.ts';
import type { BodyRef } from '../db/content.ts';
import { unpacked } from '../db/large-bodies.ts';
import { HubUnreachableError, SealError } from '../errors.ts';
import type { Opened } from './apply/open-entry.ts';
import {
  chunkCount,
  chunkId,
  chunkKey,
  chunkRegister,
  keepChunk,
  missingChunks,
} from './chunks.ts';
import type { Exchange, Memory } from './exchange.ts';
import { pieceKey } from './gathering.ts';
import type { HubRow, HubStatement } from './hub/hub.ts';
import { chunksStatement } from './pull-statements.ts';
import { textOf } from './repairs.ts';
import { needState } from './state.ts';
import { TextCheck, isKnownJson, rememberJson } from './text-check.ts';

/** Brings the large bodies here that some entries refer to, before they are applied. */
export async function fetchBodies(exchange: Exchange, opened: readonly Opened[]): Promise<void> {
  const wanted = new Map<string, { body: BodyRef; isText: boolean }>();
  for (const one of opened) {
    const body = one.kind === 'parked' ? undefined : one.payload.h;
    if (!body || one.kind === 'parked') continue;
    const isText = one.table.name !== 'artifacts';
    wanted.set(`${body.root ?? ''} ${body.hash} ${isText}`, { body, isText });
  }
  for (const { body, isText } of wanted.values()) {
    await fetchBody(exchange, body);
    await finishBody(exchange, body, isText);
  }
}

/**
 * Looks at a body of which all pieces are here, and makes it visible. Here and not where it is
 * applied, because there others wait: a hundred megabytes take a second.
 */
async function finishBody(
  { database, now, ring, memory }: Exchange,
  body: BodyRef,
  isText: boolean,
): Promise<void> {
  const here = await database.read((reader) => hasBlob(reader, body.hash));
  if (here && (!isText || isKnownJson(body.hash))) return;
  const digest = createHash('sha256');
  const text = new TextCheck();
  for (let position = 0; position < chunkCount(body); position++) {
    const chunk = await database.read((reader) => takeChunk(reader, body.hash, position));
    if (!chunk) return;
    const piece = await unpacked(chunk);
    digest.update(piece);
    if (isText) text.push(piece);
  }
  const right = digest.digest('hex') === body.hash;
  await database.write({ now }, (transaction) => {
    if (hasBlob(transaction, body.hash)) return;
    const sql = 'select count(*) from blob_chunks where hash = ?';
    const whole = transaction.number(sql, [body.hash]) === chunkCount(body);
    if (right && whole) finishBlob(transaction, body.hash, body.size);
    else deleteBlob(transaction, body.hash);
  });
  if (isText && right && text.isJson()) rememberJson(body.hash);
  // Sealed it would not have opened: then it is what somebody of the group wrote.
  if (right || ring) return;
  for (let position = 0; position < chunkCount(body); position++) {
    const piece = { ...chunkKey(ring, body, position), isWrong: true };
    memory.spoiltPieces.set(textOf(piece), piece);
  }
}

async function fetchBody(exchange: Exchange, body: BodyRef): Promise<void> {
  const { database, ring, memory } = exchange;
  const { missing, round } = await database.read((reader) => ({
    missing: hasBlob(reader, body.hash) ? [] : missingChunks(reader, body),
    round: needState(reader).round,
  }));
  let fetched = 0;
  for (const some of portions(missing, () => piecesOf(memory))) {
    const byRegister = new Map(some.map((place) => [chunkRegister(ring, body, place), place]));
    const statement = chunksStatement(chunkId(ring, body.root ?? ''), [...byRegister.keys()]);
    const rows = await ask(exchange, statement);
    for (const row of rows) {
      if (await keep(exchange, body, byRegister.get(String(row[0])), row)) fetched++;
      await setImmediate();
    }
    if (rows.length === 0) return;
  }
  if (fetched >= chunkCount(body)) memory.pieces.set(pieceKey(round, body), fetched);
}

/** How many are asked for at once: twice what a page has. */
const piecesOf = (memory: Memory) => Math.max(1, Math.floor((2 * memory.pageBytes) / CHUNK_BYTES));

async function ask({ hub, memory, now }: Exchange, statement: HubStatement): Promise<HubRow[]> {
  const before = now();
  try {
    const [rows = []] = await hub.run([statement], 'read');
    memory.pageArrived(rows.length * CHUNK_BYTES, now() - before);
    return rows;
  } catch (error) {
    if (error instanceof HubUnreachableError) memory.pageLost();
    throw error;
  }
}

function* portions<T>(all: Iterable<T>, size: () => number): Generator<T[]> {
  let some: T[] = [];
  for (const one of all) {
    some.push(one);
    if (some.length < size()) continue;
    yield some;
    some = [];
  }
  if (some.length > 0) yield some;
}

/** @returns whether it is what it should be */
async function keep(
  { database, ring, now, memory }: Exchange,
  body: BodyRef,
  position: number | undefined,
  [, keyNumber, payload]: HubRow,
): Promise<boolean> {
  if (position === undefined || !(payload instanceof Uint8Array)) return false;
  return database.write({ now }, (transaction) => {
    try {
      keepChunk(transaction, ring, body, position, { keyNumber: Number(keyNumber), payload });
      return true;
    } catch (error) {
      // A piece that does not open is as good as missing: its entry waits.
      if (!(error instanceof SealError)) throw error;
      const piece = chunkKey(ring, body, position);
      memory.spoiltPieces.set(textOf(piece), piece);
      return false;
    }
  });
}
