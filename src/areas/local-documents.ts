import { BODY_TABLES } from '../db/blob-references.ts';
import { deleteBlob, loadBody, storeBody, type BodyColumns } from '../db/bodies.ts';
import type { Reader } from '../db/reader.ts';
import type { Row, Transaction } from '../db/transaction.ts';
import { parseJson } from '../model/json-text.ts';
import type { LocalDocument } from '../model/local-document.ts';

/** A table of this device's own, with one document a row. */
export interface DocumentTable {
  readonly name: 'session_checkpoints' | 'offline_queue';
  /** Its primary key. */
  readonly key: string;
}

/** Puts a document in place of what stands under the key of `row`. */
export function saveDocument(
  transaction: Transaction,
  table: DocumentTable,
  row: Row,
  document: LocalDocument,
): void {
  const key = row[table.key] as string;
  const old = transaction.first<BodyColumns>(...bodyOf(table, key));
  const body = storeBody(transaction, JSON.stringify(document));
  transaction.run(`delete from ${table.name} where ${table.key} = ?`, [key]);
  transaction.insertPlain(table.name, [{ ...row, ...body }]);
  if (old) releaseBody(transaction, old);
}

export function loadDocument(
  reader: Reader,
  table: DocumentTable,
  key: string,
): LocalDocument | null {
  const row = reader.first<BodyColumns>(...bodyOf(table, key));
  return row ? (parseJson(loadBody(reader, row)) as LocalDocument) : null;
}

/** Removes a document for good. */
export function clearDocument(transaction: Transaction, table: DocumentTable, key: string): void {
  const old = transaction.first<BodyColumns>(...bodyOf(table, key));
  if (!old) return;
  transaction.run(`delete from ${table.name} where ${table.key} = ?`, [key]);
  releaseBody(transaction, old);
}

function bodyOf(table: DocumentTable, key: string): [string[], string, string[]] {
  return [['body', 'body_hash'], `from ${table.name} where ${table.key} = ?`, [key]];
}

/**
 * Deletes a body that nothing refers to any more. Such documents are saved over and over while a
 * turn runs: left to the next clean-up, they would fill the file, and a cleared one would stay.
 */
function releaseBody(transaction: Transaction, { body_hash: hash }: BodyColumns): void {
  if (hash === null) return;
  const referred = BODY_TABLES.some((table) => {
    const sql = `select exists (select 1 from ${table} where body_hash = ?)`;
    return transaction.number(sql, [hash]) > 0;
  });
  if (!referred) deleteBlob(transaction, hash);
}
