import { InvalidArgumentError } from 'commander';

const AGE = /^(\d{1,9})(s|m|h|d|w)$/;
const DATE = /^(\d{4})-(\d\d)-(\d\d)$/;
const TIME = /^(\d{4}-\d\d-\d\d)[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?$/i;
const UNIT_MS = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const;

const FORMS =
  'Give a date (2026-08-18), a time (2026-08-18T09:15:02Z) or an age (30m, 12h, 7d, 2w).';

/** `30m`, `12h`, `7d`, `2w` in milliseconds. */
export function parseAge(text: string): number {
  const age = ageMs(text);
  if (age === undefined) throw new InvalidArgumentError('Give an age such as 12h, 30d or 8w.');
  return age;
}

const LIFE_MAX_MS = 3660 * UNIT_MS.d;

/** How long a token is good for, in milliseconds. */
export function parseLife(text: string): number {
  const age = parseAge(text);
  if (age === 0 || age > LIFE_MAX_MS) {
    throw new InvalidArgumentError('Give at least 1s and at most ten years, such as 90d.');
  }
  return age;
}

/** The start of a span, in RFC 3339. A date is the first moment of that day in the local zone. */
export function parseSince(text: string, now = Date.now()): string {
  return format(moment(text, now) ?? dayStart(text, 0));
}

/** The end of a span, in RFC 3339. A date is the last moment of that day in the local zone. */
export function parseUntil(text: string, now = Date.now()): string {
  const nextDay = moment(text, now) ?? dayStart(text, 1);
  return format(DATE.test(text) && nextDay !== undefined ? nextDay - 1 : nextDay);
}

function ageMs(text: string): number | undefined {
  const [, amount, unit] = AGE.exec(text) ?? [];
  return unit === undefined ? undefined : Number(amount) * UNIT_MS[unit as keyof typeof UNIT_MS];
}

/** An age or a time; `undefined` for anything else. A time without a zone is a local one. */
function moment(text: string, now: number): number | undefined {
  const age = ageMs(text);
  if (age !== undefined) return now - age;
  const [, date] = TIME.exec(text) ?? [];
  if (date === undefined || dayStart(date, 0) === undefined) return undefined;
  return Date.parse(text.toUpperCase().replace(' ', 'T'));
}

/** Local midnight, so many days later: days differ in length where clocks are changed. */
function dayStart(text: string, daysLater: number): number | undefined {
  const [, year, month, day] = (DATE.exec(text) ?? []).map(Number);
  if (year === undefined || month === undefined || day === undefined) return undefined;
  const date = localDay(year, month - 1, day);
  if (date.getMonth() !== month - 1 || date.getDate() !== day) return undefined;
  return localDay(year, month - 1, day + daysLater).getTime();
}

/** Made anew for each day: one that begins at one o'clock would leave its hour to the next. */
function localDay(year: number, month: number, day: number): Date {
  // The setter and not the constructor, which takes the years 0 to 99 for 1900 to 1999.
  const date = new Date(0, 0, 1);
  date.setFullYear(year, month, day);
  return date;
}

function format(ms: number | undefined): string {
  const date = new Date(ms ?? Number.NaN);
  const year = date.getUTCFullYear();
  // Beyond four digits it is no RFC 3339.
  if (Number.isNaN(year) || year < 0 || year > 9999) throw new InvalidArgumentError(FORMS);
  return date.toISOString();
}
