import { createHash } from 'node:crypto';
import type { Transaction } from '../../db/transaction.ts';
import type { Entry } from '../pull-statements.ts';
import { UNBELIEVED, type ParkReason } from './open-entry.ts';

/** When the latest entry was parked, by what this process knows; unix milliseconds. */
export interface Parking {
  at?: number;
}

/** The reason of an entry that was taken off the hub: it is kept to be looked at, and holds up nothing. */
export const REMOVED = 'removed';

/** The reasons of {@link UNBELIEVED}, for statements. */
export const UNBELIEVED_SQL = UNBELIEVED.map((reason) => `'${reason}'`).join(', ');

/** What is kept of an entry that nobody could read. */
const traceOf = (payload: Uint8Array) =>
  Buffer.from(
    `${payload.length} bytes, SHA-256 ${createHash('sha256').update(payload).digest('hex')}`,
  );

/** Leaves of what was damaged, and is on the hub no more, only a trace: who has a token could fill every store. */
export function markRemoved(transaction: Transaction, parkedAt: readonly number[]): void {
  const at = JSON.stringify(parkedAt);
  const rows = transaction.rows(
    `select parked_at, payload from parked
     where reason = 'damaged' and parked_at in (select value from json_each(?))`,
    [at],
  );
  for (const [one, payload] of rows) {
    transaction.run('update parked set payload = ? where parked_at = ?', [
      traceOf(payload as Uint8Array),
      one as number,
    ]);
  }
  transaction.run(
    `update parked set reason = '${REMOVED}', offer = 0
     where reason in (${UNBELIEVED_SQL}, 'key') and parked_at in (select value from json_each(?))`,
    [at],
  );
}

/**
 * What seemed damaged was perhaps read with wrong keys: it is tried again with those that were brought, and
 * offered, as the hub may have lost it meanwhile.
 */
export function doubtDamage(transaction: Transaction): void {
  transaction.run(`update parked set reason = 'key' where reason = 'damaged'`);
}

/** What is kept of a register: rather what can still be read one day, however early its version. */
const rank = (row: string) =>
  `(case ${row}.reason when '${REMOVED}' then 0 else iif(${row}.reason in (${UNBELIEVED_SQL}), 1, 2) end,
    ${row}.version, ${row}.key_number)`;

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
     where ${rank('excluded')} >= ${rank('parked')}`,
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
     where table_name = ? and hub_id = ? and register = ?
       and (version <= ? or reason = '${REMOVED}')`,
    [entry.table, entry.id, entry.register, entry.version],
  );
  return forgotten > 0;
}

/** Forgets what was taken off the hub where it holds a good entry again. */
export function forgetRemoved(
  transaction: Transaction,
  taken: readonly { readonly entry: Pick<Entry, 'table' | 'id' | 'register'> }[],
): void {
  const any = `select exists (select 1 from parked where reason = '${REMOVED}')`;
  if (transaction.number(any) === 0) return;
  const keys = taken.map(({ entry: { table, id, register } }) => [table, id, register]);
  transaction.run(
    `delete from parked where reason = '${REMOVED}' and (table_name, hub_id, register) in (
       select value ->> 0, value ->> 1, value ->> 2 from json_each(?))`,
    [JSON.stringify(keys)],
  );
}

/** Another reason than the one for which it was parked: its key came since, or this program is newer. */
export function renameReason(transaction: Transaction, entry: Entry, reason: ParkReason): void {
  transaction.run(
    `update parked set reason = ?4, offer = iif(?4 in (${UNBELIEVED_SQL}), 0, offer) where table_name = ?1 and hub_id = ?2 and register = ?3
       and version = ?5 and reason not in (?4, '${REMOVED}')`,
    [entry.table, entry.id, entry.register, reason, entry.version],
  );
}
