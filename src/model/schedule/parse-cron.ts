import { type CronRule, ScheduleError } from './rule.ts';

interface Field {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  /** Names of the values from `min` on. */
  readonly names?: readonly string[];
}

const MONTH_NAMES = 'JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC'.split(' ');
const WEEKDAY_NAMES = 'SUN MON TUE WED THU FRI SAT'.split(' ');

const FIELDS = {
  minute: { name: 'minute', min: 0, max: 59 },
  hour: { name: 'hour', min: 0, max: 23 },
  monthDay: { name: 'day-of-month', min: 1, max: 31 },
  month: { name: 'month', min: 1, max: 12, names: MONTH_NAMES },
  weekday: { name: 'day-of-week', min: 0, max: 7, names: WEEKDAY_NAMES },
} satisfies Record<string, Field>;

/**
 * Parses five cron fields: lists, ranges, steps, names of months and weekdays; 0 and 7 are Sunday.
 * Only a bare star leaves a day field open; a star with a step restricts it like any list.
 */
export function parseCron(expression: string): CronRule {
  const fields = expression.split(/\s+/).filter((field) => field !== '');
  const [minute, hour, monthDay, month, weekday] = fields;
  if (fields.length !== 5 || !minute || !hour || !monthDay || !month || !weekday) {
    throw new ScheduleError(
      `EXPR needs 5 fields (minute hour day-of-month month day-of-week), not ${fields.length}: "${expression}"`,
    );
  }
  return {
    freq: 'CRON',
    minutes: parseField(minute, FIELDS.minute),
    hours: parseField(hour, FIELDS.hour),
    monthDays: monthDay === '*' ? null : parseField(monthDay, FIELDS.monthDay),
    months: parseField(month, FIELDS.month),
    weekdays:
      weekday === '*' ? null : sorted(parseField(weekday, FIELDS.weekday).map((d) => d % 7)),
  };
}

function parseField(text: string, field: Field): number[] {
  return sorted(text.split(',').flatMap((part) => parsePart(part, field)));
}

function parsePart(part: string, field: Field): number[] {
  const [range = '', stepText, ...rest] = part.split('/');
  const step = stepText === undefined ? 1 : /^\d{1,9}$/.test(stepText) ? Number(stepText) : 0;
  if (range === '' || rest.length > 0) throw fieldError(part, field);
  if (step < 1)
    throw new ScheduleError(`the step of "${part}" in the ${field.name} field must be 1 or more`);

  const [from, to] = parseRange(range, field, stepText !== undefined);
  const values: number[] = [];
  for (let value = from; value <= to; value += step) values.push(value);
  return values;
}

function parseRange(range: string, field: Field, hasStep: boolean): [from: number, to: number] {
  if (range === '*') return [field.min, field.max];
  const [first = '', last, ...rest] = range.split('-');
  if (rest.length > 0) throw fieldError(range, field);
  const from = parseValue(first, field);
  // "5/15" runs from 5 to the end of the field.
  const to = last === undefined ? (hasStep ? field.max : from) : parseValue(last, field);
  if (from > to) throw new ScheduleError(`"${range}" in the ${field.name} field runs backwards`);
  return [from, to];
}

function parseValue(text: string, field: Field): number {
  const named = field.names?.indexOf(text.toUpperCase()) ?? -1;
  const value = named >= 0 ? named + field.min : /^\d{1,9}$/.test(text) ? Number(text) : NaN;
  if (!(value >= field.min && value <= field.max)) throw fieldError(text, field);
  return value;
}

function fieldError(text: string, { name, min, max, names }: Field): ScheduleError {
  const named = names ? ` or ${names[0] ?? ''}-${names.at(-1) ?? ''}` : '';
  return new ScheduleError(
    `"${text}" does not fit the ${name} field: values ${min}-${max}${named}, as *, a list, a range or with /step`,
  );
}

function sorted(values: readonly number[]): number[] {
  return [...new Set(values)].sort((a, b) => a - b);
}
