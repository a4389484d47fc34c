import type { Formerly } from '../../db/edited-registers.ts';
import type { FixedVersion } from '../../db/fixed-version.ts';
import { importRow, type Outcome } from '../../db/import-row.ts';
import type { Row, Transaction } from '../../db/transaction.ts';
import { objectMembers } from '../../model/json-text.ts';
import type { MutableTable } from '../../model/table-kinds.ts';
import { rowDigest, textDigest } from '../export/said.ts';
import type { HomeContext, ImportRecord } from './record.ts';

/** A record on its way into the store. */
export interface Coming {
  readonly record: ImportRecord;
  readonly context: HomeContext;
}

/**
 * Writes the row of a record, see {@link importRow}.
 *
 * @param ms - the record's own time, in unix milliseconds
 */
export function takeRow(
  transaction: Transaction,
  { record, context }: Coming,
  table: MutableTable,
  row: Row & { id: string },
  ms: number | undefined,
  formerly?: Formerly,
): Outcome {
  const words = repeatedWords(record, transaction.now());
  const successor = context.isSuccessor(transaction, record.path);
  const device = words && record.mark?.device;
  return importRow(
    transaction,
    table,
    device === undefined ? row : { device, ...row },
    { ms, successor, words },
    formerly,
  );
}

/**
 * By registers, the words of devices that a record repeats which nobody touched since an export made it.
 * The format has no place for all that they said: so they come a millisecond before themselves, and where
 * they are met, or what was said after them, that holds.
 *
 * @param now - unix milliseconds: of what was said later somebody made it up
 */
export function repeatedWords(
  { kind, raw, mark, exported = raw, large }: ImportRecord,
  now: number,
): ReadonlyMap<string, FixedVersion> | undefined {
  if (!mark?.said) return undefined;
  const isRow = kind.startsWith('state.');
  const of = isRow
    ? rowDigest(objectMembers(exported).map(({ key, value }) => [key, value] as const))
    : (large?.exported ?? textDigest(exported));
  if (of !== mark.of) return undefined;
  const words = Object.entries(mark.said).flatMap(([device, registers]) =>
    Object.entries(registers)
      .filter(([, at]) => at <= now)
      .map(([register, at]) => [register, { ms: at - 1, device }] as const),
  );
  return words.length > 0 ? new Map(words) : undefined;
}
