import { storeBody } from '../../db/bodies.ts';
import { noteChange } from '../../db/outbox.ts';
import { queueDocs, type SearchDoc } from '../../db/search-index.ts';
import type { Row, Transaction } from '../../db/transaction.ts';
import { clashId } from '../../model/merge.ts';
import type { ImmutableTable } from '../../model/table-kinds.ts';
import { checkLargeBody, completeBody } from '../chunks.ts';
import type { Columns, Payload } from '../../db/content.ts';
import { heldHash, moveRow, removeRow } from '../../db/immutable-row.ts';
import { rowsById } from '../../db/synced-rows.ts';
import { sayAgain } from '../../upkeep/purge.ts';
import { hubRegister } from '../keys/hash-ids.ts';
import type { Applied } from './apply-register.ts';
import { keepUnknown } from './apply-register.ts';
import { isRootPurged, touchRoot, type ApplyContext } from './context.ts';
import { rootOf, type Root } from '../roots.ts';
import { markGrown } from './stale-roots.ts';
import { splitColumns } from './shape.ts';

/**
 * Adds an immutable row. Where its id stands for another content here, the lower hash keeps the id
 * and the other row gets one of its own, on every device alike.
 *
 * @throws `SealError` the columns do not fit the table
 */
export function applyRow(
  context: ApplyContext,
  table: ImmutableTable,
  payload: Payload,
  contentHash: string,
): Applied {
  const { transaction } = context;
  const shape = context.shapes.of(transaction, table.name);
  const { known, unknown } = splitColumns(shape, table.columns, payload.c);
  const row: Columns = { ...known, id: payload.i };
  const root = rootOf(transaction, table.name, row);
  if (root && isRootPurged(context, root)) {
    noteChange(transaction, table.name, payload.i, contentHash);
    return 'known';
  }
  if (payload.h && !completeBody(transaction, payload.h)) {
    return isHere(context, table, payload.i, contentHash) ? 'known' : 'chunks';
  }
  if (payload.h) checkLargeBody(transaction, payload.h);
  const body = payload.h
    ? { body: null, body_hash: payload.h.hash }
    : storeBody(transaction, payload.t ?? 'null');
  // A large body that was here already the hub may lack, and others wait for.
  const pulled = payload.h && !context.isHeld(payload.h) ? 0 : context.round;
  const added = { ...known, ...body, device: payload.d ?? '', pulled };
  let id: string | undefined = payload.i;
  if (!insert(context, table, { ...added, id })) {
    id = placeFor(context, table, payload, contentHash);
    if (id === undefined) return 'known';
    insert(context, table, { ...added, id });
  }
  if (Object.keys(unknown).length > 0) keepUnknown(transaction, table.name, id, '', unknown);
  afterAdding(context, table, [{ row: { ...added, id }, root }]);
  return 'taken';
}

export interface Addition {
  readonly row: Row;
  readonly root: Root | undefined;
}

/** What follows from rows that were added: derived columns of their records, the search index. */
export function afterAdding(
  context: ApplyContext,
  table: ImmutableTable,
  additions: readonly Addition[],
): void {
  for (const { root } of additions) if (root) touchRoot(context, root);
  markGrown(
    context.transaction,
    table.name,
    additions.map(({ row }) => row['id'] as string),
  );
  if (table.name === 'session_messages') {
    queueDocs(
      context.transaction,
      additions.map(({ row }) => messageDoc(row)),
    );
  }
}

function messageDoc(row: Row): SearchDoc {
  return {
    kind: 'message',
    refId: row['id'] as string,
    ownerId: String(row['session_id']),
    at: Number(row['created_at'] ?? 0),
  };
}

/** Takes a row away that was purged elsewhere. */
export function applyPurge(
  context: ApplyContext,
  table: ImmutableTable,
  payload: Payload,
  register: string,
): Applied {
  const { transaction, ring } = context;
  const clashes = transaction
    .rows('select row_id from clashes where table_name = ? and original_id = ?', [
      table.name,
      payload.i,
    ])
    .map((row) => row[0] as string);
  for (const id of [payload.i, ...clashes]) {
    const hash = heldHash(transaction, table, id, payload.i);
    if (hash === undefined || hubRegister(ring, table.name, hash) !== register) continue;
    sayAgainForBody(context, table, id);
    removeRow(transaction, table, id);
    return 'taken';
  }
  return 'known';
}

/** Pieces of a large body may have gone from here to the hub after the purge did. */
function sayAgainForBody({ transaction }: ApplyContext, table: ImmutableTable, id: string): void {
  const row = rowsById(transaction, table, [id]).get(id);
  if (!row || row['body_hash'] === null) return;
  const root = rootOf(transaction, table.name, row);
  if (root) sayAgain(transaction, root);
}

/** Whether the very row stands here, under its id or, where another content bears that, its own. */
function isHere(
  { transaction }: ApplyContext,
  table: ImmutableTable,
  id: string,
  contentHash: string,
): boolean {
  if (heldHash(transaction, table, id, id) === contentHash) return true;
  const sql = `select count(*) from ${table.name} where id = ?`;
  return transaction.number(sql, [clashId(id, contentHash)]) > 0;
}

/** The id under which the row is to stand; undefined when it is here already. */
function placeFor(
  context: ApplyContext,
  table: ImmutableTable,
  { i: id, h: large }: Payload,
  contentHash: string,
): string | undefined {
  const { transaction, round } = context;
  const held = heldHash(transaction, table, id, id);
  if (held === undefined) return id;
  const own = clashId(id, contentHash);
  const here = held === contentHash ? id : own;
  // That the hub has the row does not tell that it has all of a large body: ours stays to be sent.
  const change = large ? 'pulled = pulled' : `pulled = ${round}`;
  if (transaction.run(`update ${table.name} set ${change} where id = ?`, [here]) > 0) {
    return undefined;
  }
  if (held < contentHash) {
    noteClash(transaction, table, own, id);
    return own;
  }
  const away = clashId(id, held);
  moveRow(transaction, table, id, away);
  noteClash(transaction, table, away, id);
  return id;
}

function noteClash(
  transaction: Transaction,
  table: ImmutableTable,
  id: string,
  originalId: string,
): void {
  transaction.run(
    'insert or ignore into clashes (table_name, row_id, original_id, found_at) values (?, ?, ?, ?)',
    [table.name, id, originalId, transaction.now()],
  );
}

/**
 * Events get the next number of their thread here, in the order in which they come; those that were lost
 * here, and come again, one where they were.
 *
 * @returns false when the id is taken
 */
function insert(context: ApplyContext, table: ImmutableTable, row: Row & { id: string }): boolean {
  if (table.name !== 'runtime_events') return insertOrIgnore(context, table.name, row);
  const { transaction, gaps } = context;
  const thread = String(row['thread_id']);
  const device = String(row['device']);
  const last = lastSeqOf(context, thread);
  if (gaps?.has(transaction, thread) && gaps.meets(transaction, thread, device, row.id))
    return false;
  const seq = gaps?.numberFor(transaction, thread, device, last) ?? last + 1;
  const added = insertOrIgnore(context, table.name, { ...row, seq });
  context.lastSeq.set(thread, added ? Math.max(last, seq) : last);
  return added;
}

/** The last number of a thread here. */
export function lastSeqOf({ transaction, lastSeq }: ApplyContext, thread: string): number {
  const sql = 'select max(seq) from runtime_events where thread_id = ?';
  return lastSeq.get(thread) ?? transaction.number(sql, [thread]);
}

function insertOrIgnore(context: ApplyContext, table: string, row: Row): boolean {
  const sql = `${context.shapes.insertSql(table, row, 1)} on conflict (id) do nothing`;
  return context.transaction.run(sql, Object.values(row)) > 0;
}
