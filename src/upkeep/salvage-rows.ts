import type { Connection } from '../db/connection.ts';
import { attempt, count, DAMAGED, indexesOf } from './salvage-attempt.ts';
import { copyByKey } from './salvage-by-key.ts';
import { copyByRowid, seekByRowid } from './salvage-by-rowid.ts';

export interface SavedTable {
  table: string;
  /** Rows that are in the new store. */
  saved: number;
  /** Rows that were there and are not; null where it cannot be told how many. */
  lost: number | null;
  /** Rows that were saved without their body. */
  emptied: number;
}

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
  const copyParts = async (copy: typeof copyByRowid): Promise<boolean> => {
    let sound = parts.length === 1;
    for (const part of parts) {
      const from = `"${part}"`;
      const insert = `insert into main.${table} (${names}) select ${names} from ${DAMAGED}.${from}`;
      if (!(await copy(connection, { table, from, insert }, onProgress))) sound = false;
    }
    return sound;
  };
  const { own, indexed } = totalsOf(connection, table);
  const saved = () => count(connection, `main.${table}`) ?? 0;
  const byKey = isByKey(connection, table);
  let sound = await copyParts(byKey ? copyByKey : copyByRowid);
  if (!byKey && !(sound && [own, ...indexed].every((total) => total === saved()))) {
    // Anew: a row that damage has given a wrong number may stand where a sound one belongs.
    empty(connection, table);
    sound = await copyParts(seekByRowid);
  }
  return { table, saved: saved(), lost: lostOf(saved(), sound, own, indexed), emptied: 0 };
}

function lostOf(
  saved: number,
  sound: boolean,
  own: number | undefined,
  indexed: readonly number[],
): number | null {
  if (sound && own === saved && (indexed.length === 0 || indexed.includes(saved))) return 0;
  return indexed.length === 0 ? null : Math.max(0, Math.max(...indexed) - saved);
}

function isByKey(connection: Connection, table: string): boolean {
  const sql = `select wr from pragma_table_list(?) where schema = 'main'`;
  return connection.rows(sql, [table])[0]?.[0] === 1;
}

function empty(connection: Connection, table: string): void {
  connection.run(`delete from main.${table}`);
  connection.run('update main.sqlite_sequence set seq = 0 where name = ?', [table]);
}

/** How many rows there should be: by the pages of the table, and by each of its indexes that can be read. */
function totalsOf(connection: Connection, table: string) {
  const indexed = indexesOf(connection, table)
    .map((index) => count(connection, `${DAMAGED}.${table} indexed by ${index}`))
    .filter((total) => total !== undefined);
  return { own: count(connection, `${DAMAGED}.${table} not indexed`), indexed };
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
