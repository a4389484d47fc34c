import { goAlong, goAlongFromChosen, grownChoices } from '../../areas/branch-ends.ts';
import { countBranch } from '../../areas/message-tree.ts';
import { SESSION_TREE } from '../../areas/session-rows.ts';
import { THREAD_TREE } from '../../areas/thread-messages.ts';
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

const TREES = [SESSION_TREE, THREAD_TREE];

/** Notes where messages that came are the first to follow an end that the user of this device chose. */
export function markGrown(
  transaction: Transaction,
  table: string,
  messageIds: readonly string[],
): void {
  const tree = TREES.find(({ messages }) => messages === table);
  if (!tree) return;
  for (const id of grownChoices(transaction, tree, messageIds)) {
    transaction.run('insert or ignore into stale_roots (table_name, row_id) values (?, ?)', [
      tree.leaves,
      id,
    ]);
  }
}

/** In the order of their names: a chosen leaf goes along before the messages that lead to it are counted. */
const REFRESH: ReadonlyMap<string, (transaction: Transaction, id: string) => void> = new Map([
  ...TREES.map(
    (tree) =>
      [
        tree.leaves,
        (transaction: Transaction, id: string) => {
          goAlongFromChosen(transaction, tree, id);
        },
      ] as const,
  ),
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
  const leaf = goAlong(transaction, SESSION_TREE, id);
  const count = leaf === null ? 0 : countBranch(transaction, SESSION_TREE, id, leaf);
  transaction.run(
    `update sessions set message_count = ?2, updated_at = max(updated_at, coalesce(
       (select max(created_at) from session_messages where session_id = ?1), 0)) where id = ?1`,
    [id, count],
  );
}

/** Its messages are no work on it: `updatedAt` stays, as where they are added. */
function refreshThread(transaction: Transaction, id: string): void {
  goAlong(transaction, THREAD_TREE, id);
}

function refreshRuntimeThread(transaction: Transaction, id: string): void {
  transaction.run(
    `update runtime_threads set updated_at = max(updated_at, coalesce((
       select max(max(created_at, coalesce(started_at, 0), coalesce(ended_at, 0)))
       from runtime_turns where thread_id = ?1), 0)) where id = ?1`,
    [id],
  );
}
