import type { Reader } from './reader.ts';

/** Tables with a value for some registers of some rows, as JSON, and the column that it stands in. */
const VALUES = { ancestors: 'versions', unknown_columns: 'columns' } as const;

/** What is noted of the registers of rows, read at once: by the id of the row, then by register. */
export function registerValues<T>(
  reader: Reader,
  notes: keyof typeof VALUES,
  table: string,
  ids: readonly string[],
): (id: string) => ReadonlyMap<string, T> {
  const rows = reader.list<{ row_id: string; register: string; json: string }>(
    ['row_id', 'register', `${VALUES[notes]} as json`],
    `from ${notes} where table_name = ? and row_id in (select value from json_each(?))`,
    [table, JSON.stringify(ids)],
  );
  const none: ReadonlyMap<string, T> = new Map();
  const found = new Map<string, Map<string, T>>();
  for (const { row_id: id, register, json } of rows) {
    const registers = found.get(id) ?? new Map<string, T>();
    found.set(id, registers.set(register, JSON.parse(json) as T));
  }
  return (id) => found.get(id) ?? none;
}
