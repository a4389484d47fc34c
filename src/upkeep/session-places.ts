import { newestEnd } from '../areas/branch-ends.ts';
import { countBranch, currentLeaf, moveLeaf } from '../areas/message-tree.ts';
import { SESSION_TREE } from '../areas/session-rows.ts';
import type { Database } from '../db/database.ts';
import type { Reader } from '../db/reader.ts';
import type { Stamper, Transaction } from '../db/transaction.ts';

const BATCH = 200;

/**
 * Sessions that count their messages wrong, or count some and have no place among them. Where a pull has
 * just brought some, it will count anew.
 */
export function misplacedSessions(reader: Reader): string[] {
  const sessions = reader.rows(
    `select s.id, s.message_count, l.leaf_id
     from sessions s left join session_leaves l on l.session_id = s.id
     where s.purged_at is null
       and s.id not in (select row_id from stale_roots where table_name = 'sessions')`,
  );
  const isWrong = (id: string, count: number, leaf: string | null) =>
    leaf === null ? count > 0 : countHere(reader, id) !== count;
  return sessions
    .filter(([id, count, leaf]) => isWrong(String(id), Number(count), leaf as string | null))
    .map(([id]) => String(id));
}

/** Puts this device on a branch of sessions that it has no place in, and counts anew. */
export async function findPlaces(
  database: Database,
  stamper: Stamper,
  ids: readonly string[],
): Promise<void> {
  for (let start = 0; start < ids.length; start += BATCH) {
    await database.write(stamper, (transaction) => {
      for (const id of ids.slice(start, start + BATCH)) findPlace(transaction, id);
    });
  }
}

/** A message that is lost stays noted as the place: an import or a pull may bring it back. */
function findPlace(transaction: Transaction, id: string): void {
  if (currentLeaf(transaction, SESSION_TREE, id) === null) {
    const leaf = newestEnd(transaction, SESSION_TREE, id);
    if (leaf !== null) moveLeaf(transaction, SESSION_TREE, id, leaf);
  }
  const sql = 'update sessions set message_count = ?2 where id = ?1 and message_count <> ?2';
  transaction.run(sql, [id, countHere(transaction, id)]);
}

function countHere(reader: Reader, id: string): number {
  const leaf = currentLeaf(reader, SESSION_TREE, id);
  return leaf === null ? 0 : countBranch(reader, SESSION_TREE, id, leaf);
}
