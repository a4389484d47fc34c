import type { MutableTable } from '../model/table-kinds.ts';
import { deviceOf, IMPORT_DEVICE } from '../model/version.ts';
import { loadBody, type BodyColumns } from './bodies.ts';
import type { Row, Transaction } from './transaction.ts';

/** The columns that a record said by the body that is kept of it; none where no import made that. */
export type Formerly = (body: string) => Row;

/** The columns of an imported row, by whose word the registers are that they go into. */
export interface SplitChanges {
  /** Of the record. */
  readonly plain: Row;
  /** Of registers in which an edit stays beside what the record says. */
  readonly merged: Row;
}

/**
 * Leaves out what would take an edit back that the record knows nothing of: of registers that were
 * edited since the last import, the columns of which it says what it said then.
 */
export function splitEdited(
  transaction: Transaction,
  table: MutableTable,
  id: string,
  changes: Row,
  formerly: Formerly | undefined,
): SplitChanges {
  if (!formerly) return { plain: changes, merged: {} };
  const held = readHeld(transaction, table, id, changes);
  const differs = (name: string) => name in changes && held[name] !== changes[name];
  const edited = Object.entries(table.registers).filter(([register, names]) => {
    const version = String(held[`${register}_version`]);
    return version !== '' && deviceOf(version) !== IMPORT_DEVICE && names.some(differs);
  });
  if (edited.length === 0) return { plain: changes, merged: {} };
  const before = formerly(bodyOf(transaction, table, id));
  const plain = { ...changes };
  const merged: Row = {};
  for (const [register, names] of edited) {
    const told = names.filter((name) => name in before && name in changes);
    const same = told.filter((name) => before[name] === changes[name]);
    // Where work stands is one statement.
    const isWhole = table.lifecycle?.register === register;
    if (isWhole && same.length < told.length) continue;
    const left = new Set(isWhole && told.length > 0 ? names : same);
    const stays = [...left].some(differs);
    for (const name of names.filter((each) => each in changes)) {
      if (!left.has(name) && stays) merged[name] = changes[name] ?? null;
      if (left.has(name) || stays) Reflect.deleteProperty(plain, name);
    }
  }
  return { plain, merged };
}

function readHeld(transaction: Transaction, table: MutableTable, id: string, changes: Row): Row {
  const versions = Object.keys(table.registers).map((register) => `${register}_version`);
  const columns = [...Object.keys(changes), ...versions];
  return transaction.first<Row>(columns, `from ${table.name} where id = ?`, [id]) ?? {};
}

function bodyOf(transaction: Transaction, table: MutableTable, id: string): string {
  const columns = ['body', 'body_hash'] as const;
  const held = transaction.first<BodyColumns>(columns, `from ${table.name} where id = ?`, [id]);
  return held ? loadBody(transaction, held) : 'null';
}
