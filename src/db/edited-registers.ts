import { bodyRegister, type MutableTable } from '../model/table-kinds.ts';
import { isImported } from '../model/version.ts';
import { loadBody } from './bodies.ts';
import { lastImported, mergeEdited, nextImported } from './edited-body.ts';
import type { FixedVersion } from './fixed-version.ts';
import { rememberBody } from './imported-bodies.ts';
import type { Row, Transaction } from './transaction.ts';

/** The columns that a record said by the body that is kept of it; none where no import made that. */
export type Formerly = (body: string) => Row;

/** A record that comes to a row. */
export interface Incoming {
  readonly table: MutableTable;
  readonly id: string;
  readonly changes: Row;
  readonly version: FixedVersion;
  readonly formerly: Formerly;
}

/** Columns of a register, and by whose word they are. */
export interface Part {
  readonly columns: Row;
  readonly version: FixedVersion;
}

/**
 * Leaves out what would take an edit back that the record knows nothing of: of registers that were
 * edited since the last import, what the record says as it said it then. And remembers what it says
 * now.
 *
 * @returns what is of the record, and then what is this device's word: registers in which an edit
 *   stays beside what the record says
 */
export function splitEdited(transaction: Transaction, incoming: Incoming): Part[] {
  const { table, id, changes, version, formerly } = incoming;
  const whole = [{ columns: changes, version }];
  const holder = bodyRegister(table);
  const held = readHeld(transaction, table, id, changes);
  const isEdited = (register: string) => {
    const stands = String(held[`${register}_version`]);
    return stands !== '' && !isImported(stands);
  };
  const differs = (name: string) => name in changes && held[name] !== changes[name];
  const edited = Object.entries(table.registers).filter(
    ([register, names]) => isEdited(register) && names.some(differs),
  );
  const last = lastImported(transaction, table, id, held);
  const next = isEdited(holder) ? nextImported(incoming, held, last) : undefined;
  if (edited.length === 0 && !next) return whole;
  const before = formerly(loadBody(transaction, last));
  // Made here, and by no import: nothing can be told apart.
  if (Object.keys(before).length === 0) return whole;
  const plain = { ...changes };
  const merged: Row = {};
  for (const [register, names] of edited) {
    if (register === holder) continue;
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
  // Partly an edit: right after what the file alone says elsewhere.
  const at = version.ms === undefined ? undefined : Math.min(version.ms, transaction.now());
  const own = { ms: at, counter: 1, device: transaction.device };
  const parts = [
    { columns: plain, version },
    { columns: merged, version: own },
  ];
  if (!isEdited(holder)) return parts;
  const part = next && mergeEdited(transaction, incoming, { held, before, last, next, own });
  if (next) rememberBody(transaction, table, id, next);
  if (next && !part) return parts;
  for (const name of table.registers[holder] as readonly string[]) {
    Reflect.deleteProperty(plain, name);
  }
  return part ? [...parts, part] : parts;
}

function readHeld(transaction: Transaction, table: MutableTable, id: string, changes: Row): Row {
  const holder = table.registers[bodyRegister(table)] as readonly string[];
  const versions = Object.keys(table.registers).map((register) => `${register}_version`);
  const columns = new Set([...Object.keys(changes), ...holder, ...versions]);
  return transaction.first<Row>([...columns], `from ${table.name} where id = ?`, [id]) ?? {};
}
