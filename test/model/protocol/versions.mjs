/** Thrown by a check that does not hold; its message begins with the name of the check. */
export class Violation extends Error {}

export function fail(text) {
  throw new Violation(text);
}

/** One unit of time is a minute. */
export const SLACK = 10;
export const DAY = 1440;
export const YEAR = 525600;
/** How far ahead of the hub's clock a version is believed. */
export const AHEAD = 7 * DAY;
/** When runs begin; far enough from 0 that a clock can be set back. */
export const START = 10 * YEAR;

export const order = (a, b) => (a < b ? -1 : a > b ? 1 : 0);

/**
 * Versions in their order: (attempt, terminal) of a lifecycle, then the clock (milliseconds, counter),
 * the device, the hash of the content.
 */
export function compare(x, y, attempt = true, tieHash = true) {
  return (
    (attempt && (order(x.a, y.a) || order(x.t, y.t))) ||
    order(x.ms, y.ms) ||
    order(x.c, y.c) ||
    order(x.dev, y.dev) ||
    (tieHash ? order(x.h, y.h) : 0)
  );
}

/** The later one of two versions, either of which may be missing. */
export const later = (x, y) => (!x ? y : !y || compare(x, y) > 0 ? x : y);

/** Whether two (number, token) pairs are the same; none equals none. */
export function samePair(a, b) {
  if (!a || !b) return (a ?? null) === (b ?? null);
  return a.n === b.n && a.token === b.token;
}

export const hashOf = (content) => String((content * 7919) % 100003).padStart(6, '0');

// Keys: `m|row|register` of a mutable row, `s|item|body` of an item that streams, `i|row|hash` of an
// immutable row, `c|root|content` of a chunk of a large body.
export const rowOf = (key) => key.split('|')[1];
export const hashIn = (key) => key.split('|')[2];
export const isImmutable = (key) => key[0] === 'i';
export const isStream = (key) => key[0] === 's';
/** A register with what people decide and what goes its course beside it. */
export const isPlan = (key) => key.endsWith('|plan');
export const isChunk = (key) => key[0] === 'c';
export const purgeKey = (row) => `m|${row}|purge`;
/** The mark that a root's chunks are purged. */
export const chunkMark = (row) => `c|${row}|*`;

/** The root whose purge a register follows: its own row, or the one that an item streams below. */
export const rootOf = (key) => (isStream(key) ? rowOf(key).replace('x', 'r') : rowOf(key));

export const showVersion = (v) => `${v.a}.${v.t}/${v.ms - START}.${v.c}/${v.dev}`;
