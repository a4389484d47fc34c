import { HubBusyError, HubRefusedError, StoreError } from '../../errors.ts';

const FIRST_MS = 1000;
const LONGEST_MS = 30_000;
/**
 * What passes only when a person does something is looked at about once a minute. So is a hub that asks for
 * more: it may be well long before, and one look a minute burdens none.
 */
const SLOW_MS = 60_000;

/**
 * How long to wait after failures in a row, with full jitter, so that devices that failed together
 * do not come back together.
 *
 * @param failures - how many there were before this one
 * @param random - from 0 to below 1
 */
export function backoffMs(failures: number, random: () => number): number {
  return random() * Math.min(LONGEST_MS, FIRST_MS * 2 ** failures);
}

/**
 * Whether the same may succeed soon, unchanged. A refusal may: it is also what a web page of a proxy
 * or a redirect in the way of the hub looks like.
 */
export function isPassing(error: unknown): boolean {
  if (error instanceof HubRefusedError) return true;
  return error instanceof StoreError && error.retryable;
}

/** How long to wait after an error, in milliseconds: as long as the hub asks for, up to a minute. */
export function waitMs(error: unknown, failures: number, random: () => number): number {
  const slowMs = SLOW_MS * (0.75 + random() / 4);
  if (!isPassing(error)) return slowMs;
  const asked = error instanceof HubBusyError ? (error.retryAfterMs ?? 0) : 0;
  return Math.max(Math.min(asked, slowMs), backoffMs(failures, random));
}

/** A time from 80 to 120 % of `ms`. */
export function jitter(ms: number, random: () => number): number {
  return ms * (0.8 + 0.4 * random());
}
