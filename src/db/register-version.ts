import { ConflictError } from '../errors.ts';
import { lifecycleOf, type MutableTable } from '../model/table-kinds.ts';
import { contentHash, formatVersion, type Clock } from '../model/version.ts';
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

/** The version of a lifecycle puts the attempt and the end before the clock. */
export function furtherOn(id: string): ConflictError {
  return new ConflictError(
    `${id} is further on than this change: it has ended, or was begun again, since`,
  );
}
