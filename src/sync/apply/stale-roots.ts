import {
  countBranch,
  currentLeaf,
  followsBranch,
  moveLeaf,
  type MessageTree,
} from '../../areas/message-tree.ts';
import { SESSION_TREE } from '../../areas/session-rows.ts';
import type { Transaction } from '../../db/transaction.ts';
import type { Root } from '../roots.ts';

/** Notes that a record's derived columns and this device's place in it have to be looked at. */
export function markStale(transaction: Transaction, root: Root): void {
  if (!REFRESH.has(root.table)) return;
  transaction.run('insert or ignore into stale_roots (table_name, row_id) values (?, ?)', [
    root.table,
    root.id,
  ]);
}

const THREAD_TREE: MessageTree = {
  messages: 'thread_messages',
  leaves: 'thread_leaves',
  owner: 'thread_id',
};

const REFRESH: ReadonlyMap<string, (transaction: Transaction, id: string) => void> = new Map([
  ['sessions', refreshSession],
  ['threads', refreshThread],
  ['runtime_threads', refreshRuntimeThread],
]);

/**
 * Works off some of the notes of {@link markStale}.
 *
 * @returns how many; 0 when none is left
 */
export function refreshStale(transaction: Transaction, limit: number): number {
  const roots = transaction.list<{ table_name: string; row_id: string }>(
    ['table_name', 'row_id'],
    'from stale_roots order by table_name, row_id limit ?',
    [limit],
  );
  for (const { table_name: table, row_id: id } of roots) {
    REFRESH.get(table)?.(transaction, id);
    transaction.run('delete from stale_roots where table_name = ? and row_id = ?', [table, id]);
  }
  return roots.length;
}

function refreshSession(transaction: Transaction, id: string): void {
  const leaf = advance(transaction, SESSION_TREE, id);
  const count = leaf === null ? 0 : countBranch(transaction, SESSION_TREE, id, leaf);
  transaction.run(
    `update sessions set message_count = ?2, updated_at = max(updated_at, coalesce(
       (select max(created_at) from session_messages where session_id = ?1), 0)) where id = ?1`,
    [id, count],
  );
}

function refreshThread(transaction: Transaction, id: string): void {
  advance(transaction, THREAD_TREE, id);
  transaction.run(
    `update threads set updated_at = max(updated_at, coalesce(
       (select max(created_at) from thread_messages where thread_id = ?1), 0)) where id = ?1`,
    [id],
  );
}

function refreshRuntimeThread(transaction: Transaction, id: string): void {
  transaction.run(
    `update runtime_threads set updated_at = max(updated_at, coalesce((
       select max(max(created_at, coalesce(started_at, 0), coalesce(ended_at, 0)))
       from runtime_turns where thread_id = ?1), 0)) where id = ?1`,
    [id],
  );
}

/**
 * Moves this device forward, only along its own branch and from its end: while one message follows. A device that is
 * on none begins at the newest end.
 */
function advance(transaction: Transaction, tree: MessageTree, ownerId: string): string | null {
  const start = currentLeaf(transaction, tree, ownerId);
  let leaf = start ?? newestEnd(transaction, tree, ownerId);
  if (leaf === null || !followsBranch(transaction, tree, ownerId)) return leaf;
  const seen = new Set([leaf]);
  for (;;) {
    const next = transaction.rows(
      `select id from ${tree.messages} where parent_id = ? and ${tree.owner} = ? limit 2`,
      [leaf, ownerId],
    );
    const only = next.length === 1 ? (next[0]?.[0] as string) : undefined;
    if (only === undefined || seen.has(only)) break;
    leaf = only;
    seen.add(leaf);
  }
  if (leaf !== start) moveLeaf(transaction, tree, ownerId, leaf);
  return leaf;
}

function newestEnd(transaction: Transaction, tree: MessageTree, ownerId: string): string | null {
  const row = transaction.rows(
    `select id from ${tree.messages} m where ${tree.owner} = ?
     and not exists (select 1 from ${tree.messages} c where c.parent_id = m.id)
     order by created_at desc, id desc limit 1`,
    [ownerId],
  )[0];
  return row === undefined ? null : (row[0] as string);
}
