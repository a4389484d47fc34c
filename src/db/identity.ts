import type { Transaction } from './transaction.ts';

/**
 * Makes this store another device: it was restored or copied. For the hub it begins anew, but keeps
 * the state of the hub that it remembers; it reads everything, its former self included, and then
 * sends what is unsent as it is stamped: stamping it anew would let old edits win.
 *
 * @param machine - null: the machine on which it is next at work
 */
export function takeIdentity(transaction: Transaction, id: string, machine: string | null): void {
  transaction.run(
    `update device set former_ids = json_insert(former_ids, '$[#]', id), id = ?, machine = ?`,
    [id, machine],
  );
  transaction.forgetIdentity();
  transaction.run('delete from task_leases');
  transaction.run(
    `update sync_state set copied = 1, cursor = 0, acked_number = null, acked_token = null,
       sent_number = null, sent_token = null`,
  );
}
