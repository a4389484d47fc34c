import { countBranch, currentLeaf, isMember, moveLeaf } from '../areas/message-tree.ts';
import { SESSION_TREE } from '../areas/session-rows.ts';
import type { Database } from '../db/database.ts';
import type { Reader } from '../db/reader.ts';
import type { Stamper, Transaction } from '../db/transaction.ts';

const BATCH = 200;

/** How many sessions count their messages wrong. Where a pull has just brought some, it will count anew. */
export function countMiscounted(reader: Reader): number {
  const sessions = reader.rows(
    `select s.id, s.message_count, l.leaf_id from sessions s join session_leaves l on l.session_id = s.id
     where s.id not in (select row_id from stale_roots where table_name = 'sessions')`,
  );
  return sessions.filter(([id, count, leaf]) => {
    const branch = countBranch(reader, SESSION_TREE, String(id), String(leaf));
    return branch !== Number(count) && isMember(reader, SESSION_TREE, String(id), String(leaf));
  }).length;
}

/** Puts this device on a branch of each session that it has lost its place in, and counts anew. */
export async function findPlaces(database: Database, stamper: Stamper): Promise<void> {
  const all = await database.read((reader) => reader.rows('select id from sessions'));
  for (let start = 0; start < all.length; start += BATCH) {
    await database.write(stamper, (transaction) => {
      for (const [id] of all.slice(start, start + BATCH)) findPlace(transaction, String(id));
    });
  }
}

function findPlace(transaction: Transaction, id: string): void {
  let leaf = currentLeaf(transaction, SESSION_TREE, id);
  if (leaf === null || !isMember(transaction, SESSION_TREE, id, leaf)) {
    const newest = transaction.rows(
      `select id from session_messages m where session_id = ?1 and not exists (
         select 1 from session_messages c where c.session_id = ?1 and c.parent_id = m.id)
       order by number desc limit 1`,
      [id],
    )[0]?.[0];
    leaf = newest === undefined ? null : String(newest);
    moveLeaf(transaction, SESSION_TREE, id, leaf);
  }
  const count = leaf === null ? 0 : countBranch(transaction, SESSION_TREE, id, leaf);
  const sql = 'update sessions set message_count = ?2 where id = ?1 and message_count <> ?2';
  transaction.run(sql, [id, count]);
}
