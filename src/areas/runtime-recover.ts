import { loadBody, storeBody } from '../db/bodies.ts';
import type { Transaction } from '../db/transaction.ts';
import { runtimeItems, runtimeTurns } from '../model/registers.ts';
import { IMPORT_DEVICE } from '../model/version.ts';
import { indexItem } from './runtime-items.ts';
import {
  ITEM_COLUMNS,
  OPEN,
  findThread,
  needTurn,
  readTurn,
  toItem,
  type ItemRow,
} from './runtime-rows.ts';
import { announceTurn, workedOn } from './runtime-turns.ts';

const REASON = 'Interrupted by process restart';

/**
 * Marks up to `limit` open turns of this device as interrupted, with their open items.
 *
 * @param imported - those of the old program, too, which become this device's own
 * @returns the ids of the turns; fewer than `limit` when none is left
 */
export function recoverTurns(transaction: Transaction, imported: boolean, limit: number): string[] {
  const owners = imported ? [transaction.device, IMPORT_DEVICE] : [transaction.device];
  const ids = owners.flatMap((owner) =>
    transaction
      .rows(
        `select id from runtime_turns r where ${OPEN} and owner = ? and not exists (
           select 1 from runtime_threads t where t.id = r.thread_id and t.purged_at is not null)
         limit ?`,
        [owner, limit],
      )
      .map((row) => row[0] as string),
  );
  const recovered = ids.slice(0, limit);
  for (const id of recovered) interrupt(transaction, id);
  return recovered;
}

function interrupt(transaction: Transaction, id: string): void {
  const now = transaction.now();
  const turn = needTurn(transaction, id);
  const items = transaction.list<ItemRow>(
    ITEM_COLUMNS,
    `from runtime_items where turn_id = ? and ${OPEN}`,
    [id],
  );
  for (const item of items) {
    const body = loadBody(transaction, item);
    const end = { status: 'interrupted', ended_at: now };
    transaction.update(runtimeItems, item.id, { ...end, ...storeBody(transaction, body) });
    indexItem(transaction, turn, toItem({ ...item, ...end }, body));
  }
  transaction.update(runtimeTurns, id, {
    status: 'interrupted',
    error: REASON,
    ended_at: now,
    owner: transaction.device,
  });
  // A turn can have come from another device before its thread.
  if (!findThread(transaction, turn.thread_id)) return;
  workedOn(transaction, id);
  announceTurn(transaction, readTurn(transaction, id), 'turn.completed', { recovered: true });
}
