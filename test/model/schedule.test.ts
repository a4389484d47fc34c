import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dueSlots, nextSlot, parseRule, ScheduleError } from '../../src/model/schedule.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

const BERLIN = 'Europe/Berlin';
const NEW_YORK = 'America/New_York';
const LORD_HOWE = 'Australia/Lord_Howe';
const KOLKATA = 'Asia/Kolkata';
const CREATED = '2026-01-05T08:20:30Z';

function optionsOf(timeZone: string, createdAt = CREATED) {
  return { timeZone, createdAt: Date.parse(createdAt) };
}

/** The next `count` slots in UTC. */
function slotsAfter(text: string, after: string, timeZone: string, count = 1, created = CREATED) {
  const rule = parseRule(text);
  const slots: string[] = [];
  let at = Date.parse(after);
  while (slots.length < count) {
    const next = nextSlot(rule, at, optionsOf(timeZone, created));
    if (next === null) return [...slots, null];
    slots.push(new Date(next).toISOString().replace(':00.000Z', 'Z'));
    at = next;
  }
  return slots;
}

describe('parseRule', () => {
  it('takes keys and names in either case, and skips empty parts', () => {
    expect(parseRule(' freq = weekly ;; byday=mo, FR,mo;ByHour=09;BYMINUTE=0;')).toEqual({
      freq: 'WEEKLY',
      weekdays: [1, 5],
      hour: 9,
      minute: 0,
    });
    expect(parseRule('FREQ=CRON;EXPR=0 9 1 jan-MAR fri,7')).toMatchObject({
      months: [1, 2, 3],
      monthDays: [1],
      weekdays: [0, 5],
    });
  });

  it('reads the instant or the wall time of ONCE', () => {
    const ms = Date.parse('2026-08-19T06:00:00Z');
    expect(parseRule('FREQ=ONCE;AT=2026-08-19T06:00:00Z')).toMatchObject({ at: { ms } });
    expect(parseRule('freq=once;at=2026-08-19t08:00:00.250+02:00')).toMatchObject({
      at: { ms: ms + 250 },
    });
    expect(parseRule('FREQ=ONCE;AT=2026-08-19T06:00')).toMatchObject({ at: { wall: ms } });
  });

  it('reads lists, ranges and steps of cron', () => {
    expect(parseRule('FREQ=CRON;EXPR=*/20 8-12/2,23 5/10 * *')).toEqual({
      freq: 'CRON',
      minutes: [0, 20, 40],
      hours: [8, 10, 12, 23],
      monthDays: [5, 15, 25],
      months: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12],
      weekdays: null,
    });
  });

  it.each([
    ['', 'no FREQ'],
    ['FREQ=DAILY', 'FREQ=DAILY is not supported'],
    ['FREQ=MONTHLY;BYDAY=MO', 'FREQ=MONTHLY is not supported'],
    ['FREQ=toString', 'is not supported'],
    ['FREQ=HOURLY;COUNT=3', 'COUNT is not supported with FREQ=HOURLY'],
    ['FREQ=WEEKLY;BYDAY=MO;BYHOUR=9;BYMINUTE=0;UNTIL=20270101', 'UNTIL is not supported'],
    ['HOURLY', 'not KEY=VALUE'],
    ['FREQ=HOURLY;INTERVAL=0', 'INTERVAL=0'],
    ['FREQ=HOURLY;INTERVAL=1.5', 'INTERVAL=1.5'],
    ['FREQ=HOURLY;BYHOUR=24', 'BYHOUR=24'],
    ['FREQ=HOURLY;BYDAY=', 'BYDAY='],
    ['FREQ=WEEKLY;BYDAY=MO;BYHOUR=9', 'WEEKLY needs BYMINUTE'],
    ['FREQ=WEEKLY;BYHOUR=9;BYMINUTE=0', 'WEEKLY needs BYDAY'],
    ['FREQ=WEEKLY;BYDAY=1MO;BYHOUR=9;BYMINUTE=0', 'BYDAY=1MO'],
    ['FREQ=ONCE', 'ONCE needs AT'],
    ['FREQ=ONCE;AT=tomorrow', 'AT=tomorrow'],
    ['FREQ=ONCE;AT=2026-02-30T10:00', 'AT=2026-02-30T10:00'],
    ['FREQ=ONCE;AT=2026-02-03T24:00', 'AT=2026-02-03T24:00'],
    ['FREQ=ONCE;AT=2026-02-03T10:00Z', 'AT=2026-02-03T10:00Z'],
    ['FREQ=CRON', 'CRON needs EXPR'],
    ['FREQ=CRON;EXPR=* * * *', 'needs 5 fields'],
    ['FREQ=CRON;EXPR=60 * * * *', '"60" does not fit the minute field'],
    ['FREQ=CRON;EXPR=* * * 0 *', '"0" does not fit the month field'],
    ['FREQ=CRON;EXPR=* * * * 8', 'day-of-week'],
    ['FREQ=CRON;EXPR=* MON * * *', 'hour'],
    ['FREQ=CRON;EXPR=*/0 * * * *', 'step'],
    ['FREQ=CRON;EXPR=5-1 * * * *', 'backwards'],
    ['FREQ=CRON;EXPR=1,,2 * * * *', 'minute'],
    ['FREQ=CRON;EXPR=1-2-3 * * * *', 'minute'],
    ['FREQ=CRON;EXPR=1/2/3 * * * *', 'minute'],
  ])('refuses %j and says why and what to write', (text, message) => {
    expect(() => parseRule(text)).toThrow(ScheduleError);
    expect(() => parseRule(text)).toThrow(message);
    expect(() => parseRule(text)).toThrow('FREQ=');
  });

  it('throws nothing but ScheduleError', () => {
    const word = fc.constantFrom(
      'FREQ',
      'CRON',
      'EXPR',
      'AT',
      'BYDAY',
      '=',
      ';',
      ',',
      '*',
      '/',
      '-',
      ' ',
      '1',
      'MO',
    );
    const text = fc.oneof(
      fc.string(),
      fc.array(word).map((words) => words.join('')),
    );
    fc.assert(
      fc.property(text, (input) => {
        try {
          parseRule(input);
        } catch (error) {
          expect(error).toBeInstanceOf(ScheduleError);
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe('nextSlot', () => {
  it('gives ONCE its one slot, strictly after', () => {
    const text = 'FREQ=ONCE;AT=2026-08-19T06:00:00Z';
    expect(slotsAfter(text, '2026-08-19T05:59:59Z', BERLIN, 2)).toEqual([
      '2026-08-19T06:00Z',
      null,
    ]);
    expect(slotsAfter('FREQ=ONCE;AT=2026-08-19T06:00', '2026-01-01T00:00:00Z', BERLIN)).toEqual([
      '2026-08-19T04:00Z',
    ]);
    expect(slotsAfter('FREQ=ONCE;AT=2026-03-29T02:30', '2026-01-01T00:00:00Z', BERLIN)).toEqual([
      null,
    ]);
  });

  it('counts HOURLY from the instant asked for, with the seconds cut', () => {
    const after = '2026-03-29T00:10:59.999Z';
    expect(slotsAfter('FREQ=HOURLY', after, BERLIN, 2)).toEqual([
      '2026-03-29T01:10Z',
      '2026-03-29T02:10Z',
    ]);
    expect(slotsAfter('FREQ=HOURLY;INTERVAL=24;BYDAY=TU', after, BERLIN)).toEqual([
      '2026-03-31T00:10Z',
    ]);
    // Sunday 23:10 in UTC is Monday in Kolkata.
    expect(slotsAfter('FREQ=HOURLY;BYDAY=MO', '2026-03-29T12:10:00Z', KOLKATA)).toEqual([
      '2026-03-29T19:10Z',
    ]);
    expect(slotsAfter('FREQ=HOURLY;INTERVAL=168;BYDAY=MO', after, BERLIN)).toEqual([null]);
    expect(slotsAfter('FREQ=HOURLY;INTERVAL=4294967295', after, BERLIN)).toEqual([null]);
  });

  it('anchors HOURLY with a time to the wall clock of the creation day', () => {
    // Created on Monday 5 January at 09:20 in Berlin.
    expect(
      slotsAfter('FREQ=HOURLY;INTERVAL=5;BYMINUTE=15', '2026-01-05T09:00:00Z', BERLIN, 2),
    ).toEqual(['2026-01-05T13:15Z', '2026-01-05T18:15Z']);
    expect(
      slotsAfter('FREQ=HOURLY;INTERVAL=12;BYHOUR=8', '2026-03-28T12:00:00Z', BERLIN, 3),
    ).toEqual(['2026-03-28T19:00Z', '2026-03-29T06:00Z', '2026-03-29T18:00Z']);
    expect(slotsAfter('FREQ=HOURLY;BYHOUR=8;BYDAY=SA', '2026-01-05T09:00:00Z', BERLIN)).toEqual([
      '2026-01-09T23:00Z',
    ]);
    // Asked for a time before the anchor: the anchor is the first slot.
    expect(slotsAfter('FREQ=HOURLY;BYHOUR=23', '2026-01-01T00:00:00Z', BERLIN)).toEqual([
      '2026-01-05T22:00Z',
    ]);
  });

  it('gives WEEKLY each of its days', () => {
    expect(
      slotsAfter('FREQ=WEEKLY;BYDAY=MO,FR;BYHOUR=9;BYMINUTE=0', '2026-08-17T07:00:00Z', BERLIN, 3),
    ).toEqual(['2026-08-21T07:00Z', '2026-08-24T07:00Z', '2026-08-28T07:00Z']);
  });

  it('widens cron days when day of month and weekday are both set', () => {
    // The 13th or a Friday; February 2026 has both on one day.
    expect(slotsAfter('FREQ=CRON;EXPR=0 0 13 * FRI', '2026-02-05T12:00:00Z', 'UTC', 4)).toEqual([
      '2026-02-06T00:00Z',
      '2026-02-13T00:00Z',
      '2026-02-20T00:00Z',
      '2026-02-27T00:00Z',
    ]);
    expect(slotsAfter('FREQ=CRON;EXPR=0 0 13 * *', '2026-02-05T12:00:00Z', 'UTC')).toEqual([
      '2026-02-13T00:00Z',
    ]);
    expect(slotsAfter('FREQ=CRON;EXPR=0 0 * * 7', '2026-02-05T12:00:00Z', 'UTC')).toEqual([
      '2026-02-08T00:00Z',
    ]);
    // A star with a step is a list like any other.
    expect(slotsAfter('FREQ=CRON;EXPR=0 0 */31 * MON', '2026-02-05T12:00:00Z', 'UTC', 2)).toEqual([
      '2026-02-09T00:00Z',
      '2026-02-16T00:00Z',
    ]);
  });

  it('finds rare dates and gives up on impossible ones', () => {
    const leap = 'FREQ=CRON;EXPR=30 6 29 2 *';
    expect(slotsAfter(leap, '2026-01-01T00:00:00Z', BERLIN, 2)).toEqual([
      '2028-02-29T05:30Z',
      '2032-02-29T05:30Z',
    ]);
    // 2100 is no leap year, and eight years are past the search.
    expect(slotsAfter(leap, '2096-03-01T00:00:00Z', BERLIN)).toEqual([null]);
    expect(slotsAfter('FREQ=CRON;EXPR=0 0 30 2 *', '2026-01-01T00:00:00Z', BERLIN)).toEqual([null]);
    expect(slotsAfter('FREQ=CRON;EXPR=0 0 31 4,6,9,11 *', '2026-01-01T00:00:00Z', BERLIN)).toEqual([
      null,
    ]);
  });

  it.each([
    // Spring: 02:30 does not exist, the day is left out.
    [BERLIN, '30 2 * * *', '2026-03-28T00:00:00Z', ['2026-03-28T01:30Z', '2026-03-30T00:30Z']],
    [NEW_YORK, '30 2 * * *', '2026-03-07T00:00:00Z', ['2026-03-07T07:30Z', '2026-03-09T06:30Z']],
    [LORD_HOWE, '15 2 * * *', '2026-10-02T12:00:00Z', ['2026-10-02T15:45Z', '2026-10-04T15:15Z']],
    [
      'Africa/Cairo',
      '0 */2 * * *',
      '2026-04-23T20:00:00Z',
      ['2026-04-23T23:00Z', '2026-04-24T01:00Z'],
    ],
    // Autumn: the first of the two only.
    [BERLIN, '30 2 * * *', '2026-10-24T12:00:00Z', ['2026-10-25T00:30Z', '2026-10-26T01:30Z']],
    [BERLIN, '*/30 * * * *', '2026-10-25T00:00:00Z', ['2026-10-25T00:30Z', '2026-10-25T02:00Z']],
    [NEW_YORK, '30 1 * * *', '2026-10-31T12:00:00Z', ['2026-11-01T05:30Z', '2026-11-02T06:30Z']],
    [LORD_HOWE, '45 1 * * *', '2026-04-04T12:00:00Z', ['2026-04-04T14:45Z', '2026-04-05T15:15Z']],
    // No clock changes.
    [KOLKATA, '30 2 * * *', '2026-03-28T00:00:00Z', ['2026-03-28T21:00Z', '2026-03-29T21:00Z']],
    ['UTC', '30 2 * * *', '2026-03-28T00:00:00Z', ['2026-03-28T02:30Z', '2026-03-29T02:30Z']],
    // Samoa left out the whole of 30 December 2011.
    [
      'Pacific/Apia',
      '0 12 * * *',
      '2011-12-29T12:00:00Z',
      ['2011-12-29T22:00Z', '2011-12-30T22:00Z'],
    ],
  ])('keeps to the clocks of %s for %j after %s', (timeZone, expression, after, expected) => {
    expect(slotsAfter(`FREQ=CRON;EXPR=${expression}`, after, timeZone, 2)).toEqual(expected);
  });

  it('starts from within the second pass of a doubled hour', () => {
    const text = 'FREQ=CRON;EXPR=*/15 * * * *';
    expect(slotsAfter(text, '2026-10-25T01:20:00Z', BERLIN)).toEqual(['2026-10-25T02:00Z']);
    const hourly = 'FREQ=HOURLY;BYMINUTE=30';
    expect(slotsAfter(hourly, '2026-10-25T01:20:00Z', BERLIN)).toEqual(['2026-10-25T02:30Z']);
  });

  it('refuses an unknown zone and an invalid date', () => {
    const rule = parseRule('FREQ=HOURLY;BYDAY=MO');
    expect(() => nextSlot(rule, 0, optionsOf('Mars/Olympus'))).toThrow(ScheduleError);
    expect(() => nextSlot(rule, new Date(NaN), optionsOf(BERLIN))).toThrow(ScheduleError);
  });

  it('survives the ends of time', () => {
    for (const text of [
      'FREQ=CRON;EXPR=* * * * *',
      'FREQ=HOURLY;BYMINUTE=1',
      'FREQ=HOURLY;BYDAY=MO',
    ]) {
      expect(nextSlot(parseRule(text), 8.64e15, optionsOf(BERLIN))).toBeNull();
    }
  });
});

describe('nextSlot against a walk through every minute', () => {
  // Two and a half days on either side of a clock change, or of nothing.
  const windows = [
    [BERLIN, '2026-03-29T01:00Z'],
    [BERLIN, '2026-10-25T01:00Z'],
    [NEW_YORK, '2026-03-08T07:00Z'],
    [NEW_YORK, '2026-11-01T06:00Z'],
    [LORD_HOWE, '2026-04-04T15:00Z'],
    [LORD_HOWE, '2026-10-03T15:30Z'],
    ['Africa/Cairo', '2026-04-23T22:00Z'],
    ['Pacific/Apia', '2011-12-30T10:00Z'],
    [KOLKATA, '2024-02-29T12:00Z'],
  ].map(([timeZone = '', at = '']) => walk(timeZone, Date.parse(at)));

  /** Each minute of the window at which the clocks show something for the first time. */
  function walk(timeZone: string, middle: number) {
    const format = new Intl.DateTimeFormat('en-GB', {
      timeZone,
      dateStyle: 'short',
      timeStyle: 'short',
    });
    const seen = new Set<string>();
    const minutes: { ms: number; wall: Date }[] = [];
    const [from, to] = [middle - 2.5 * DAY_MS, middle + 2.5 * DAY_MS];
    for (let ms = from; ms < to; ms += MINUTE_MS) {
      const shown = format.format(ms);
      if (seen.has(shown)) continue;
      seen.add(shown);
      const [, day = '', month = '', year = '', time = ''] =
        /^(\d+)\/(\d+)\/(\d+), (.+)$/.exec(shown) ?? [];
      minutes.push({ ms, wall: new Date(`${year}-${month}-${day}T${time}Z`) });
    }
    return { timeZone, from, to, minutes };
  }

  const list = (min: number, max: number, maxLength: number) =>
    fc.uniqueArray(fc.integer({ min, max }), { minLength: 1, maxLength });
  const star = (min: number, max: number, maxLength: number) =>
    fc.option(list(min, max, maxLength), { nil: null, freq: 2 });
  const instant = fc.record({
    window: fc.constantFrom(...windows),
    part: fc.double({ min: 0.05, max: 0.95, noNaN: true }),
  });
  const DAYS = ['SU', 'MO', 'TU', 'WE', 'TH', 'FR', 'SA'];

  function check(
    text: string,
    { window, part }: { window: (typeof windows)[number]; part: number },
    matches: (wall: Date) => boolean,
    createdAt = window.from,
  ) {
    const after = Math.floor(window.from + part * (window.to - window.from));
    const expected = window.minutes.find(({ ms, wall }) => ms > after && matches(wall))?.ms;
    const actual = nextSlot(parseRule(text), after, { timeZone: window.timeZone, createdAt });
    if (expected === undefined) expect(actual ?? Infinity).toBeGreaterThanOrEqual(window.to);
    else expect(actual).toBe(expected);
  }

  it('agrees for CRON', () => {
    const fields = fc.tuple(
      star(0, 59, 4),
      star(0, 23, 6),
      star(1, 31, 6),
      star(1, 12, 9),
      star(0, 6, 3),
    );
    fc.assert(
      fc.property(fields, instant, ([minutes, hours, days, months, weekdays], at) => {
        const expression = [minutes, hours, days, months, weekdays]
          .map((f) => f?.join(',') ?? '*')
          .join(' ');
        check(`FREQ=CRON;EXPR=${expression}`, at, (wall) => {
          const isDay = days?.includes(wall.getUTCDate()) ?? null;
          const isWeekday = weekdays?.includes(wall.getUTCDay()) ?? null;
          return (
            (minutes?.includes(wall.getUTCMinutes()) ?? true) &&
            (hours?.includes(wall.getUTCHours()) ?? true) &&
            (months?.includes(wall.getUTCMonth() + 1) ?? true) &&
            (isDay === null || isWeekday === null
              ? (isDay ?? isWeekday ?? true)
              : isDay || isWeekday)
          );
        });
      }),
      { numRuns: 1500 },
    );
  });

  it('agrees for WEEKLY', () => {
    const time = fc.tuple(list(0, 6, 7), fc.nat(23), fc.nat(59));
    fc.assert(
      fc.property(time, instant, ([days, hour, minute], at) => {
        const byday = days.map((day) => DAYS[day]).join(',');
        check(
          `FREQ=WEEKLY;BYDAY=${byday};BYHOUR=${hour};BYMINUTE=${minute}`,
          at,
          (wall) =>
            days.includes(wall.getUTCDay()) &&
            wall.getUTCHours() === hour &&
            wall.getUTCMinutes() === minute,
        );
      }),
      { numRuns: 1000 },
    );
  });

  it('agrees for HOURLY with a time', () => {
    const fields = fc.tuple(
      fc.integer({ min: 1, max: 30 }),
      star(0, 6, 5),
      fc.nat(23),
      fc.nat(59),
      fc.nat(40),
    );
    fc.assert(
      fc.property(fields, instant, ([interval, days, hour, minute, age], at) => {
        const createdAt = at.window.from + 2 * HOUR_MS - (age - 4) * 12 * HOUR_MS;
        const [day, month, year] = new Intl.DateTimeFormat('en-GB', {
          timeZone: at.window.timeZone,
        })
          .format(createdAt)
          .split('/');
        const anchor =
          Date.parse(`${year ?? ''}-${month ?? ''}-${day ?? ''}`) +
          hour * HOUR_MS +
          minute * MINUTE_MS;
        const byday = days ? `;BYDAY=${days.map((d) => DAYS[d]).join(',')}` : '';
        const text = `FREQ=HOURLY;INTERVAL=${interval}${byday};BYHOUR=${hour};BYMINUTE=${minute}`;
        const matches = (wall: Date): boolean =>
          wall.getTime() >= anchor &&
          (wall.getTime() - anchor) % (interval * HOUR_MS) === 0 &&
          (days?.includes(wall.getUTCDay()) ?? true);
        check(text, at, matches, createdAt);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('dueSlots', () => {
  const daily = parseRule('FREQ=CRON;EXPR=0 9 * * *');
  const berlin = optionsOf(BERLIN);
  const at = (text: string): number => Date.parse(text);

  it('has nothing to do before the next slot', () => {
    const next = at('2026-02-01T08:00Z');
    expect(dueSlots(daily, next, next - 1, 'all', berlin)).toEqual({ slots: [], next });
  });

  it.each(['skip', 'once', 'all'] as const)('runs a slot that is on time (%s)', (policy) => {
    const slot = at('2026-02-01T08:00Z');
    const expected = { slots: [slot], next: at('2026-02-02T08:00Z') };
    expect(dueSlots(daily, slot, slot, policy, berlin)).toEqual(expected);
    expect(dueSlots(daily, slot, slot + MINUTE_MS, policy, berlin)).toEqual(expected);
  });

  it('catches up on none, the newest, or all of the missed slots', () => {
    const [first, now] = [at('2026-02-01T08:00Z'), at('2026-02-03T20:00Z')];
    const next = at('2026-02-04T08:00Z');
    const newest = at('2026-02-03T08:00Z');
    expect(dueSlots(daily, first, now, 'skip', berlin)).toEqual({ slots: [], next });
    expect(dueSlots(daily, first, now, 'once', berlin)).toEqual({ slots: [newest], next });
    expect(dueSlots(daily, first, now, 'all', berlin)).toEqual({
      slots: [first, at('2026-02-02T08:00Z'), newest],
      next,
    });
  });

  it('gives at most 1,000 slots and then goes on from there', () => {
    const rule = parseRule('FREQ=CRON;EXPR=* * * * *');
    const first = at('2026-02-01T08:00Z');
    const { slots, next } = dueSlots(rule, first, first + DAY_MS, 'all', berlin);
    expect(slots).toHaveLength(1000);
    expect(next).toBe(first + 1000 * MINUTE_MS);
  });

  it('ends with a one-shot', () => {
    const once = parseRule('FREQ=ONCE;AT=2026-02-01T08:00:00Z');
    const slot = at('2026-02-01T08:00Z');
    expect(dueSlots(once, slot, slot + DAY_MS, 'once', berlin)).toEqual({
      slots: [slot],
      next: null,
    });
  });

  it('finds the newest of years of minutes quickly', () => {
    const rule = parseRule('FREQ=CRON;EXPR=* * * * *');
    const [first, now] = [at('2016-01-01T00:00Z'), at('2026-02-03T20:00:30Z')];
    const start = performance.now();
    expect(dueSlots(rule, first, now, 'once', berlin).slots).toEqual([at('2026-02-03T20:00Z')]);
    expect(performance.now() - start).toBeLessThan(10_000);
  });

  it('takes the newest slot that "all" would give', () => {
    const texts = [
      'FREQ=CRON;EXPR=*/7 * * * *',
      'FREQ=CRON;EXPR=0 3 1 */2 *',
      'FREQ=HOURLY;INTERVAL=5',
      'FREQ=HOURLY;INTERVAL=7;BYDAY=MO,SA',
      'FREQ=HOURLY;INTERVAL=9;BYMINUTE=5',
      'FREQ=WEEKLY;BYDAY=SU;BYHOUR=2;BYMINUTE=30',
    ];
    const start = at('2026-03-20T00:00:17Z');
    fc.assert(
      fc.property(
        fc.constantFrom(...texts),
        fc.nat(60 * 24 * 60),
        fc.nat(4 * 24 * 60),
        (text, lead, span) => {
          const rule = parseRule(text);
          const first = nextSlot(rule, start + lead * MINUTE_MS, berlin) ?? 0;
          const now = first + span * MINUTE_MS + 30_000;
          const { slots, next } = dueSlots(rule, first, now, 'all', berlin);
          expect(dueSlots(rule, first, now, 'once', berlin)).toEqual({
            slots: slots.slice(-1),
            next,
          });
        },
      ),
      { numRuns: 300 },
    );
  });
});
