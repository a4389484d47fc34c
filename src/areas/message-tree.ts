import type { Reader } from '../db/reader.ts';
import type { Transaction } from '../db/transaction.ts';

/**
 * Messages that name their parent, and the place of this device among them. A walk stays inside
 * one conversation and meets no message twice, whatever an imported file claims.
 */
export interface MessageTree {
  readonly messages: string;
  readonly leaves: string;
  /** The column of both tables that names the conversation. */
  readonly owner: string;
}

/** Messages from `leaf` upwards: `(id, parent_id)`; parameters are leaf, owner, owner. */
const branchOf = (tree: MessageTree, limits = '') => `with recursive branch (id, parent_id) as (
    select id, parent_id from ${tree.messages} where id = ? and ${tree.owner} = ?
    union select m.id, m.parent_id
    from branch join ${tree.messages} m on m.id = branch.parent_id where m.${tree.owner} = ?
    ${limits}
  )`;

/** The end of the branch that this device is on, or null where it is on none. */
export function currentLeaf(reader: Reader, tree: MessageTree, ownerId: string): string | null {
  const row = reader.rows(`select leaf_id from ${tree.leaves} where ${tree.owner} = ?`, [
    ownerId,
  ])[0];
  return row === undefined ? null : (row[0] as string);
}

/** Moves this device to `leaf`; `null` leaves the conversation without a current branch. */
export function moveLeaf(
  transaction: Transaction,
  tree: MessageTree,
  ownerId: string,
  leaf: string | null,
): void {
  if (leaf === null) {
    transaction.run(`delete from ${tree.leaves} where ${tree.owner} = ?`, [ownerId]);
    return;
  }
  // Whoever goes back to a message that others follow stays there; whoever is at an end goes along.
  transaction.run(
    `insert into ${tree.leaves} (${tree.owner}, leaf_id, follows) values (?1, ?2, not exists (
       select 1 from ${tree.messages} where parent_id = ?2 and ${tree.owner} = ?1))
     on conflict (${tree.owner}) do update
     set leaf_id = excluded.leaf_id, follows = excluded.follows`,
    [ownerId, leaf],
  );
}

/** Whether this device goes along when its branch grows: it is at the end of it. */
export function followsBranch(reader: Reader, tree: MessageTree, ownerId: string): boolean {
  const sql = `select coalesce(max(follows), 1) from ${tree.leaves} where ${tree.owner} = ?`;
  return reader.number(sql, [ownerId]) === 1;
}

export function isMember(
  reader: Reader,
  tree: MessageTree,
  ownerId: string,
  messageId: string,
): boolean {
  const sql = `select count(*) from ${tree.messages} where id = ? and ${tree.owner} = ?`;
  return reader.number(sql, [messageId, ownerId]) > 0;
}

/** Whether a message is on the branch that ends at `leaf`. */
export function isOnBranch(
  reader: Reader,
  tree: MessageTree,
  ownerId: string,
  { leaf, messageId }: { readonly leaf: string; readonly messageId: string },
): boolean {
  const sql = `${branchOf(tree)} select exists (select 1 from branch where id = ?)`;
  return reader.number(sql, [leaf, ownerId, ownerId, messageId]) > 0;
}

/** How many messages lead from the root to `leaf`. */
export function countBranch(
  reader: Reader,
  tree: MessageTree,
  ownerId: string,
  leaf: string,
): number {
  const sql = `${branchOf(tree)} select count(*) from branch`;
  return reader.number(sql, [leaf, ownerId, ownerId]);
}

/** Ids of the messages that lead to `leaf`, newest first, without the newest `offset`. */
export function branchIds(
  reader: Reader,
  tree: MessageTree,
  ownerId: string,
  leaf: string,
  window: { readonly limit: number; readonly offset: number },
): string[] {
  // Limits inside the recursion end it; what it has found so far comes out in the order of the walk.
  const rows = reader.rows(`${branchOf(tree, 'limit ? offset ?')} select id from branch`, [
    leaf,
    ownerId,
    ownerId,
    window.limit,
    window.offset,
  ]);
  return rows.map((row) => row[0] as string);
}
