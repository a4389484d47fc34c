import { latestByDevice } from '../model/merge.ts';
import { deviceOf } from '../model/version.ts';
import type { Reader } from './reader.ts';
import type { Transaction } from './transaction.ts';

/** A register of a row. */
export interface RegisterKey {
  readonly table: string;
  readonly rowId: string;
  readonly register: string;
}

/** Register to what its version was made on top of. */
export type Ancestors = ReadonlyMap<string, readonly string[]>;

const NONE: Ancestors = new Map();

/** What the versions of rows were made on top of, read at once. */
export function ancestorsById(
  reader: Reader,
  table: string,
  ids: readonly string[],
): (id: string) => Ancestors {
  const rows = reader.list<{ row_id: string; register: string; versions: string }>(
    ['row_id', 'register', 'versions'],
    'from ancestors where table_name = ? and row_id in (select value from json_each(?))',
    [table, JSON.stringify(ids)],
  );
  const found = new Map<string, Map<string, readonly string[]>>();
  for (const { row_id: id, register, versions } of rows) {
    const registers = found.get(id) ?? new Map<string, readonly string[]>();
    found.set(id, registers.set(register, JSON.parse(versions) as string[]));
  }
  return (id) => found.get(id) ?? NONE;
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
