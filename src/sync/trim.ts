import { noteAgain } from '../db/outbox.ts';
import type { Transaction } from '../db/transaction.ts';
import type { Trim } from './gathering.ts';

/**
 * Trims exactly what was read for a push: a note that was replaced meanwhile has another number and
 * stays.
 *
 * @param sameRound - false when everything was offered anew since: then the scans began again
 */
export function trimSent(transaction: Transaction, trim: Trim, sameRound: boolean): void {
  transaction.run('delete from outbox where number in (select value from json_each(?))', [
    JSON.stringify(trim.notes),
  ]);
  for (const { table, hubId, register, offer } of trim.parked) {
    transaction.run(
      `update parked set offer = 0
       where table_name = ? and hub_id = ? and register = ? and offer = ?`,
      [table, hubId, register, offer],
    );
  }
  if (!sameRound) return;
  for (const { table, rowId, register } of trim.waiting) {
    noteAgain(transaction, table, rowId, register);
  }
  for (const [table, number] of trim.numbers) {
    transaction.run('update sync_scans set after_number = ? where table_name = ?', [number, table]);
  }
  for (const [table, id] of trim.ids) {
    if (id === null) transaction.run('delete from sync_scans where table_name = ?', [table]);
    else transaction.run('update sync_scans set after_id = ? where table_name = ?', [id, table]);
  }
}
