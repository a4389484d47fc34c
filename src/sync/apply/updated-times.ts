import type { Reader } from '../../db/reader.ts';
import type { Transaction } from '../../db/transaction.ts';
import { MUTABLE_TABLES, tasks } from '../../model/registers.ts';
import { limitOf, type HubMeta } from '../hub-meta.ts';

/** How far ahead of every clock a record may have been worked on, milliseconds. */
const FUTURE_MS = 24 * 60 * 60_000;

/** Those whose `updated_at` follows from what they hold, and is not sent. */
const TABLES = MUTABLE_TABLES.filter((table) => table.work !== undefined || table === tasks).map(
  ({ name }) => name,
);

const AHEAD = 'where deleted_at is null and updated_at > ?1';
const ANY = `select ${TABLES.map((table) => `exists (select 1 from ${table} ${AHEAD})`).join(' or ')}`;

/** The time now, and until when a record may have been worked on, unix milliseconds. */
export interface TimeBound {
  readonly now: number;
  readonly latest: number;
}

/** Neither our clock nor that of the hub is believed alone: the one that is behind would take all times back. */
export function timeBound(meta: Pick<HubMeta, 'nowMs' | 'floorMs'>, ownNow: number): TimeBound {
  const now = Math.max(meta.nowMs, ownNow);
  return { now, latest: Math.max(limitOf(meta), ownNow) + FUTURE_MS };
}

/** Whether a record was worked on in the far future. */
export function isAnyAhead(reader: Reader, { latest }: TimeBound): boolean {
  return reader.number(ANY, [latest]) === 1;
}

/**
 * Takes for now when a record was worked on in the far future: what a device with a wrong clock wrote
 * would else be the newest everywhere for years. What it wrote keeps its times: those are content.
 */
export function boundUpdated(transaction: Transaction, { now, latest }: TimeBound): void {
  for (const table of TABLES) {
    transaction.run(`update ${table} set updated_at = ?2 ${AHEAD}`, [latest, now]);
  }
}
