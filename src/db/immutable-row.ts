import type { ImmutableTable } from '../model/registers.ts';
import { contentHashOf, payloadOf } from './content.ts';
import type { Reader } from './reader.ts';
import { removeDoc } from './search-index.ts';
import { rowsById, unknownColumns } from './synced-rows.ts';
import type { Transaction } from './transaction.ts';

/** Deletes an immutable row with what hangs on it. */
export function removeRow(transaction: Transaction, table: ImmutableTable, id: string): void {
  transaction.run(`delete from ${table.name} where id = ?`, [id]);
  transaction.run('delete from clashes where table_name = ? and row_id = ?', [table.name, id]);
  transaction.run('delete from unknown_columns where table_name = ? and row_id = ?', [
    table.name,
    id,
  ]);
  if (table.name === 'session_messages') removeDoc(transaction, 'message', id);
}

/** The content hash of a row as it stands here, under its original id; undefined: no such row. */
export function heldHash(
  reader: Reader,
  table: ImmutableTable,
  id: string,
  originalId: string,
): string | undefined {
  const row = rowsById(reader, table, [id]).get(id);
  if (!row) return undefined;
  const unknown = unknownColumns(reader, table.name, id).get('');
  const held = payloadOf(reader, table.name, { ...row, id: originalId }, table.columns, unknown);
  return contentHashOf(table.name, { ...held, d: row['device'] as string });
}
