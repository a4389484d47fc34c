import type { Reader } from '../db/reader.ts';
import type { Transaction } from '../db/transaction.ts';
import {
  branchIds,
  branchOf,
  countBranch,
  currentLeaf,
  followsBranch,
  notedLeaf,
  putLeaf,
  type MessageTree,
} from './message-tree.ts';

/**
 * Moves this device to where it belongs after messages of others came, which is the newest end: all
 * devices without a reason to stay show the same branch. It stays below the last message of its own
 * that leads to where it is, and where its user chose a place.
 *
 * @returns where it is now
 */
export function goAlong(
  transaction: Transaction,
  tree: MessageTree,
  ownerId: string,
): string | null {
  const held = currentLeaf(transaction, tree, ownerId);
  if (!followsBranch(transaction, tree, ownerId)) return held;
  const own = held === null ? undefined : lastOwn(transaction, tree, ownerId, held);
  const leaf = newestEnd(transaction, tree, ownerId, own) ?? held;
  if (leaf !== null && leaf !== held) putLeaf(transaction, tree, ownerId, leaf, true);
  return leaf;
}

/**
 * The chosen ends of branches that messages of the list are the first to follow: they go along when
 * the pull has come to its end, see {@link goAlongFromChosen}. An inner message that was chosen has
 * been followed before.
 */
export function grownChoices(
  reader: Reader,
  { messages, leaves, owner }: MessageTree,
  messageIds: readonly string[],
): string[] {
  return reader
    .rows(
      `select distinct l.${owner} from json_each(?) j
       join ${messages} m on m.id = j.value
       join ${leaves} l on l.${owner} = m.${owner} and l.leaf_id = m.parent_id
       where l.follows = 0 and not exists (select 1 from ${messages} c
         where c.parent_id = m.parent_id and c.${owner} = m.${owner} and c.number < m.number)`,
      [JSON.stringify(messageIds)],
    )
    .map((row) => row[0] as string);
}

/** Goes on from an end that the user chose to the newest end of what follows it by now. */
export function goAlongFromChosen(
  transaction: Transaction,
  tree: MessageTree,
  ownerId: string,
): void {
  const chosen = notedLeaf(transaction, tree, ownerId);
  if (chosen === null || followsBranch(transaction, tree, ownerId)) return;
  const leaf = newestEnd(transaction, tree, ownerId, chosen);
  if (leaf !== null) putLeaf(transaction, tree, ownerId, leaf, false);
}

/** A branch by its last message. */
export interface BranchEnd {
  readonly leaf: string;
  readonly messageCount: number;
  /** Milliseconds; null where an imported message tells no time. */
  readonly createdAt: number | null;
}

/** Where this device is: at the end of a branch, or at a message inside it. */
export interface ListedBranch extends BranchEnd {
  readonly current: boolean;
  readonly currentMessage?: string;
}

/** Every branch, newest first, as {@link endsOf}. One is the current one, where this device is on any. */
export function listBranches(reader: Reader, tree: MessageTree, ownerId: string): ListedBranch[] {
  const current = currentLeaf(reader, tree, ownerId);
  const end = current === null ? null : newestEnd(reader, tree, ownerId, current);
  return endsOf(reader, tree, ownerId).map(([leaf, createdAt]) => ({
    leaf,
    messageCount: countBranch(reader, tree, ownerId, leaf),
    createdAt,
    current: leaf === end,
    ...(leaf === end && current !== null && current !== end ? { currentMessage: current } : {}),
  }));
}

/**
 * The newest branch, where this device is not at its end; undefined where it is.
 *
 * @returns with `messageCount`, how many lead to it that do not lead to the current message
 */
export function newerBranch(
  reader: Reader,
  tree: MessageTree,
  ownerId: string,
): BranchEnd | undefined {
  if (!notAtLast(reader, tree, [ownerId]).has(ownerId)) return undefined;
  const current = currentLeaf(reader, tree, ownerId);
  if (current === null) return undefined;
  const leaf = newestEnd(reader, tree, ownerId);
  if (leaf === null || leaf === current) return undefined;
  const window = { limit: Number.MAX_SAFE_INTEGER, offset: 0 };
  const here = new Set(branchIds(reader, tree, ownerId, current, window));
  const there = branchIds(reader, tree, ownerId, leaf, window);
  const messageCount = there.filter((id) => !here.has(id)).length;
  const [row] = reader.rows(`select created_at from ${tree.messages} where id = ?`, [leaf]);
  return { leaf, messageCount, createdAt: (row?.[0] ?? null) as number | null };
}

/**
 * The newest end of all branches whose messages are here without a gap, if there is such a one.
 *
 * @param below - of those that this message leads to; itself where it is an end
 */
export function newestEnd(
  reader: Reader,
  tree: MessageTree,
  ownerId: string,
  below?: string,
): string | null {
  const ends = endsOf(reader, tree, ownerId);
  const sql = `${branchOf(tree)} select count(*) from branch
    where ${below === undefined ? 'parent_id is null' : 'id = ?'}`;
  const more = below === undefined ? [] : [below];
  const found = ends.find(([end]) => reader.number(sql, [end, ownerId, ownerId, ...more]) > 0);
  return found?.[0] ?? (below === undefined ? (ends[0]?.[0] ?? null) : null);
}

/**
 * The ends of all branches and their times, newest first, on every device in the same order: of one
 * time by their ids, those without a time last.
 */
function endsOf(reader: Reader, tree: MessageTree, ownerId: string): [string, number | null][] {
  const ends = reader.rows(
    `select id, created_at from ${tree.messages} m where ${tree.owner} = ?1 and not exists (
       select 1 from ${tree.messages} c where c.parent_id = m.id and c.${tree.owner} = ?1)`,
    [ownerId],
  ) as [string, number | null][];
  const named = ends.some(([, at]) => at === null) ? tree.namedEnd?.(reader, ownerId) : undefined;
  const timeOf = ([id, at]: [string, number | null]) => at ?? (id === named?.id ? named.at : -1);
  // Sorted here: an index tells no time, and branches are few.
  return ends.toSorted((a, b) => timeOf(b) - timeOf(a) || (a[0] < b[0] ? 1 : -1));
}

/** The last message on the way to `leaf` that this device wrote, or a store that it was. */
function lastOwn(
  reader: Reader,
  tree: MessageTree,
  ownerId: string,
  leaf: string,
): string | undefined {
  const row = reader.rows(
    `${branchOf(tree)} select id from branch where device in (
       select id from device union all select value from device, json_each(former_ids)) limit 1`,
    [leaf, ownerId, ownerId],
  )[0];
  return row?.[0] as string | undefined;
}

/**
 * Of these owners those whose current message is not the one that came last, which it is nearly
 * always: no other has a {@link newerBranch}.
 */
export function notAtLast(
  reader: Reader,
  { messages, leaves, owner }: MessageTree,
  ownerIds: readonly string[],
): ReadonlySet<string> {
  const rows = reader.rows(
    `select l.${owner} from json_each(?) join ${leaves} l on l.${owner} = value
     where l.leaf_id <> (select m.id from ${messages} m where m.${owner} = l.${owner}
       order by m.number desc limit 1)`,
    [JSON.stringify(ownerIds)],
  );
  return new Set(rows.map(([id]) => id as string));
}
