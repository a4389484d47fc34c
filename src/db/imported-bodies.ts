import { bodyRegister, type MutableTable } from '../model/table-kinds.ts';
import { isImported } from '../model/version.ts';
import type { BodyColumns } from './bodies.ts';
import type { Columns } from './content.ts';
import type { Reader } from './reader.ts';
import type { Row, Transaction } from './transaction.ts';

/** The register that holds the body of a row as imports alone would have left it: its version, and the record that came last. */
export interface ImportedBody extends BodyColumns {
  readonly version: string;
}

/** Undefined where nothing was edited since, so that it stands in the row itself, or where nobody knows it. */
export function importedBody(
  reader: Reader,
  table: MutableTable,
  id: string,
): ImportedBody | undefined {
  return reader.first<ImportedBody>(
    ['version', 'body', 'body_hash'],
    'from imported_bodies where table_name = ? and row_id = ?',
    [table.name, id],
  );
}

export function rememberBody(
  transaction: Transaction,
  table: MutableTable,
  id: string,
  { version, body, body_hash: hash }: ImportedBody,
): void {
  transaction.run(
    `insert or replace into imported_bodies (table_name, row_id, version, body, body_hash)
     values (?, ?, ?, ?, ?)`,
    [table.name, id, version, body, hash],
  );
}

export function forgetBody(transaction: Transaction, table: string, id: string): void {
  transaction.run('delete from imported_bodies where table_name = ? and row_id = ?', [table, id]);
}

/**
 * Remembers what an import left where an edit takes its place, and forgets it where another import
 * takes the place of the edit.
 *
 * @param held - the register as it was, with its version
 * @param next - its version now
 */
export function followEdit(
  transaction: Transaction,
  {
    table,
    id,
    register,
  }: { readonly table: MutableTable; readonly id: string; readonly register: string },
  held: Row | Columns,
  next: string,
): void {
  if (!table.keepsEdits || register !== bodyRegister(table)) return;
  const version = held[`${register}_version`] as string;
  if (isImported(version) && !isImported(next)) {
    rememberBody(transaction, table, id, { ...(held as unknown as BodyColumns), version });
  } else if (isImported(next) && !isImported(version)) forgetBody(transaction, table.name, id);
}

/** Whether a row is, but for what was edited here, the record of this body. */
export function isOfRecord(
  reader: Reader,
  table: MutableTable,
  id: string,
  { body, body_hash: hash }: Pick<Row, keyof BodyColumns>,
): boolean {
  const columns = [`${bodyRegister(table)}_version as version`, 'body', 'body_hash'];
  const held =
    importedBody(reader, table, id) ??
    reader.first<Row & ImportedBody>(columns, `from ${table.name} where id = ?`, [id]);
  return held !== undefined && held.body === body && held.body_hash === hash;
}
