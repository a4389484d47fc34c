import { ConflictError } from '../errors.ts';
import { isRoutine, lifecycleOf, type MutableTable } from '../model/table-kinds.ts';
import { contentHash, endOfMs, formatVersion, rightAfter, type Clock } from '../model/version.ts';
import type { Value } from './connection.ts';

/**
 * The version of a register as its columns stand in `row`, which holds the id, too: the hash of a
 * short title alone would tell the title to who guesses it.
 *
 * @param by - who stamps; `contentKey` is null for imports, whose versions agree on all machines
 */
export function registerVersion(
  table: MutableTable,
  register: string,
  row: Readonly<Record<string, Value>>,
  clock: Clock,
  by: { readonly id: string; readonly contentKey: string | null },
): string {
  const columns = table.registers[register] as readonly string[];
  const content = ['id', ...columns].map((name) => row[name] ?? null);
  const hash = contentHash(content, by.contentKey);
  return formatVersion(clock, by.id, hash, lifecycleOf(table, register, row));
}

/**
 * The clock of an edit.
 *
 * @param above - what stands in the register; undefined: nothing
 * @param routine - a machine carries on what people decide
 * @param next - the clock of this device, above what it is given
 */
export function editClock(
  table: MutableTable,
  register: string,
  routine: boolean,
  above: Clock | undefined,
  next: (above: Clock | undefined) => Clock,
): Clock {
  const isBoth = isRoutine(table, register);
  if (routine && !isBoth) throw new Error(`nothing is carried on in ${table.name}.${register}`);
  if (routine && above) return rightAfter(above);
  // In a millisecond of its own: what carries on what it replaces stays below it.
  return next(above && isBoth ? endOfMs(above) : above);
}

/** The version of a lifecycle puts the attempt and the end before the clock. */
export function furtherOn(id: string): ConflictError {
  return new ConflictError(
    `${id} is further on than this change: it has ended, or was begun again, since`,
  );
}
