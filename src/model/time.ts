import { InvalidInputError } from '../errors.ts';

/** The years 0 to 9999 in UTC, in unix milliseconds: RFC 3339 has no others. */
export const TIME_MIN_MS = Date.parse('0000-01-01T00:00:00.000Z');
export const TIME_MAX_MS = Date.parse('9999-12-31T23:59:59.999Z');

/** The nearest time that can be told. */
export function boundedTime(ms: number): number {
  return Math.min(Math.max(ms, TIME_MIN_MS), TIME_MAX_MS);
}

/** What ids and versions have room for, in unix milliseconds. */
const CLOCK_MAX = 2 ** 48 - 1;

/** A clock of which each answer is a time that can be stored. It throws `InvalidInputError`. */
export function checkedClock(clock: () => number): () => number {
  return () => {
    const now = Math.floor(clock());
    if (now >= 0 && now <= CLOCK_MAX) return now;
    throw new InvalidInputError('the clock: it gives no time from 1970 on; set it right');
  };
}

/**
 * Times are unix milliseconds inside, RFC 3339 in UTC with milliseconds outside. One beyond the years
 * 0 to 9999, which earlier versions imported, shows as the first or the last of them.
 */
export function formatTime(ms: number): string;
export function formatTime(ms: number | null): string | null;
export function formatTime(ms: number | null): string | null {
  return ms === null ? null : new Date(boundedTime(ms)).toISOString();
}

const RFC3339 =
  /^\s*(\d{4})-(\d{2})-(\d{2})[Tt ](\d{2}):(\d{2}):(\d{2})(?:\.(\d+))?\s*([Zz]|[+-]\d{2}:?\d{2})$/;

/**
 * Unix milliseconds of an RFC 3339 time, fractions cut to milliseconds; `null` when it is none, or is
 * beyond the years 0 to 9999 in UTC.
 * Accepts what the old program accepted: every offset, a blank for `T`, a leap second.
 */
export function parseTime(text: string): number | null {
  const match = RFC3339.exec(text);
  if (!match) return null;
  const [, year, month, day, hour, minute, second, fraction = '', zone = 'Z'] = match;
  // Not `Date.UTC`, which takes the years 0 to 99 for 1900 to 1999.
  const date = new Date(0);
  date.setUTCFullYear(Number(year), Number(month) - 1, Number(day));
  date.setUTCHours(Number(hour), Number(minute));
  if (date.getUTCMonth() !== Number(month) - 1 || date.getUTCDate() !== Number(day)) return null;
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 60) return null;
  const offset = zoneMinutes(zone);
  const ms =
    date.getTime() +
    Number(second) * 1000 +
    Number(fraction.padEnd(3, '0').slice(0, 3)) -
    offset * 60_000;
  return ms === boundedTime(ms) ? ms : null;
}

function zoneMinutes(zone: string): number {
  if (zone === 'Z' || zone === 'z') return 0;
  const sign = zone.startsWith('-') ? -1 : 1;
  return sign * (Number(zone.slice(1, 3)) * 60 + Number(zone.slice(-2)));
}
