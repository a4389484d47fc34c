import { indexText } from '../model/search-text.ts';
import type { Reader } from './reader.ts';
import type { Transaction } from './transaction.ts';

export type SearchKind = 'session' | 'message' | 'task' | 'item';

export interface SearchDoc {
  readonly kind: SearchKind;
  readonly refId: string;
  /** The session of a message, the thread of an item; the record itself else. */
  readonly ownerId: string;
  /** Unix milliseconds. */
  readonly at: number;
}

/** Puts a record into the index, or replaces what stands there, in the caller's transaction. */
export function indexDoc(transaction: Transaction, doc: SearchDoc, text: string): void {
  const known = docNumber(transaction, doc.kind, doc.refId);
  if (known !== undefined) {
    transaction.run('delete from search_index where rowid = ?', [known]);
    transaction.run('update search_docs set at = ?, indexed = 1 where number = ?', [doc.at, known]);
    writeIndex(transaction, known, text);
    return;
  }
  transaction.run(
    'insert into search_docs (kind, ref_id, owner_id, at, indexed) values (?, ?, ?, ?, 1)',
    [doc.kind, doc.refId, doc.ownerId, doc.at],
  );
  writeIndex(transaction, transaction.number('select last_insert_rowid()'), text);
}

/** Notes a record for {@link indexPending}: imported rows are indexed after they are in. */
export function queueDoc(transaction: Transaction, doc: SearchDoc): void {
  queueDocs(transaction, [doc]);
}

/** Like {@link queueDoc}, by one statement. */
export function queueDocs(transaction: Transaction, docs: readonly SearchDoc[]): void {
  transaction.run(
    `insert into search_docs (kind, ref_id, owner_id, at, indexed)
     values ${docs.map(() => '(?, ?, ?, ?, 0)').join(', ')}
     on conflict (kind, ref_id) do update
       set owner_id = excluded.owner_id, at = excluded.at, indexed = 0`,
    docs.flatMap(({ kind, refId, ownerId, at }) => [kind, refId, ownerId, at]),
  );
}

export function removeDoc(transaction: Transaction, kind: SearchKind, refId: string): void {
  const number = docNumber(transaction, kind, refId);
  if (number === undefined) return;
  transaction.run('delete from search_index where rowid = ?', [number]);
  transaction.run('delete from search_docs where number = ?', [number]);
}

/**
 * Indexes up to `limit` of the noted records.
 *
 * @param textOf - the text of a record, or undefined when it is gone
 * @returns how many notes were worked off; 0 when none is left
 */
export function indexPending(
  transaction: Transaction,
  limit: number,
  textOf: (kind: SearchKind, refId: string) => string | undefined,
): number {
  const docs = transaction.list<{ number: number; kind: SearchKind; ref_id: string }>(
    ['number', 'kind', 'ref_id'],
    'from search_docs where indexed = 0 order by number limit ?',
    [limit],
  );
  for (const doc of docs) {
    const text = textOf(doc.kind, doc.ref_id);
    transaction.run('delete from search_index where rowid = ?', [doc.number]);
    if (text === undefined) {
      transaction.run('delete from search_docs where number = ?', [doc.number]);
      continue;
    }
    writeIndex(transaction, doc.number, text);
    transaction.run('update search_docs set indexed = 1 where number = ?', [doc.number]);
  }
  return docs.length;
}

/** Records that are noted and not yet in the index. */
export function pendingDocs(reader: Reader): number {
  return reader.number('select count(*) from search_docs where indexed = 0');
}

function docNumber(reader: Reader, kind: SearchKind, refId: string): number | undefined {
  const row = reader.rows('select number from search_docs where kind = ? and ref_id = ?', [
    kind,
    refId,
  ])[0];
  return row === undefined ? undefined : Number(row[0]);
}

function writeIndex(transaction: Transaction, number: number, text: string): void {
  transaction.run('insert into search_index (rowid, text) values (?, ?)', [
    number,
    // The driver binds text as a C string would be read: a NUL would end it for the tokenizer.
    indexText(text).replaceAll('\0', ' '),
  ]);
}
