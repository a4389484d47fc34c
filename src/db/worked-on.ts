import { isWork, type MutableTable } from '../model/table-kinds.ts';
import { clockOf, IMPORT_DEVICE } from '../model/version.ts';
import type { Row, Transaction } from './transaction.ts';

/** Clocks differ, and a caller may round up: so far ahead is no mistake. */
const AHEAD_MS = 24 * 60 * 60_000;

/**
 * When a record counts as worked on, by a time that somebody said. One in the far future is content,
 * and stays so; but what it sorts by is now, or it would stand at the top of lists for years.
 *
 * @param at - unix milliseconds
 * @param now - unix milliseconds
 */
export function workedOnAt(at: number, now: number): number {
  return at > now + AHEAD_MS ? now : at;
}

/**
 * When a record was worked on, by the versions in a row of it: these are what other devices hear of. No
 * other clock may be asked, or it would be another time there.
 *
 * @param held - not before this time, unix milliseconds
 * @returns no column where no version tells of work
 */
export function workedOn(table: MutableTable, row: Row, held: number, now: number): Row {
  const versions = Object.keys(table.registers)
    .filter((register) => isWork(table, register))
    .map((register) => String(row[`${register}_version`] ?? ''))
    .filter((version) => version !== '');
  if (versions.length === 0) return {};
  const times = versions.map((version) => clockOf(version).ms);
  return { updated_at: workedOnAt(Math.max(held, ...times), now) };
}

/** What was stamped anew, and the version that it had. */
interface Restamped {
  readonly id: string;
  readonly register: string;
  readonly above: string;
}

/** Lets the time of work go along with a register that was stamped anew, also back: the clock was wrong. */
export function workAnew(
  transaction: Transaction,
  table: MutableTable,
  { id, register, above }: Restamped,
): void {
  if (!isWork(table, register)) return;
  const versions = Object.keys(table.registers).map((name) => `${name}_version`);
  const names = ['updated_at', ...versions];
  const row = transaction.first<Row>(names, `from ${table.name} where id = ?`, [id]) ?? {};
  const held = Number(row['updated_at']);
  // What is later came from elsewhere.
  const least = above !== '' && held <= clockOf(above).ms ? 0 : held;
  const { updated_at: at = held } = workedOn(table, row, least, transaction.now());
  transaction.run(`update ${table.name} set updated_at = ? where id = ?`, [at, id]);
}

/** When a task was worked on, by what its columns say: these are what other devices hear of. */
export function taskWorkedOn(transaction: Transaction, id: string): void {
  transaction.run(
    `update tasks set updated_at = max(created_at, case when attempt > 1 then queued_at else 0 end,
       coalesce(started_at, 0),
       case when status = 'running' and owner <> '${IMPORT_DEVICE}' then 0 else coalesce(ended_at, 0) end)
     where id = ?`,
    [id],
  );
}
