import { StoreError } from '../../errors.ts';

/** The text is no schedule rule, or the instant or time zone to evaluate it at is invalid. */
export class ScheduleError extends StoreError {
  override readonly name = 'ScheduleError';
  readonly code = 'INVALID_SCHEDULE';
}

/** 0 is Sunday, as in cron. */
export type Weekday = 0 | 1 | 2 | 3 | 4 | 5 | 6;

/** A date and time without a zone, as the milliseconds it would have in UTC. */
export type WallMs = number;

/** One run; `at` is an instant in unix milliseconds, or a wall time still to be put in a zone. */
export interface OnceRule {
  readonly freq: 'ONCE';
  readonly at: { readonly ms: number } | { readonly wall: WallMs };
}

/** Every `interval` hours; null where the rule does not name the field. */
export interface HourlyRule {
  readonly freq: 'HOURLY';
  readonly interval: number;
  readonly weekdays: readonly Weekday[] | null;
  readonly hour: number | null;
  readonly minute: number | null;
}

/** On each of the weekdays at one time of day. */
export interface WeeklyRule {
  readonly freq: 'WEEKLY';
  readonly weekdays: readonly Weekday[];
  readonly hour: number;
  readonly minute: number;
}

/** Sorted lists of what matches; null where the field is `*`. */
export interface CronRule {
  readonly freq: 'CRON';
  readonly minutes: readonly number[];
  readonly hours: readonly number[];
  readonly monthDays: readonly number[] | null;
  readonly months: readonly number[];
  readonly weekdays: readonly number[] | null;
}

/** A parsed schedule: plain data, with no clock and no time zone in it. */
export type Rule = OnceRule | HourlyRule | WeeklyRule | CronRule;
