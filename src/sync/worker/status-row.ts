import type { Transaction } from '../../db/transaction.ts';

/** Makes the row that says how sync stands, on the first use of it. */
export function needStatusRow(transaction: Transaction): void {
  transaction.run(
    `insert into sync_status (only, lease_until, devices) values (1, 0, '[]') on conflict do nothing`,
  );
}
