import { setImmediate } from 'node:timers/promises';
import type { Connection } from '../db/connection.ts';
import { attempt, DAMAGED, indexesOf, type Part } from './salvage-attempt.ts';

/** Rows of one statement: short enough to tell of progress between two. */
const STEP = 10_000;
/** The smallest row takes more than this, in bytes. */
const ROW_BYTES_MIN = 16;
/** No table counts so far: a higher number comes of damage, and none could be given after the highest. */
export const ROWID_MAX = 2 ** 40;

/**
 * Copies the rows of a table in the order of their numbers. Damage may give a row a number that is far too high: the
 * way along the table then ends there before its time, and nothing says so. The caller compares the
 * count, see {@link seekByRowid}.
 *
 * @returns false when something could not be copied
 */
export async function copyByRowid(
  connection: Connection,
  part: Part,
  onProgress: (saved: number) => void,
): Promise<boolean> {
  const end = lastRowid(connection, part);
  const { insert } = part;
  return inSteps(connection, `${insert} not indexed where rowid between ? and ?`, end, onProgress);
}

/**
 * Looks every number up by itself, into a table that has no rows yet: whatever else is damaged, a row is found of which
 * neither the page is nor one of those that lead to it. Then goes along the table once more, for rows that
 * are only found so.
 *
 * @returns false when something could not be copied
 */
export async function seekByRowid(
  connection: Connection,
  part: Part,
  onProgress: (saved: number) => void,
): Promise<boolean> {
  const end = lastRowid(connection, part);
  const wanted = `with recursive wanted (number) as
    (values (?) union all select number + 1 from wanted where number < ?)`;
  const seek = `${wanted} ${part.insert} not indexed where rowid in (select number from wanted)`;
  const highest = Math.min(end, rowsMax(connection));
  const found = await inSteps(connection, seek, highest, onProgress);
  const rest = part.insert.replace('insert', 'insert or ignore');
  const along = `${rest} not indexed where rowid between ? and ?`;
  return (await inSteps(connection, along, end, onProgress)) && found;
}

/** Runs a statement that copies the rows from one number to another one, for all of them up to the last. */
async function inSteps(
  connection: Connection,
  sql: string,
  end: number,
  onProgress: (saved: number) => void,
): Promise<boolean> {
  const most = rowsMax(connection);
  let sound = true;
  let saved = 0;
  const copyRange = (first: number, last: number): void => {
    const changed = attempt(() => connection.run(sql, [first, last]));
    if (changed !== undefined) saved += changed;
    // Among numbers that are too many for rows there is no end of looking for single ones.
    else if (first === last || last - first > most) sound = false;
    else {
      const middle = Math.floor((first + last) / 2);
      copyRange(first, middle);
      copyRange(middle + 1, last);
    }
  };
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
function lastRowid(connection: Connection, { table, from }: Part): number {
  const read = (sql: string, params: string[] = []) => {
    const value = attempt(() => connection.rows(`select ${sql}`, params)[0]?.[0]);
    const number = Number(value ?? 0);
    return number <= ROWID_MAX ? number : 0;
  };
  const last = (source: string) => read(`cast(max(rowid) as real) from ${DAMAGED}.${source}`);
  const highest = Math.max(
    last(`${from} not indexed`),
    ...indexesOf(connection, table).map((name) => last(`${table} indexed by ${name}`)),
    read(`cast(max(seq) as real) from ${DAMAGED}.sqlite_sequence where name = ?`, [table]),
  );
  return highest > 0 ? highest : rowsMax(connection);
}

/** More rows than the file has room for. */
function rowsMax(connection: Connection): number {
  const [pages, bytes] = [`page_count`, `page_size`].map((pragma) =>
    Number(connection.rows(`pragma ${DAMAGED}.${pragma}`)[0]?.[0] ?? 0),
  ) as [number, number];
  return Math.floor((pages * bytes) / ROW_BYTES_MIN);
}
