import type { Reader } from './reader.ts';
import type { ImmutableTable, MutableTable } from '../model/registers.ts';
import type { Columns } from './content.ts';

/** Every column of a table that leaves this device, its id first. */
export function syncedColumns(table: MutableTable | ImmutableTable): string[] {
  if (table.kind === 'immutable') return ['id', 'device', ...table.columns];
  return [
    'id',
    'device',
    ...Object.values(table.registers).flat(),
    ...Object.keys(table.registers).map((register) => `${register}_version`),
  ];
}

/** The rows with these ids, by id. */
export function rowsById(
  reader: Reader,
  table: MutableTable | ImmutableTable,
  ids: readonly string[],
): Map<string, Columns> {
  const rows = reader.list<Columns>(
    syncedColumns(table),
    `from ${table.name} where id in (select value from json_each(?))`,
    [JSON.stringify(ids)],
  );
  return new Map(rows.map((row) => [row['id'] as string, row]));
}

/** Columns of newer versions of this library, by register. */
export function unknownColumns(reader: Reader, table: string, id: string): Map<string, Columns> {
  const rows = reader.list<{ register: string; columns: string }>(
    ['register', 'columns'],
    'from unknown_columns where table_name = ? and row_id = ?',
    [table, id],
  );
  return new Map(rows.map((row) => [row.register, JSON.parse(row.columns) as Columns]));
}
