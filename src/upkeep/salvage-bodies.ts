import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import { BODY_TABLES, missingBlobs } from '../db/blob-references.ts';
import { deleteBlob, finishBlob, isWholeBlob, readChunk } from '../db/bodies.ts';
import type { Connection } from '../db/connection.ts';
import type { Database } from '../db/database.ts';
import { forgetBody } from '../db/imported-bodies.ts';
import { Reader } from '../db/reader.ts';
import { Transaction, type Stamper } from '../db/transaction.ts';
import { DamagedStoreError, StoreError } from '../errors.ts';
import { MUTABLE_TABLES } from '../model/registers.ts';
import { bodyRegister, type MutableTable } from '../model/table-kinds.ts';
import { DAMAGED } from './salvage-attempt.ts';
import type { SavedTable } from './salvage-rows.ts';

/** Rows of one transaction. */
const BATCH = 500;

/**
 * Looks up by their hashes the blobs that rows refer to: what stands between two damaged pages of
 * the blobs cannot be found by going along them. The content tells whether it is the right one.
 */
export function salvageBlobs(connection: Connection, stamper: Stamper): void {
  const transaction = new Transaction(connection, stamper);
  const known = transaction.list<{ hash: string }>(['hash'], 'from blobs').map(({ hash }) => hash);
  for (const hash of [...known, ...missingBlobs(transaction)]) {
    if (isWholeBlob(transaction, hash)) continue;
    const digest = createHash('sha256');
    let size = 0;
    for (let position = 0; ; position++) {
      copyChunk(connection, hash, position);
      const bytes = chunkOf(transaction, hash, position);
      if (bytes === undefined) break;
      digest.update(bytes);
      size += bytes.length;
    }
    if (size > 0 && digest.digest('hex') === hash) finishBlob(transaction, hash, size);
  }
}

function copyChunk(connection: Connection, hash: string, position: number): void {
  try {
    connection.run(
      `insert or ignore into main.blob_chunks (hash, position, codec, data)
       select hash, position, codec, data from ${DAMAGED}.blob_chunks
       where hash = ? and position = ?`,
      [hash, position],
    );
  } catch (error) {
    if (!(error instanceof DamagedStoreError)) throw error;
    // Lost: the rows that refer to it are dealt with afterwards.
  }
}

function chunkOf(reader: Reader, hash: string, position: number): Buffer | undefined {
  try {
    return readChunk(reader, hash, position);
  } catch (error) {
    if (error instanceof StoreError || isZlibError(error)) return undefined;
    throw error;
  }
}

function isZlibError(error: unknown): boolean {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('Z_');
}

/**
 * Deals with rows whose body is lost or is no JSON any more. One that never changes is left out, so
 * that the hub can bring it back whole. Of another one the rest is kept, with an empty body of a
 * version below all others: that of the hub, if it has one, wins.
 */
export async function settleLostBodies(
  database: Database,
  stamper: Stamper,
  saved: readonly SavedTable[],
): Promise<void> {
  await dropGarbled(database, stamper, saved);
  await dropDamagedBlobs(database, stamper);
  for (const name of BODY_TABLES) {
    const mutable = MUTABLE_TABLES.find((table) => table.name === name);
    const entry = saved.find(({ table }) => table === name);
    const rows = await database.read((reader) => lostBodies(reader, name));
    for (let start = 0; start < rows.length; start += BATCH) {
      await database.write(stamper, (transaction) => {
        for (const rowid of rows.slice(start, start + BATCH)) {
          if (mutable && name !== 'artifacts') emptyBody(transaction, mutable, rowid);
          else transaction.run(`delete from ${name} where rowid = ?`, [rowid]);
        }
      });
    }
    if (!entry || rows.length === 0) continue;
    if (mutable && name !== 'artifacts') entry.emptied += rows.length;
    else {
      entry.saved -= rows.length;
      if (entry.lost !== null) entry.lost += rows.length;
    }
  }
}

async function dropDamagedBlobs(database: Database, stamper: Stamper): Promise<void> {
  const damaged = await database.read((reader) =>
    reader
      .list<{ hash: string }>(['hash'], 'from blobs')
      .map(({ hash }) => hash)
      .filter((hash) => !isWholeBlob(reader, hash)),
  );
  await database.write(stamper, (transaction) => {
    for (const hash of damaged) deleteBlob(transaction, hash);
  });
}

function lostBodies(reader: Reader, table: string): number[] {
  const missing = reader.rows(
    `select rowid from ${table} where body_hash is not null and body_hash <> ''
     and body_hash not in (select hash from blobs)`,
  );
  return [...missing.map(([rowid]) => Number(rowid)), ...brokenBodies(reader, table)];
}

/** Leaves out rows with a text that damage has made no UTF-8: no part of them can be trusted. */
async function dropGarbled(
  database: Database,
  stamper: Stamper,
  saved: readonly SavedTable[],
): Promise<void> {
  for (const entry of saved) {
    const rows = await database.read((reader) => garbledRows(reader, entry.table));
    if (rows.length === 0) continue;
    await database.write(stamper, (transaction) => {
      for (const rowid of rows)
        transaction.run(`delete from ${entry.table} where rowid = ?`, [rowid]);
    });
    entry.saved -= rows.length;
    if (entry.lost !== null) entry.lost += rows.length;
  }
}

/** Rows of a table with a text that is no UTF-8: a byte of it was changed. */
export function garbledRows(reader: Reader, table: string): number[] {
  const sql = `select name from pragma_table_info(?) where lower(type) = 'text'`;
  const names = reader.rows(sql, [table]).map(([name]) => String(name));
  const hasRowids = reader.rows('select wr from pragma_table_list(?)', [table])[0]?.[0] === 0;
  if (names.length === 0 || !hasRowids) return [];
  const text = `cast(${names.map((name) => `coalesce(${name}, '')`).join(` || ' ' || `)} as blob)`;
  const garbled: number[] = [];
  const look = (rowids: number[]): void => {
    const among = `from ${table} where rowid between ? and ?`;
    const all = `select cast(group_concat(t, ' ') as blob) from (select cast(${text} as text) as t ${among})`;
    const bytes = reader.rows(all, [rowids[0] as number, rowids.at(-1) as number])[0]?.[0];
    if (isUtf8(bytes as Uint8Array)) return;
    if (rowids.length === 1) garbled.push(rowids[0] as number);
    else {
      const half = rowids.length >> 1;
      look(rowids.slice(0, half));
      look(rowids.slice(half));
    }
  };
  for (let after = 0; ;) {
    const next = `select rowid from ${table} where rowid > ? order by rowid limit ${BATCH}`;
    const rowids = reader.rows(next, [after]).map(([rowid]) => Number(rowid));
    if (rowids.length === 0) return garbled;
    look(rowids);
    after = rowids.at(-1) as number;
  }
}

/** Rows whose own body is no JSON: a byte of it was changed. */
export function brokenBodies(reader: Reader, table: string): number[] {
  if (table === 'artifacts') return [];
  const suspects = reader.rows(
    `select rowid from ${table} where body is not null and not json_valid(body)`,
  );
  return suspects
    .map(([rowid]) => Number(rowid))
    .filter((rowid) => {
      const sql = `select cast(body as blob) from ${table} where rowid = ?`;
      const body = reader.rows(sql, [rowid])[0]?.[0] as Uint8Array;
      // SQLite refuses what is nested deeper than 1,000, too.
      return !isJson(Buffer.from(body).toString('utf8'));
    });
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function emptyBody(transaction: Transaction, table: MutableTable, rowid: number): void {
  const [[id] = []] = transaction.rows(`select id from ${table.name} where rowid = ?`, [rowid]);
  // An import brings all of it back.
  forgetBody(transaction, table.name, String(id));
  transaction.run(`update ${table.name} set ${bodyRegister(table)}_version = '' where rowid = ?`, [
    rowid,
  ]);
  transaction.update(
    table,
    String(id),
    { body: '{}', body_hash: null },
    { ms: 0, device: transaction.device },
  );
}
