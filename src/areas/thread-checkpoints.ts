import { loadBody, storeBody, type BodyColumns } from '../db/bodies.ts';
import type { Reader } from '../db/reader.ts';
import type { Transaction } from '../db/transaction.ts';
import { membersOf } from '../model/record-body.ts';
import { threadCheckpoints as table } from '../model/registers.ts';
import type { ThreadCheckpoint, ThreadCheckpointSummary } from '../model/thread.ts';
import { found, readPage, type Page } from './page.ts';
import {
  THREAD_CHECKPOINT_COLUMNS,
  columnJson,
  toThreadCheckpoint,
  type ThreadCheckpointRow,
} from './thread-rows.ts';

/** Saves a state under an id of the thread, in place of what stood there. */
export function saveThreadCheckpoint(
  transaction: Transaction,
  threadId: string,
  checkpointId: string,
  state: unknown,
): ThreadCheckpointSummary {
  const id = rowId(threadId, checkpointId);
  const changes = {
    created_at: transaction.now(),
    deleted_at: null,
    ...storeBody(transaction, JSON.stringify({ state })),
  };
  if (transaction.number('select count(*) from thread_checkpoints where id = ?', [id]) > 0) {
    transaction.update(table, id, changes);
  } else {
    transaction.insert(table, {
      id,
      thread_id: threadId,
      checkpoint_id: checkpointId,
      ...changes,
    });
  }
  return toThreadCheckpoint(found(findCheckpoint(transaction, id), 'checkpoint', checkpointId));
}

/** The checkpoint with this id, or the newest; null where there is none. */
export function loadThreadCheckpoint(
  reader: Reader,
  threadId: string,
  checkpointId: string | undefined,
): ThreadCheckpoint | null {
  const rest =
    checkpointId === undefined
      ? `from thread_checkpoints where thread_id = ? and deleted_at is null
         order by created_at desc, id desc`
      : 'from thread_checkpoints where id = ? and deleted_at is null';
  const row = reader.first<ThreadCheckpointRow & BodyColumns>(
    [...THREAD_CHECKPOINT_COLUMNS, 'body', 'body_hash'],
    rest,
    [checkpointId === undefined ? threadId : rowId(threadId, checkpointId)],
  );
  return row ? { ...toThreadCheckpoint(row), state: stateOf(loadBody(reader, row)) } : null;
}

export function listThreadCheckpoints(
  reader: Reader,
  threadId: string,
  query: { readonly limit: number; readonly cursor?: string | null | undefined },
): Page<ThreadCheckpointSummary> {
  const page = readPage<ThreadCheckpointRow>(reader, {
    table: 'thread_checkpoints',
    columns: THREAD_CHECKPOINT_COLUMNS,
    where: [{ sql: 'thread_id = ?', params: [threadId] }, { sql: 'deleted_at is null' }],
    sort: 'created_at',
    descending: true,
    ...query,
  });
  return { ...page, items: page.items.map(toThreadCheckpoint) };
}

/** @throws `NotFoundError` */
export function deleteThreadCheckpoint(
  transaction: Transaction,
  threadId: string,
  checkpointId: string,
): void {
  const id = rowId(threadId, checkpointId);
  found(findCheckpoint(transaction, id), 'checkpoint', checkpointId);
  transaction.update(table, id, { deleted_at: transaction.now() });
}

function findCheckpoint(reader: Reader, id: string): ThreadCheckpointRow | undefined {
  return reader.first<ThreadCheckpointRow>(
    THREAD_CHECKPOINT_COLUMNS,
    'from thread_checkpoints where id = ? and deleted_at is null',
    [id],
  );
}

/** An imported body is the old row, whose `state_json` is text. */
function stateOf(body: string): unknown {
  const members: { state?: unknown; state_json?: string } = Object.fromEntries(membersOf(body));
  return Object.hasOwn(members, 'state') ? members.state : columnJson(members.state_json ?? null);
}

function rowId(threadId: string, checkpointId: string): string {
  return `${threadId}/${checkpointId}`;
}
