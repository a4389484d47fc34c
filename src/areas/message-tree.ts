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
  /** The end that the record itself names, and its time: messages of an import may tell none. */
  namedEnd?(
    reader: Reader,
    ownerId: string,
  ): { readonly id: string; readonly at: number } | undefined;
  /** Where this device is while the message that it was at is lost; absent: nowhere. */
  standIn?(reader: Reader, ownerId: string): string | null;
}

/** Messages from `leaf` upwards, in this order; parameters are leaf, owner, owner. */
export const branchOf = (
  tree: MessageTree,
  limits = '',
) => `with recursive branch (id, parent_id, device) as (
    select id, parent_id, device from ${tree.messages} where id = ? and ${tree.owner} = ?
    union select m.id, m.parent_id, m.device
    from branch join ${tree.messages} m on m.id = branch.parent_id where m.${tree.owner} = ?
    ${limits}
  )`;

/**
 * The end of the branch that this device is on, or null where it is on none. One that was lost to damage
 * stays noted: where a pull or an import brings it back, this device is there again.
 */
export function currentLeaf(reader: Reader, tree: MessageTree, ownerId: string): string | null {
  const leaf = notedLeaf(reader, tree, ownerId);
  if (leaf === null || !tree.standIn || isMember(reader, tree, ownerId, leaf)) return leaf;
  return tree.standIn(reader, ownerId);
}

/** The same, whether that message is here or not. */
export function notedLeaf(reader: Reader, tree: MessageTree, ownerId: string): string | null {
  const row = reader.rows(`select leaf_id from ${tree.leaves} where ${tree.owner} = ?`, [
    ownerId,
  ])[0];
  return row === undefined ? null : (row[0] as string);
}

/** Moves this device to `leaf`. A message that others follow counts as chosen. */
export function moveLeaf(
  transaction: Transaction,
  tree: MessageTree,
  ownerId: string,
  leaf: string,
): void {
  const sql = `select exists (select 1 from ${tree.messages} where parent_id = ? and ${tree.owner} = ?)`;
  const isInside = transaction.number(sql, [leaf, ownerId]) > 0;
  putLeaf(transaction, tree, ownerId, leaf, !isInside);
}

/**
 * Moves this device where its user wants to be: it leaves this place for no newer messages, but goes
 * along where it is the end of a branch. `null` leaves the conversation without a current branch.
 */
export function chooseLeaf(
  transaction: Transaction,
  tree: MessageTree,
  ownerId: string,
  leaf: string | null,
): void {
  if (leaf !== null) putLeaf(transaction, tree, ownerId, leaf, false);
  else transaction.run(`delete from ${tree.leaves} where ${tree.owner} = ?`, [ownerId]);
}

/** @param follows - whether this device may be moved to newer messages */
export function putLeaf(
  transaction: Transaction,
  tree: MessageTree,
  ownerId: string,
  leaf: string,
  follows: boolean,
): void {
  transaction.run(
    `insert into ${tree.leaves} (${tree.owner}, leaf_id, follows) values (?, ?, ?)
     on conflict (${tree.owner}) do update
     set leaf_id = excluded.leaf_id, follows = excluded.follows`,
    [ownerId, leaf, Number(follows)],
  );
}

/** Whether this device may be moved to newer messages: its user chose no place. */
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
