import type { Reader } from './reader.ts';
import type { ImmutableTable, MutableTable } from '../model/table-kinds.ts';
import type { Columns } from './content.ts';
import { registerValues } from './register-values.ts';

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
export type UnknownColumns = ReadonlyMap<string, Columns>;

export function unknownColumns(reader: Reader, table: string, id: string): UnknownColumns {
  return unknownById(reader, table, [id])(id);
}

/** The same for many rows, read at once. */
export function unknownById(
  reader: Reader,
  table: string,
  ids: readonly string[],
): (id: string) => UnknownColumns {
  return registerValues(reader, 'unknown_columns', table, ids);
}
