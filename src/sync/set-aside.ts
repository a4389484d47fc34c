import type { Transaction } from '../db/transaction.ts';
import type { Refusal, Sending } from './gathering.ts';
import type { Ready } from './outgoing.ts';

/**
 * Notes an entry that the hub does not take even alone, with the reason; it goes again when it is
 * edited or offered anew. The note that it was read from goes. One that is newer is of an edit made
 * meanwhile: it stays as it is, and is sent.
 *
 * @param notes - the numbers of the notes that the entry was read from
 */
export function setAside(
  transaction: Transaction,
  { table, rowId, register }: Ready['source'],
  reason: Refusal,
  notes: readonly number[],
): void {
  const key = [table, rowId, register];
  const where = 'table_name = ? and row_id = ? and register = ?';
  const read = 'number in (select value from json_each(?))';
  const params = [...key, JSON.stringify(notes)];
  const bases = transaction.rows(
    `select bases from outbox where ${where} and ${read}`,
    params,
  )[0]?.[0];
  transaction.run(`delete from outbox where ${where} and ${read}`, params);
  transaction.run(
    `insert into outbox (table_name, row_id, register, noted_at, bases, stuck)
     values (?, ?, ?, ?, ?, ?)
     on conflict (table_name, row_id, register) do update set stuck = excluded.stuck
     where outbox.stuck is not null`,
    [...key, transaction.now(), bases ?? '[]', reason],
  );
}

/** Forgets what was set aside and is on the hub now: offered anew, it was taken. */
export function forgetSetAside(transaction: Transaction, taken: readonly Sending[]): void {
  const stuck = new Map(
    transaction
      .rows('select number, table_name, row_id, register from outbox where stuck is not null')
      .map(([number, ...key]) => [key.join('\n'), Number(number)]),
  );
  if (stuck.size === 0) return;
  for (const { source } of taken) {
    const number = source && stuck.get([source.table, source.rowId, source.register].join('\n'));
    if (number !== undefined) transaction.run('delete from outbox where number = ?', [number]);
  }
}
