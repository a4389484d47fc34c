import {
  type CronRule,
  type HourlyRule,
  type Rule,
  ScheduleError,
  type WallMs,
  type WeeklyRule,
} from './schedule/rule.ts';
import {
  DAY_MS,
  firstInstantAt,
  HOUR_MS,
  MINUTE_MS,
  wallAt,
  weekdayOf,
} from './schedule/wall-time.ts';

export { parseRule } from './schedule/parse-rule.ts';
export { ScheduleError } from './schedule/rule.ts';
export type { CronRule, HourlyRule, OnceRule, Rule, Weekday, WeeklyRule } from './schedule/rule.ts';

/** How far ahead CRON and WEEKLY rules look: five years of 366 days. */
const SEARCH_DAYS_MAX = 5 * 366;
/** How many intervals an HOURLY rule with weekdays tries: three weeks of hours. */
const HOURLY_STEPS_MAX = 24 * 21;
/** The most slots that `dueSlots` gives at once. */
const DUE_SLOTS_MAX = 1000;
/** A slot not older than this is on time, not missed: a scheduler looks every few seconds only. */
const GRACE_MS = MINUTE_MS;

export interface SlotOptions {
  /** IANA name of the zone whose clocks the rule means. */
  readonly timeZone: string;
  /** When the automation was made, in unix milliseconds: the anchor of HOURLY with a time. */
  readonly createdAt: number;
}

/**
 * The first slot of the rule strictly after an instant, in unix milliseconds, or null when there is
 * none: a ONCE rule that is over, a date that does not exist (30 February), or nothing within five
 * years.
 *
 * Slots are wall time. One that the clocks skip in spring does not happen, of one that they show
 * twice in autumn only the first does. HOURLY without BYHOUR and BYMINUTE is the exception: it
 * counts real hours from `after`, with the seconds cut off.
 *
 * @throws `ScheduleError` for an unknown time zone or an invalid date
 */
export function nextSlot(rule: Rule, after: Date | number, options: SlotOptions): number | null {
  const afterMs = Number(after);
  if (!isInstant(afterMs) || !isInstant(options.createdAt)) {
    throw new ScheduleError('not a valid point in time');
  }
  switch (rule.freq) {
    case 'ONCE': {
      const at = 'ms' in rule.at ? rule.at.ms : firstInstantAt(rule.at.wall, options.timeZone);
      return at !== null && at > afterMs ? at : null;
    }
    case 'HOURLY':
      return isAnchored(rule)
        ? nextAnchoredSlot(rule, afterMs, options)
        : nextHourlySlot(rule, afterMs, options);
    case 'WEEKLY':
    case 'CRON':
      return nextCalendarSlot(rule, afterMs, options);
  }
}

/** Whether a rule names one time, still to come, which the clocks pass over when they are put forward. */
export function isPassedOver(rule: Rule, nowMs: number, { timeZone }: SlotOptions): boolean {
  return (
    rule.freq === 'ONCE' &&
    'wall' in rule.at &&
    rule.at.wall > wallAt(nowMs, timeZone) &&
    firstInstantAt(rule.at.wall, timeZone) === null
  );
}

function isInstant(ms: number): boolean {
  return !Number.isNaN(new Date(ms).getTime());
}

function isAnchored(rule: HourlyRule): boolean {
  return rule.hour !== null || rule.minute !== null;
}

function isOnDay(rule: HourlyRule, wall: WallMs): boolean {
  return rule.weekdays === null || rule.weekdays.some((day) => day === weekdayOf(wall));
}

function nextHourlySlot(rule: HourlyRule, after: number, { timeZone }: SlotOptions): number | null {
  const start = Math.floor(after / MINUTE_MS) * MINUTE_MS;
  for (let step = 1; step <= HOURLY_STEPS_MAX; step++) {
    const slot = start + step * rule.interval * HOUR_MS;
    if (!isInstant(slot)) return null;
    if (rule.weekdays === null || isOnDay(rule, wallAt(slot, timeZone))) return slot;
  }
  return null;
}

/** Every interval of wall time from the creation day on, so that "every 12 hours at 8" stays at 8. */
function nextAnchoredSlot(rule: HourlyRule, after: number, options: SlotOptions): number | null {
  const created = wallAt(options.createdAt, options.timeZone);
  const hour = rule.hour ?? new Date(created).getUTCHours();
  const anchor = startOfDay(created) + hour * HOUR_MS + (rule.minute ?? 0) * MINUTE_MS;
  const interval = rule.interval * HOUR_MS;
  const elapsed = wallAt(after, options.timeZone) - anchor;
  const first = elapsed < 0 ? 0 : Math.floor(elapsed / interval) + 1;
  for (let step = first; step < first + HOURLY_STEPS_MAX; step++) {
    const wall = anchor + step * interval;
    if (!isOnDay(rule, wall)) continue;
    const slot = firstInstantAt(wall, options.timeZone);
    if (slot !== null && slot > after) return slot;
  }
  return null;
}

function nextCalendarSlot(
  rule: CronRule | WeeklyRule,
  after: number,
  { timeZone }: SlotOptions,
): number | null {
  const hours = rule.freq === 'CRON' ? rule.hours : [rule.hour];
  const minutes = rule.freq === 'CRON' ? rule.minutes : [rule.minute];
  const afterWall = wallAt(after, timeZone);
  const firstWall = (Math.floor(afterWall / MINUTE_MS) + 1) * MINUTE_MS;
  const endWall = firstWall + SEARCH_DAYS_MAX * DAY_MS;
  for (let day = startOfDay(firstWall); day < endWall; day += DAY_MS) {
    if (!matchesDay(rule, new Date(day))) continue;
    for (const hour of hours) {
      for (const minute of minutes) {
        const wall = day + hour * HOUR_MS + minute * MINUTE_MS;
        if (wall < firstWall || wall >= endWall) continue;
        const slot = firstInstantAt(wall, timeZone);
        // In the second pass of a doubled hour, wall times ahead lie in the past.
        if (slot !== null && slot > after) return slot;
      }
    }
  }
  return null;
}

function matchesDay(rule: CronRule | WeeklyRule, day: Date): boolean {
  const isWeekday = rule.weekdays?.some((weekday) => weekday === day.getUTCDay()) ?? true;
  if (rule.freq === 'WEEKLY') return isWeekday;
  if (!rule.months.includes(day.getUTCMonth() + 1)) return false;
  const isMonthDay = rule.monthDays?.includes(day.getUTCDate()) ?? true;
  // Cron's own rule: two restricted day fields widen each other.
  return rule.monthDays !== null && rule.weekdays !== null
    ? isMonthDay || isWeekday
    : isMonthDay && isWeekday;
}

function startOfDay(wall: WallMs): WallMs {
  return Math.floor(wall / DAY_MS) * DAY_MS;
}

/** What to do with slots that passed while nothing was running. */
export type CatchUp = 'skip' | 'once' | 'all';

export interface DueSlots {
  /** To run now, oldest first, in unix milliseconds. */
  readonly slots: number[];
  /** The automation's next slot after them; null when it is over. */
  readonly next: number | null;
}

/**
 * Which slots from `nextRunAt` (itself a slot) up to `now` should run, and what comes next.
 *
 * - `skip`: only the newest, and only when it is at most 60 s old; what was missed is lost
 * - `once`: only the newest, however old: one run makes up for all
 * - `all`: every slot, at most 1,000 at a time; then `next` is the 1,001st and already due
 */
export function dueSlots(
  rule: Rule,
  nextRunAt: number,
  now: number,
  policy: CatchUp,
  options: SlotOptions,
): DueSlots {
  if (nextRunAt > now) return { slots: [], next: nextRunAt };
  if (policy === 'all') {
    const slots: number[] = [];
    let next: number | null = nextRunAt;
    while (next !== null && next <= now && slots.length < DUE_SLOTS_MAX) {
      slots.push(next);
      next = nextSlot(rule, next, options);
    }
    return { slots, next };
  }
  const newest = newestSlot(rule, nextRunAt, now, options);
  const isDue = policy === 'once' || now - newest <= GRACE_MS;
  return { slots: isDue ? [newest] : [], next: nextSlot(rule, newest, options) };
}

/** The last slot up to `now`. Halves the time in between: years of minutes take 22 steps. */
function newestSlot(rule: Rule, slot: number, now: number, options: SlotOptions): number {
  // HOURLY counts from where it is asked, so it may only be asked at its own slots.
  const isRelative = rule.freq === 'HOURLY' && !isAnchored(rule);
  const unit = isRelative ? rule.interval * HOUR_MS : MINUTE_MS;
  let newest = slot;
  let [low, high] = [0, Math.floor((now - slot) / unit) + 1];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const next = nextSlot(rule, slot + middle * unit, options);
    if (next !== null && next <= now) {
      newest = next;
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return newest;
}
