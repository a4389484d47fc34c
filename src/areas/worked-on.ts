import type { Transaction } from '../db/transaction.ts';

/** Clocks differ, and a caller may round up: so far ahead is no mistake. */
const AHEAD_MS = 24 * 60 * 60_000;

/**
 * When a record counts as worked on, by a time that the caller gave. One in the far future is content,
 * and stays so; but what it sorts by is now, or it would stand at the top of lists for years.
 */
export function workedOnAt(transaction: Transaction, at: number): number {
  const now = transaction.now();
  return at > now + AHEAD_MS ? now : at;
}
