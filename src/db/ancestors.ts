import { latestByDevice } from '../model/merge.ts';
import { deviceOf } from '../model/version.ts';
import type { Reader } from './reader.ts';
import { registerValues } from './register-values.ts';
import type { Transaction } from './transaction.ts';

/** A register of a row. */
export interface RegisterKey {
  readonly table: string;
  readonly rowId: string;
  readonly register: string;
}

/** Register to what its version was made on top of. */
export type Ancestors = ReadonlyMap<string, readonly string[]>;

/** What the versions of rows were made on top of, read at once. */
export function ancestorsById(
  reader: Reader,
  table: string,
  ids: readonly string[],
): (id: string) => Ancestors {
  return registerValues(reader, 'ancestors', table, ids);
}

/** Notes that a version was made on top of another one and of all that this one was made on. */
export function followVersion(
  transaction: Transaction,
  key: RegisterKey,
  version: string,
  replaced: string,
): void {
  const held = ancestorsById(transaction, key.table, [key.rowId])(key.rowId).get(key.register);
  if (!held && deviceOf(replaced) === deviceOf(version)) return;
  saveAncestors(transaction, key, version, [...(held ?? []), replaced]);
}

/** Keeps the latest of each device; none where they are all of the device that wrote the version. */
export function saveAncestors(
  transaction: Transaction,
  { table, rowId, register }: RegisterKey,
  version: string,
  versions: readonly string[],
): void {
  const latest = latestByDevice(versions);
  if (latest.every((one) => deviceOf(one) === deviceOf(version))) {
    transaction.run('delete from ancestors where table_name = ? and row_id = ? and register = ?', [
      table,
      rowId,
      register,
    ]);
    return;
  }
  transaction.run(
    `insert or replace into ancestors (table_name, row_id, register, versions)
     values (?, ?, ?, ?)`,
    [table, rowId, register, JSON.stringify(latest)],
  );
}
