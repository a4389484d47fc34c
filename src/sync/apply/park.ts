import type { Transaction } from '../../db/transaction.ts';
import type { Entry } from '../pull-statements.ts';
import type { ParkReason } from './open-entry.ts';

/** When the latest entry was parked, by what this process knows; unix milliseconds. */
export interface Parking {
  at?: number;
}

/**
 * Keeps an entry that cannot be applied now, with its reason; of two versions the later one. No two
 * bear one time: they are applied in the order in which they came, as events have to be.
 */
export function park(
  transaction: Transaction,
  entry: Entry,
  reason: ParkReason,
  parking: Parking,
): void {
  parking.at ??= transaction.number('select max(parked_at) from parked');
  parking.at = Math.max(parking.at + 1, transaction.now());
  transaction.run(
    `insert into parked
       (table_name, hub_id, register, version, key_number, schema, payload, reason, parked_at, offer)
     values (?, ?, ?, ?, ?, ?, ?, ?, ?, 0)
     on conflict (table_name, hub_id, register) do update set
       version = excluded.version, key_number = excluded.key_number, schema = excluded.schema,
       payload = excluded.payload, reason = excluded.reason, offer = 0
     where (excluded.version, excluded.key_number) >= (parked.version, parked.key_number)`,
    [
      entry.table,
      entry.id,
      entry.register,
      entry.version,
      entry.keyNumber,
      entry.schema,
      entry.payload,
      reason,
      parking.at,
    ],
  );
}

/**
 * Forgets what was parked of a register, now that this version of it or a later one is applied.
 *
 * @returns whether anything was
 */
export function unpark(transaction: Transaction, entry: Entry): boolean {
  const forgotten = transaction.run(
    `delete from parked
     where table_name = ? and hub_id = ? and register = ? and version <= ?`,
    [entry.table, entry.id, entry.register, entry.version],
  );
  return forgotten > 0;
}
