import { setImmediate } from 'node:timers/promises';
import type { Connection, Value } from '../db/connection.ts';
import { attempt, count, DAMAGED, type Part } from './salvage-attempt.ts';

/** Rows of one statement: short enough to tell of progress between two. */
const STEP = 10_000;

/** A table that is ordered by its key: from both ends up to what cannot be read. */
export async function copyByKey(
  connection: Connection,
  { table, from, insert }: Part,
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
    // Nothing is found under a key that damage put out of its order.
    if (changed !== 1) sound = false;
    saved += changed ?? 0;
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
  const ended = await copyFrom('asc');
  // A key that is too high ends the way up before its time, and nothing says so.
  const isWhole = ended && count(connection, `${DAMAGED}.${from}`) === saved;
  if (!isWhole) await copyFrom('desc');
  return isWhole && sound;
}
