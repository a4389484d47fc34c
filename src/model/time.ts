import { InvalidInputError } from '../errors.ts';

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

/** Times are unix milliseconds inside, RFC 3339 in UTC with milliseconds outside. */
export function formatTime(ms: number): string;
export function formatTime(ms: number | null): string | null;
export function formatTime(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}

const RFC3339 =
  /^\s*(\d{4})-(\d{2})-(\d{2})[Tt ](\d{2}):(\d{2}):(\d{2})(?:\.(\d+))?\s*([Zz]|[+-]\d{2}:?\d{2})$/;

/**
 * Unix milliseconds of an RFC 3339 time, fractions cut to milliseconds; `null` when it is none.
 * Accepts what the old program accepted: any offset, a blank for `T`, a leap second.
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
  return (
    date.getTime() +
    Number(second) * 1000 +
    Number(fraction.padEnd(3, '0').slice(0, 3)) -
    offset * 60_000
  );
}

function zoneMinutes(zone: string): number {
  if (zone === 'Z' || zone === 'z') return 0;
  const sign = zone.startsWith('-') ? -1 : 1;
  return sign * (Number(zone.slice(1, 3)) * 60 + Number(zone.slice(-2)));
}
