import type { Reader } from '../db/reader.ts';
import { clockHex, hexOf } from '../db/version-clock.ts';
import { MUTABLE_TABLES } from '../model/registers.ts';
import { AHEAD_MAX_MS } from '../model/version.ts';

/**
 * Registers with versions that no right clock stamped and that the hub took: it gives back what is ahead of
 * its own clock, so that was wrong, too. Without sync they harm nothing.
 *
 * @param now - unix milliseconds
 * @returns how many, and when the last of them has come, unix milliseconds
 */
export function versionsAhead(reader: Reader, now: number): { count: number; untilMs: number } {
  let count = 0;
  let untilMs = 0;
  if (reader.number('select count(*) from sync_state where enabled = 1') === 0)
    return { count, untilMs };
  for (const { name, registers } of MUTABLE_TABLES) {
    for (const register of Object.keys(registers)) {
      const clock = clockHex(`${register}_version`);
      const [found, latest] =
        reader.rows(
          `select count(*), max(${clock}) from ${name} t where ${clock} > ? and not exists (
           select 1 from outbox where table_name = ? and row_id = t.id and register = ?)`,
          [hexOf(now + AHEAD_MAX_MS), name, register],
        )[0] ?? [];
      count += Number(found);
      untilMs = Math.max(untilMs, Number.parseInt(String(latest ?? '0'), 16));
    }
  }
  return { count, untilMs };
}
