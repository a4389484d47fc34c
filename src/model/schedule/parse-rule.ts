import { parseCron } from './parse-cron.ts';
import { type Rule, ScheduleError, type Weekday } from './rule.ts';

const WEEKDAYS: readonly string[] = ['SU', 'MO', 'TU', 'WE', 'TH', 'FR', 'SA'];

const FORMS = {
  ONCE: 'FREQ=ONCE;AT=<RFC 3339, or local YYYY-MM-DDTHH:MM[:SS]>',
  HOURLY: 'FREQ=HOURLY[;INTERVAL=n][;BYDAY=MO,TU,…][;BYHOUR=0-23][;BYMINUTE=0-59]',
  WEEKLY: 'FREQ=WEEKLY;BYDAY=MO,TU,…;BYHOUR=0-23;BYMINUTE=0-59',
  CRON: 'FREQ=CRON;EXPR=<minute hour day-of-month month day-of-week>',
};
const KEYS: Record<keyof typeof FORMS, readonly string[]> = {
  ONCE: ['AT'],
  HOURLY: ['INTERVAL', 'BYDAY', 'BYHOUR', 'BYMINUTE'],
  WEEKLY: ['BYDAY', 'BYHOUR', 'BYMINUTE'],
  CRON: ['EXPR'],
};

/**
 * Parses the `;`-separated KEY=VALUE text of a schedule. Keys and names may be in either case, empty
 * parts are skipped, and of a repeated key the last one counts, as in the text that exists already.
 *
 * @throws `ScheduleError` with what is wrong and the form that is expected
 */
export function parseRule(text: string): Rule {
  const values = new Map<string, string>();
  for (const part of text.split(';')) {
    const [key = '', ...rest] = part.split('=');
    if (part.trim() === '') continue;
    if (rest.length === 0)
      throw new ScheduleError(`"${part.trim()}" is not KEY=VALUE. ${allForms()}`);
    values.set(key.trim().toUpperCase(), rest.join('=').trim());
  }

  const freq = values.get('FREQ')?.toUpperCase() ?? '';
  if (!isFreq(freq)) {
    const what = freq === '' ? 'the rule has no FREQ' : `FREQ=${freq} is not supported`;
    throw new ScheduleError(`${what}. ${allForms()}`);
  }
  for (const key of values.keys()) {
    if (key === 'FREQ' || KEYS[freq].includes(key)) continue;
    throw new ScheduleError(`${key} is not supported with FREQ=${freq}. Use ${FORMS[freq]}`);
  }
  try {
    return parseValues(freq, values);
  } catch (error) {
    if (!(error instanceof ScheduleError)) throw error;
    throw new ScheduleError(`${error.message}. Use ${FORMS[freq]}`, { cause: error });
  }
}

function isFreq(text: string): text is keyof typeof FORMS {
  return Object.hasOwn(FORMS, text);
}

function allForms(): string {
  return `Use one of: ${Object.values(FORMS).join(' | ')}`;
}

function parseValues(freq: keyof typeof FORMS, values: ReadonlyMap<string, string>): Rule {
  const need = (key: string): string => {
    const value = values.get(key);
    if (value === undefined || value === '') throw new ScheduleError(`${freq} needs ${key}`);
    return value;
  };
  const optional = <T>(key: string, parse: (value: string) => T): T | null => {
    const value = values.get(key);
    return value === undefined ? null : parse(value);
  };
  const hour = (value: string): number => parseNumber('BYHOUR', value, 0, 23);
  const minute = (value: string): number => parseNumber('BYMINUTE', value, 0, 59);

  switch (freq) {
    case 'ONCE':
      return { freq, at: parseAt(need('AT')) };
    case 'HOURLY':
      return {
        freq,
        interval: optional('INTERVAL', (v) => parseNumber('INTERVAL', v, 1, 2 ** 32 - 1)) ?? 1,
        weekdays: optional('BYDAY', parseWeekdays),
        hour: optional('BYHOUR', hour),
        minute: optional('BYMINUTE', minute),
      };
    case 'WEEKLY':
      return {
        freq,
        weekdays: parseWeekdays(need('BYDAY')),
        hour: hour(need('BYHOUR')),
        minute: minute(need('BYMINUTE')),
      };
    case 'CRON':
      return parseCron(need('EXPR'));
  }
}

function parseNumber(key: string, text: string, min: number, max: number): number {
  const value = /^\d+$/.test(text) ? Number(text) : NaN;
  if (!(value >= min && value <= max)) {
    throw new ScheduleError(`${key}=${text} is not a number from ${min} to ${max}`);
  }
  return value;
}

function parseWeekdays(text: string): Weekday[] {
  const days = text.split(',').map((part) => {
    const day = WEEKDAYS.indexOf(part.trim().toUpperCase());
    if (day < 0) throw new ScheduleError(`BYDAY=${text} is not a list of ${WEEKDAYS.join(',')}`);
    return day as Weekday;
  });
  return [...new Set(days)].sort((a, b) => a - b);
}

const AT =
  /^(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d)(?::(\d\d)(\.\d+)?)?(?:(Z)|([+-])(\d\d):(\d\d))?$/i;

function parseAt(text: string): { ms: number } | { wall: number } {
  const found = AT.exec(text);
  const error = new ScheduleError(`AT=${text} is not a date and time`);
  if (!found) throw error;
  const [, year, month, day, hour, minute, second, fraction, zulu, sign, zoneHour, zoneMinute] =
    found;
  const isLocal = zulu === undefined && sign === undefined;
  // RFC 3339 always has seconds; a local time never has a fraction of one.
  if (isLocal ? fraction !== undefined : second === undefined) throw error;

  // Through a string, because Date.UTC takes the years 0-99 for 1900-1999; a day or an hour that
  // does not exist comes back as another one or as an invalid date.
  const plain = `${year ?? ''}-${month ?? ''}-${day ?? ''}T${hour ?? ''}:${minute ?? ''}:${second ?? '00'}`;
  const wall = Date.parse(`${plain}Z`);
  if (Number.isNaN(wall) || new Date(wall).toISOString() !== `${plain}.000Z`) throw error;
  if (isLocal) return { wall };

  const [hours, minutes] = [Number(zoneHour ?? 0), Number(zoneMinute ?? 0)];
  if (hours > 23 || minutes > 59) throw error;
  const offset = (hours * 60 + minutes) * 60_000 * (sign === '-' ? -1 : 1);
  const millis = Number((fraction ?? '.').slice(1, 4).padEnd(3, '0'));
  return { ms: wall - offset + millis };
}
