import { mergeRecord } from '../model/merge-record.ts';
import { bodyRegister, type MutableTable } from '../model/table-kinds.ts';
import { clockOf, IMPORT_DEVICE, isImported, rightAfter } from '../model/version.ts';
import { loadBody, storeBody, type BodyColumns } from './bodies.ts';
import type { Incoming, Part } from './edited-registers.ts';
import { fixedClock, isLater, type FixedVersion } from './fixed-version.ts';
import { importedBody, type ImportedBody } from './imported-bodies.ts';
import { registerVersion } from './register-version.ts';
import type { Row, Transaction } from './transaction.ts';

/**
 * What an import left of the register of the body. Where nobody knows that, because an earlier version
 * imported it, what stands there now: then only a record that is later than the edit is compared.
 */
export function lastImported(
  transaction: Transaction,
  table: MutableTable,
  id: string,
  held: Row,
): ImportedBody {
  const version = held[`${bodyRegister(table)}_version`] as string;
  const known = isImported(version) ? undefined : importedBody(transaction, table, id);
  return known ?? { ...bodyOf(held), version };
}

/** What this record leaves of it; undefined where it says nothing new, or is the older one. */
export function nextImported(
  { table, id, changes, version: fixed }: Incoming,
  held: Row,
  last: ImportedBody,
): ImportedBody | undefined {
  const body = bodyOf(changes);
  if (isSame(body, last)) return undefined;
  const version = registerVersion(
    table,
    bodyRegister(table),
    { ...held, ...changes, id },
    fixedClock(fixed, last.version),
    { id: IMPORT_DEVICE, contentKey: null },
  );
  return version > last.version && isLater(fixed, last.version) ? { ...body, version } : undefined;
}

/** What the register of the body of an edited row is merged of. */
interface Sides {
  readonly held: Row;
  /** The columns that the last record said. */
  readonly before: Row;
  readonly last: ImportedBody;
  readonly next: ImportedBody;
  /** The version that it gets where the record is later than the edit. */
  readonly own: FixedVersion;
}

/**
 * The register of the body with what was edited here and what the record brings. Of what both changed the
 * later one holds. An older record brings the rest, too: the next one only tells what changed since.
 *
 * @returns undefined where the record is later, and nothing of the edit is left
 */
export function mergeEdited(
  transaction: Transaction,
  { table, changes }: Incoming,
  { held, before, last, next, own }: Sides,
): Part | undefined {
  const holder = bodyRegister(table);
  const stands = clockOf(held[`${holder}_version`] as string);
  const wins = own.ms !== undefined && own.ms > stands.ms;
  const columns: Row = mergeBody(transaction, { before: last, here: bodyOf(held), next, wins });
  let isEdited = false;
  for (const name of table.registers[holder] as readonly string[]) {
    if (name in changes && !(name in columns)) {
      const isNews = before[name] !== changes[name];
      const takes = isNews && (wins || held[name] === before[name]);
      columns[name] = (takes ? changes[name] : held[name]) ?? null;
    }
    // What no record says is edited where it is there: that a goal was deleted.
    const result = name in columns ? columns[name] : held[name];
    if (result !== (changes[name] ?? null)) isEdited = true;
  }
  if (!wins) {
    return { columns, version: { ...own, ...rightAfter(stands), successor: true } };
  }
  return isEdited ? { columns, version: own } : undefined;
}

interface Bodies {
  readonly before: BodyColumns;
  readonly here: BodyColumns;
  readonly next: BodyColumns;
  readonly wins: boolean;
}

/** Reads none where it need not: most edits are of columns, and leave the body as the record. */
function mergeBody(transaction: Transaction, { before, here, next, wins }: Bodies): Row {
  if (isSame(here, before) || isSame(here, next)) return bodyOf(next);
  const record = loadBody(transaction, next);
  const texts = {
    before: loadBody(transaction, before),
    here: loadBody(transaction, here),
    record,
  };
  const merged = mergeRecord(texts, wins);
  return merged === record ? bodyOf(next) : storeBody(transaction, merged);
}

function isSame(a: BodyColumns, b: BodyColumns): boolean {
  return a.body === b.body && a.body_hash === b.body_hash;
}

function bodyOf(row: Row | BodyColumns): { [K in keyof BodyColumns]: string | null } {
  const { body, body_hash: hash } = row as BodyColumns;
  return { body, body_hash: hash };
}
