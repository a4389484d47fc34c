import { ancestorsById, type Ancestors } from '../db/ancestors.ts';
import type { Columns } from '../db/content.ts';
import type { Reader } from '../db/reader.ts';
import { rowsById, unknownById, type UnknownColumns } from '../db/synced-rows.ts';
import type { MutableTable } from '../model/table-kinds.ts';
import type { KeyRing } from './keys/key-ring.ts';
import { purgeEntry, registerEntries, type Ready, type Refused } from './outgoing.ts';

/** An edit that the hub has not acknowledged. */
export interface Note {
  readonly number: number;
  readonly table_name: string;
  readonly row_id: string;
  readonly register: string;
  readonly bases: string;
}

/** The rows of a table that notes are about, and what is known of them. */
export interface NotedRows {
  readonly table: MutableTable;
  readonly rows: ReadonlyMap<string, Columns>;
  readonly ancestors: (id: string) => Ancestors;
  readonly unknown: (id: string) => UnknownColumns;
}

export function readNoted(reader: Reader, table: MutableTable, ids: readonly string[]): NotedRows {
  return {
    table,
    rows: rowsById(reader, table, ids),
    ancestors: ancestorsById(reader, table.name, ids),
    unknown: unknownById(reader, table.name, ids),
  };
}

/** What is to be sent of a note, or why it cannot be. */
export function entriesOf(
  reader: Reader,
  ring: KeyRing | null,
  { table_name: name, row_id: id, register, bases }: Note,
  noted: NotedRows | undefined,
): (Ready | Refused)[] {
  if (!noted) {
    const mark = purgeEntry(ring, name, id, register);
    // What could never go is not there to be taken away.
    return 'reason' in mark ? [] : [mark];
  }
  const row = noted.rows.get(id);
  if (!row) return [];
  return registerEntries(reader, ring, noted.table, row, register, {
    bases: JSON.parse(bases) as string[],
    ancestors: noted.ancestors(id),
    unknown: noted.unknown(id),
  });
}
