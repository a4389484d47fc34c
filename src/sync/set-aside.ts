import type { Transaction } from '../db/transaction.ts';
import { keyOf, type Sending } from './gathering.ts';
import type { Ready, Refusal } from './outgoing.ts';

/**
 * Notes an entry that cannot go even alone, with the reason; it goes again when it is edited or
 * offered anew. The note that it was read from goes. One that is newer is of an edit made
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
      .list<{ number: number; table_name: string; row_id: string; register: string }>(
        ['number', 'table_name', 'row_id', 'register'],
        'from outbox where stuck is not null',
      )
      .map(({ number, table_name: table, row_id: id, register }) => [
        keyOf(table, id, register),
        number,
      ]),
  );
  if (stuck.size === 0) return;
  for (const { source } of taken) {
    // Under no register: a row that could not be read, of which nobody knew what it is.
    for (const register of source ? [source.register, ''] : []) {
      const number = source && stuck.get(keyOf(source.table, source.rowId, register));
      if (number !== undefined) transaction.run('delete from outbox where number = ?', [number]);
    }
  }
}
