import type { MutableTable } from '../model/table-kinds.ts';
import { IMPORT_DEVICE } from '../model/version.ts';
import { splitEdited, type Formerly } from './edited-registers.ts';
import type { FixedVersion } from './fixed-version.ts';
import { queueDoc, type SearchDoc } from './search-index.ts';
import type { Row, Transaction } from './transaction.ts';

export type Outcome = 'imported' | 'updated' | 'unchanged';

/** When and by whom what a record says was said. */
export interface Said {
  /**
   * The record's own time, unix milliseconds: what its registers are compared by. Undefined for a record
   * that has none: it follows what an import left, and wins over no edit.
   */
  readonly ms: number | undefined;
  /**
   * The record comes from a file that was read later than the row's version: at the same time it wins,
   * because the old program renames and archives without touching the time.
   */
  readonly successor: boolean;
  /** By registers, words of devices that it only repeats. */
  readonly words?: ReadonlyMap<string, FixedVersion> | undefined;
}

/**
 * Writes an imported row: new, or over what stands there where its version is the higher one.
 * Deletions are the user's own and stay, and so does every other edit while the record says what it
 * said before; a derived `updated_at` only rises.
 *
 * @param formerly - the columns that a body of the row said when it came
 */
export function importRow(
  transaction: Transaction,
  table: MutableTable,
  row: Row & { id: string },
  { ms, successor, words }: Said,
  formerly?: Formerly,
): Outcome {
  const version = { ms, device: IMPORT_DEVICE, successor };
  const versions = words && ((register: string) => words.get(register) ?? version);
  const columns = 'updated_at' in row ? 'updated_at' : '0';
  const old = transaction.rows(`select ${columns} from ${table.name} where id = ?`, [row.id])[0];
  if (!old) {
    transaction.insert(table, row, versions ?? version);
    return 'imported';
  }
  const { id, deleted_at: _deleted, ...changes } = row;
  if ('updated_at' in changes && Number(changes['updated_at']) < Number(old[0])) {
    delete changes['updated_at'];
  }
  // Who repeats a word changes nothing of it.
  const parts =
    formerly && !versions
      ? splitEdited(transaction, { table, id, changes, version, formerly })
      : [{ columns: changes, version: versions ?? version }];
  const changed = parts.flatMap((part) =>
    transaction.update(table, id, part.columns, part.version),
  );
  return changed.length > 0 ? 'updated' : 'unchanged';
}

/** Changes a row that an import made, as another import would. */
export function importChange(
  transaction: Transaction,
  table: MutableTable,
  id: string,
  changes: Row,
): void {
  transaction.update(table, id, changes, {
    ms: undefined,
    device: IMPORT_DEVICE,
    successor: true,
  });
}

/** Inserts a row of an immutable table unless it is there already; of an import unless it names a device. */
export function importPlain(
  transaction: Transaction,
  table: string,
  row: Row & { id: string },
): Outcome {
  const full: Row = { device: IMPORT_DEVICE, ...row };
  const names = Object.keys(full);
  const inserted = transaction.run(
    `insert or ignore into ${table} (${names.join(', ')})
     values (${names.map(() => '?').join(', ')})`,
    Object.values(full),
  );
  return inserted > 0 ? 'imported' : 'unchanged';
}

/** Notes a record for the search index unless nothing of it changed. */
export function noteForSearch(transaction: Transaction, outcome: Outcome, doc: SearchDoc): void {
  if (outcome !== 'unchanged') queueDoc(transaction, doc);
}
