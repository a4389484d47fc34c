import { setImmediate } from 'node:timers/promises';
import type { Connection, Value } from '../db/connection.ts';
import { BusyError, DiskFullError, StoreError } from '../errors.ts';

/** How the damaged store is named beside the new one, which is `main`. */
export const DAMAGED = 'damaged';

export interface SavedTable {
  table: string;
  /** Rows that are in the new store. */
  saved: number;
  /** Rows that were there and are not; null where it cannot be told how many. */
  lost: number | null;
  /** Rows that were saved without their body. */
  emptied: number;
}

/** Rows of one statement: short enough to tell of progress between two. */
const STEP = 10_000;
/** The smallest row takes more than this, in bytes. */
const ROW_BYTES_MIN = 16;

/**
 * Copies what can be read of a table, in SQLite itself: values keep their bytes.
 *
 * @param parts - of what names it is there in the damaged store
 */
export async function salvageTable(
  connection: Connection,
  table: string,
  parts: readonly string[],
  onProgress: (saved: number) => void,
): Promise<SavedTable> {
  const names = sharedColumns(connection, table).join(', ');
  if (names === '') return { table, saved: 0, lost: null, emptied: 0 };
  const hasRowids =
    connection.rows(`select wr from pragma_table_list(?) where schema = 'main'`, [
      table,
    ])[0]?.[0] === 0;
  const copy = hasRowids ? copyByRowid : copyByKey;
  let sound = parts.length === 1;
  for (const part of parts) {
    const from = `"${part}"`;
    const insert = `insert into main.${table} (${names}) select ${names} from ${DAMAGED}.${from}`;
    if (!(await copy(connection, { table, from, insert }, onProgress))) sound = false;
  }
  const saved = count(connection, `main.${table}`) ?? 0;
  return { table, saved, lost: sound ? 0 : lostOf(connection, table, saved), emptied: 0 };
}

/** Columns that a table has in both stores; none where the damaged one has lost it. */
export function sharedColumns(connection: Connection, table: string): string[] {
  const there = new Set(namesOf(connection, DAMAGED, table));
  return namesOf(connection, 'main', table).filter((name) => there.has(name));
}

function namesOf(connection: Connection, schema: string, table: string): string[] {
  const sql = 'select name from pragma_table_info(?, ?)';
  return (attempt(() => connection.rows(sql, [table, schema])) ?? []).map(([name]) => String(name));
}

/** By the indexes that have every row: what the table lacks, they may still have. */
function lostOf(connection: Connection, table: string, saved: number): number | null {
  const totals = indexesOf(connection, table).map((index) =>
    count(connection, `${DAMAGED}.${table} indexed by ${index}`),
  );
  const known = totals.filter((total) => total !== undefined);
  return known.length === 0 ? null : Math.max(0, ...known.map((total) => total - saved));
}

function indexesOf(connection: Connection, table: string): string[] {
  const sql = 'select name from pragma_index_list(?, ?) where partial = 0';
  const rows = attempt(() => connection.rows(sql, [table, DAMAGED])) ?? [];
  return rows.map(([name]) => String(name));
}

function count(connection: Connection, from: string): number | undefined {
  return attempt(() => Number(connection.rows(`select count(*) from ${from}`)[0]?.[0]));
}

/** What a statement returns, or undefined where damage keeps it from doing so. */
function attempt<T>(statement: () => T): T | undefined {
  try {
    return statement();
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    // These say nothing of what is read.
    if (error instanceof DiskFullError || error instanceof BusyError) throw error;
    return undefined;
  }
}

interface Copying {
  readonly table: string;
  /** The table, or the part of it, in the damaged store. */
  readonly from: string;
  readonly insert: string;
}

/** @returns false when something could not be copied */
async function copyByRowid(
  connection: Connection,
  { table, from, insert }: Copying,
  onProgress: (saved: number) => void,
): Promise<boolean> {
  const sql = `${insert} not indexed where rowid between ? and ?`;
  let sound = true;
  let saved = 0;
  const copyRange = (first: number, last: number): void => {
    const changed = attempt(() => connection.run(sql, [first, last]));
    if (changed !== undefined) saved += changed;
    else if (first === last) sound = false;
    else {
      const middle = Math.floor((first + last) / 2);
      copyRange(first, middle);
      copyRange(middle + 1, last);
    }
  };
  const end = lastRowid(connection, table, from);
  // Where there is nothing the steps grow: a damaged number may be as high as numbers go.
  let first = 1;
  for (let step = STEP; first <= end;) {
    const before = saved;
    copyRange(first, Math.min(end, first + step - 1));
    first += step;
    step = saved === before ? step * 2 : STEP;
    onProgress(saved);
    await setImmediate();
  }
  return sound;
}

/** The last row of the table, or, where that cannot be read, a number that none is above. */
function lastRowid(connection: Connection, table: string, from: string): number {
  const last = (source: string) =>
    attempt(() =>
      Number(connection.rows(`select max(rowid) from ${DAMAGED}.${source}`)[0]?.[0] ?? 0),
    );
  const direct = last(`${from} not indexed`);
  if (direct !== undefined) return direct;
  const noted = attempt(() =>
    Number(
      connection.rows(`select max(seq) from ${DAMAGED}.sqlite_sequence where name = ?`, [
        table,
      ])[0]?.[0] ?? 0,
    ),
  );
  const known = [
    ...indexesOf(connection, table).map((name) => last(`${table} indexed by ${name}`)),
    noted,
  ];
  const highest = Math.max(0, ...known.filter((rowid) => rowid !== undefined));
  if (highest > 0) return highest;
  const [pages, bytes] = [`page_count`, `page_size`].map((pragma) =>
    Number(connection.rows(`pragma ${DAMAGED}.${pragma}`)[0]?.[0] ?? 0),
  ) as [number, number];
  return Math.floor((pages * bytes) / ROW_BYTES_MIN);
}

/** A table that is ordered by its key: from both ends up to what cannot be read. */
async function copyByKey(
  connection: Connection,
  { table, from, insert }: Copying,
  onProgress: (saved: number) => void,
): Promise<boolean> {
  const info = 'select name, type from pragma_table_info(?) where pk > 0 order by pk';
  const columns = connection.rows(info, [table]);
  const keys = columns.map(([name]) => String(name));
  // As bytes: the driver ends the process over a text that damage has made no UTF-8.
  const isText = columns.map(([, type]) => String(type).toLowerCase() === 'text');
  const list = keys.join(', ');
  const bytes = keys.map((key, i) => (isText[i] ? `cast(${key} as blob)` : key)).join(', ');
  const marks = keys.map((_, i) => (isText[i] ? 'cast(? as text)' : '?')).join(', ');
  let saved = 0;
  let sound = true;
  const copyKey = (key: Value[]): void => {
    const changed = attempt(() => connection.run(`${insert} where (${list}) = (${marks})`, key));
    if (changed === undefined) sound = false;
    else saved += changed;
  };
  const copyFrom = async (order: 'asc' | 'desc'): Promise<boolean> => {
    const beyond = order === 'asc' ? '>' : '<';
    const by = keys.map((key) => `${key} ${order}`).join(', ');
    const select = (after: string) =>
      `select ${bytes} from ${DAMAGED}.${from} ${after} order by ${by} limit ?`;
    const next = select(`where (${list}) ${beyond} (${marks})`);
    let last: Value[] = [];
    for (let limit = STEP; ;) {
      const [sql, params] = last.length === 0 ? [select(''), []] : [next, last];
      const found = attempt(() => connection.rows(sql, [...params, limit]));
      if (found === undefined && limit === 1) return false;
      if (found === undefined) limit = Math.ceil(limit / 8);
      else if (found.length === 0) return true;
      else {
        for (const key of found) if (order === 'asc' || !has(key)) copyKey(key);
        last = found.at(-1) as Value[];
        onProgress(saved);
        await setImmediate();
      }
    }
  };
  const held = `select 1 from main.${table} where (${list}) = (${marks})`;
  const has = (key: Value[]) => connection.rows(held, key).length > 0;
  const whole = await copyFrom('asc');
  if (!whole) await copyFrom('desc');
  return whole && sound;
}
