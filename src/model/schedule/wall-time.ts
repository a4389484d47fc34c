import { ScheduleError, type WallMs } from './rule.ts';

export const MINUTE_MS = 60_000;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;

/** The last instant a `Date` can hold; `Intl` refuses what lies beyond. */
const INSTANT_MS_MAX = 8.64e15;

/** Making a formatter costs a thousand times as much as using it. */
const formatters = new Map<string, Intl.DateTimeFormat>();

function formatterOf(timeZone: string): Intl.DateTimeFormat {
  let formatter = formatters.get(timeZone);
  if (formatter === undefined) {
    try {
      formatter = new Intl.DateTimeFormat('en-US', { timeZone, timeZoneName: 'longOffset' });
    } catch (cause) {
      const message = `"${timeZone}" is no time zone of this machine; use an IANA name such as Europe/Berlin`;
      throw new ScheduleError(message, { cause });
    }
    formatters.set(timeZone, formatter);
  }
  return formatter;
}

/** How far the clocks of the zone are ahead of UTC at an instant, in milliseconds. */
function offsetAt(ms: number, timeZone: string): number {
  const text = formatterOf(timeZone).format(ms);
  const found = /GMT(?:([+-])(\d\d):(\d\d)(?::(\d\d))?)?$/.exec(text);
  if (!found) throw new Error(`unexpected offset in "${text}"`);
  const [, sign, hours = 0, minutes = 0, seconds = 0] = found;
  const size = Number(hours) * HOUR_MS + Number(minutes) * MINUTE_MS + Number(seconds) * 1000;
  return sign === '-' ? -size : size;
}

/** What the clocks of the zone show at an instant. */
export function wallAt(ms: number, timeZone: string): WallMs {
  return ms + offsetAt(ms, timeZone);
}

/**
 * The first instant at which the clocks of the zone show this wall time, or null when they never
 * do: skipped by a clock change, or past the range of dates.
 */
export function firstInstantAt(wall: WallMs, timeZone: string): number | null {
  if (Math.abs(wall) > INSTANT_MS_MAX - 2 * DAY_MS) return null;
  // Offsets are less than a day, so the instant lies between these two, and unless the zone
  // changes its clocks twice within two days, its offset is one of theirs.
  const before = offsetAt(wall - DAY_MS, timeZone);
  const after = offsetAt(wall + DAY_MS, timeZone);
  const instants = [wall - before, wall - after].filter((ms) => wallAt(ms, timeZone) === wall);
  return instants.length > 0 ? Math.min(...instants) : null;
}

/** 0 is Sunday. */
export function weekdayOf(wall: WallMs): number {
  return new Date(wall).getUTCDay();
}
