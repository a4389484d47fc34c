import type { Transaction } from '../db/transaction.ts';
import { IMMUTABLE_TABLES, MUTABLE_TABLES } from '../model/registers.ts';
import { REMOVED, UNBELIEVED_SQL } from './apply/park.ts';

/**
 * Offers every row to the hub, whoever wrote it, and the parked entries that somebody may read one day:
 * versions make that safe. Nothing is queued row by row; the next pushes go through the tables, and send what the hub lacks.
 */
export function offerAll(transaction: Transaction): void {
  transaction.run('update sync_state set round = round + 1');
  for (const { name } of MUTABLE_TABLES) {
    transaction.run(
      `insert into sync_scans (table_name, after_id) values (?, '')
       on conflict (table_name) do update set after_id = ''`,
      [name],
    );
  }
  for (const { name } of IMMUTABLE_TABLES) {
    transaction.run(
      `insert into sync_scans (table_name, after_number, until_number)
       values (?1, 0, (select coalesce(max(number), 0) from ${name}))
       on conflict (table_name) do update
       set after_number = 0, until_number = excluded.until_number`,
      [name],
    );
  }
  transaction.run(
    `update parked set offer = o.number from (
       select table_name, hub_id, register,
         row_number() over (order by parked_at, table_name, hub_id, register) as number
       from parked where reason not in (${UNBELIEVED_SQL}, '${REMOVED}')) o
     where (o.table_name, o.hub_id, o.register) = (parked.table_name, parked.hub_id, parked.register)`,
  );
}
