import { queueDocs, removeDoc, type SearchDoc } from '../db/search-index.ts';
import type { Transaction } from '../db/transaction.ts';
import { runtimeItems, runtimeTurns } from '../model/registers.ts';

const among = (words: readonly string[]) => `in (${words.map((word) => `'${word}'`).join(', ')})`;

const NOTE = `'item' as kind, i.id as ref_id, coalesce(t.thread_id, i.turn_id) as owner_id,
  coalesce(i.ended_at, t.ended_at, i.started_at, 0) as at`;
const ITEMS = 'from runtime_items i left join runtime_turns t on t.id = i.turn_id';
/**
 * Of a turn that is not here yet, nothing is known: what is open in it waits. What was purged is there
 * still, but empty.
 */
const SEARCHED = `i.body is not 'null' and (i.status ${among(runtimeItems.lifecycle.terminal)}
  or coalesce(t.status, '') ${among(runtimeTurns.lifecycle.terminal)}) and not exists (
    select 1 from runtime_threads p where p.id = t.thread_id and p.purged_at is not null)`;

/**
 * How the items are noted that are searched: those that have ended, or whose turn has. Not before, for
 * every piece of text that streams in. Every way into the store keeps to this, so that a search finds
 * the same on every device, after an import and after a repair.
 */
export const SEARCHED_ITEMS = `select ${NOTE} ${ITEMS} where ${SEARCHED}`;

/** Follows an item that another device, or an import, wrote. */
export function noteItem(transaction: Transaction, id: string): void {
  const [doc] = docsOf(transaction, `${SEARCHED_ITEMS} and i.id = ?`, id);
  if (doc) queueDocs(transaction, [doc]);
  else removeDoc(transaction, 'item', id);
}

/** Follows a turn that another device, or an import, wrote: its items may have come before it. */
export function noteItemsOf(transaction: Transaction, turnId: string): void {
  const changed = docsOf(
    transaction,
    `select a.* from (${SEARCHED_ITEMS} and i.turn_id = ?) a
     left join search_docs d on d.kind = 'item' and d.ref_id = a.ref_id
     where d.owner_id is not a.owner_id`,
    turnId,
  );
  if (changed.length > 0) queueDocs(transaction, changed);
  // A turn that was begun again elsewhere has not ended any more.
  const open = transaction.rows(
    `select i.id ${ITEMS} join search_docs d on d.kind = 'item' and d.ref_id = i.id
     where i.turn_id = ? and not (${SEARCHED})`,
    [turnId],
  );
  for (const [id] of open) removeDoc(transaction, 'item', id as string);
}

function docsOf(transaction: Transaction, select: string, id: string): SearchDoc[] {
  return transaction.rows(select, [id]).map(([, refId, ownerId, at]) => ({
    kind: 'item',
    refId: refId as string,
    ownerId: ownerId as string,
    at: Number(at),
  }));
}
