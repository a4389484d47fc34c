import type { ImmutableTable } from '../model/table-kinds.ts';
import { contentHashOf, payloadOf } from './content.ts';
import type { Reader } from './reader.ts';
import { queueDoc, removeDoc } from './search-index.ts';
import { rowsById, unknownColumns } from './synced-rows.ts';
import type { Row, Transaction } from './transaction.ts';

/**
 * Deletes an immutable row with what hangs on it. Of the contents that had to make room for it, the
 * one with the lowest hash takes the id over, as on a device where this row never was.
 */
export function removeRow(transaction: Transaction, table: ImmutableTable, id: string): void {
  transaction.run(`delete from ${table.name} where id = ?`, [id]);
  transaction.run('delete from clashes where table_name = ? and row_id = ?', [table.name, id]);
  transaction.run('delete from unknown_columns where table_name = ? and row_id = ?', [
    table.name,
    id,
  ]);
  if (table.name === 'session_messages') removeDoc(transaction, 'message', id);
  const [heir] = transaction
    .rows('select row_id from clashes where table_name = ? and original_id = ?', [table.name, id])
    .map(([row]) => ({ row: row as string, hash: heldHash(transaction, table, row as string, id) }))
    .sort((a, b) => (String(a.hash) < String(b.hash) ? -1 : 1));
  if (heir && heldHash(transaction, table, id, id) === undefined) {
    moveRow(transaction, table, heir.row, id);
  }
}

/** Gives a row another id; its number, and so its order, stays. */
export function moveRow(
  transaction: Transaction,
  table: ImmutableTable,
  id: string,
  newId: string,
): void {
  const names = transaction
    .rows('select name from pragma_table_info(?)', [table.name])
    .map(([name]) => name as string);
  const row = transaction.first<Row>(names, `from ${table.name} where id = ?`, [id]);
  if (!row) return;
  const key = [newId, table.name, id];
  transaction.run(`delete from ${table.name} where id = ?`, [id]);
  transaction.insertPlain(table.name, [{ ...row, id: newId }]);
  transaction.run('delete from clashes where table_name = ? and row_id = ?', [table.name, id]);
  transaction.run('update unknown_columns set row_id = ? where table_name = ? and row_id = ?', key);
  if (table.name !== 'session_messages') return;
  removeDoc(transaction, 'message', id);
  const ownerId = String(row['session_id']);
  queueDoc(transaction, { kind: 'message', refId: newId, ownerId, at: Number(row['created_at']) });
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
