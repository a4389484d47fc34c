import type { Transaction } from './transaction.ts';

/** The register of a note that stands for all of a row. */
export const EVERY_REGISTER = '*';

/** How many replaced versions a note names; of more, the first and the latest. */
const BASES_MAX = 16;

const NOTE = `insert or replace into outbox (table_name, row_id, register, noted_at, bases)
  values (?1, ?2, ?3, ?4, '[]')`;

/** Adds the replaced version to those that the former note named. */
const NOTE_REPLACING = `insert or replace into outbox (table_name, row_id, register, noted_at, bases)
  select ?1, ?2, ?3, ?4, json_set(
    coalesce(max(bases), '[]'),
    '$[' || min(coalesce(json_array_length(max(bases)), 0), ${BASES_MAX - 1}) || ']',
    ?5
  )
  from outbox where table_name = ?1 and row_id = ?2 and register = ?3`;

/**
 * Notes for the hub that a register changed, in the transaction that changed it. Nothing is noted
 * while sync is off.
 *
 * @param replaced - the version that the change replaced; absent where there was none
 */
export function noteChange(
  transaction: Transaction,
  table: string,
  rowId: string,
  register: string,
  replaced?: string,
): void {
  if (!transaction.capturing) return;
  const note = [table, rowId, register, transaction.now()];
  if (replaced === undefined) transaction.run(NOTE, note);
  else transaction.run(NOTE_REPLACING, [...note, replaced]);
}

/**
 * Notes that an immutable row was purged: nothing of it is left to tell the hub by, so it is noted
 * while sync is off, too, where the store was with a hub.
 */
export function notePurged(
  transaction: Transaction,
  table: string,
  rowId: string,
  contentHash: string,
): void {
  transaction.run(NOTE, [table, rowId, contentHash, transaction.now()]);
}

/** Whether a hub may hold what this store does. */
export function isWithHub(transaction: Transaction): boolean {
  const sql = 'select exists (select 1 from sync_state where store_id is not null)';
  return transaction.capturing || transaction.number(sql) === 1;
}

/** Notes a register that the hub may lack, although nothing changed; a note that is there stays. */
export function noteAgain(
  transaction: Transaction,
  table: string,
  rowId: string,
  register: string,
): void {
  if (!transaction.capturing) return;
  transaction.run(
    `insert or ignore into outbox (table_name, row_id, register, noted_at, bases)
     values (?, ?, ?, ?, '[]')`,
    [table, rowId, register, transaction.now()],
  );
}
