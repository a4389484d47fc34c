import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { storeBody } from '../../src/db/bodies.ts';
import { Database } from '../../src/db/database.ts';
import type { Row } from '../../src/db/transaction.ts';
import type { AutomationCreate, Store } from '../../src/index.ts';
import { automationRuns, automations } from '../../src/model/registers.ts';
import { claimRace } from '../support/claim-race.ts';
import { expectIndexed, statementLog } from '../support/query-plans.ts';
import { tempStore } from '../support/temp-store.ts';
import { allRefused } from '../support/all-refused.ts';

const HOUR = 3_600_000;
const DAILY = 'FREQ=CRON;EXPR=0 9 * * *';

async function setup(timeZone = 'UTC', now = '2026-08-18T08:00:00Z') {
  vi.stubEnv('TZ', timeZone);
  onTestFinished(() => {
    vi.unstubAllEnvs();
  });
  const clock = { now: Date.parse(now) };
  const log = statementLog();
  const store = await tempStore({ clock: () => clock.now, logger: log.logger });
  const make = (input: Partial<AutomationCreate> = {}) =>
    store.automations.create({ name: 'review', prompt: 'look', rule: DAILY, ...input });
  return { store, clock, log, make };
}

const iso = (text: string) => new Date(text).toISOString();

async function dueSlots(store: Store, now?: string): Promise<string[]> {
  const { items } = await store.automations.due(now);
  return items.map((due) => due.slot);
}

/** Writes rows as an import does. */
async function importRows(
  store: Store,
  rows: readonly Row[],
  table: typeof automations | typeof automationRuns = automations,
): Promise<void> {
  const database = new Database(store.path, { durability: 'normal', readOnly: false });
  await database.write({ now: Date.now }, (transaction) => {
    for (const { body, ...row } of rows) {
      const columns = { ...row, ...storeBody(transaction, String(body)) };
      transaction.insert(table, columns, { ms: 1000, device: 'import' });
    }
  });
  await database.close();
}

function legacyAutomation(id: string, fields: Row = {}): Row {
  const body = `{"schema_version":1,"id":"${id}","rrule":"x","cwds":["/w"],"odd":1.50}`;
  const times = { created_at: 1000, updated_at: 1000, next_run_at: 5000, last_run_at: null };
  const names = { id, name: id, prompt: 'p', rule: DAILY, status: 'active' };
  return {
    ...names,
    ...times,
    catch_up: 'once',
    owner: 'import',
    deleted_at: null,
    body,
    ...fields,
  };
}

describe('an automation', () => {
  it('keeps what it was given and computes its next time', async () => {
    const { store, make } = await setup();
    const details = { cwds: ['/w'], mode: 'agent', allow_shell: false, big: 'x'.repeat(9000) };
    const made = await make({
      name: ' nightly\u0000 ',
      rule: 'freq=weekly;byday=mo,fr;byhour=9;byminute=0',
      details,
    });
    expect(made).toMatchObject({
      name: 'nightly\u0000',
      rule: 'FREQ=WEEKLY;BYDAY=MO,FR;BYHOUR=9;BYMINUTE=0',
      status: 'active',
      catchUp: 'once',
      nextRunAt: '2026-08-21T09:00:00.000Z',
      lastRunAt: null,
      createdAt: '2026-08-18T08:00:00.000Z',
      deletedAt: null,
      details,
    });
    expect(made.owner).toBe(made.device);
    expect(await store.automations.get(made.id)).toEqual(made);
    await expect(make({ id: made.id })).rejects.toMatchObject({ code: 'CONFLICT' });
    await expect(store.automations.get('gone')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('is refused with the reason when its rule or a field is wrong', async () => {
    const { make } = await setup();
    const wrong: [Partial<AutomationCreate>, RegExp][] = [
      [{ rule: 'FREQ=DAILY' }, /automation rule: FREQ=DAILY is not supported/],
      [{ rule: 'nonsense' }, /automation rule: "nonsense" is not KEY=VALUE/],
      [{ rule: 'FREQ=ONCE;AT=2026-08-18T07:00:00Z' }, /no time after now/],
      [{ rule: 'FREQ=CRON;EXPR=0 9 30 2 *' }, /no time after now/],
      [{ prompt: ' ' }, /needs a prompt/],
      [{ name: '' }, /needs a name/],
      [{ details: { rrule: 'x' } }, /field of its own/],
    ];
    for (const [input, message] of wrong) {
      const error: unknown = await make(input).catch((reason: unknown) => reason);
      expect(error).toMatchObject({ code: 'INVALID_INPUT' });
      expect(String(error)).toMatch(message);
    }
    const paused = await make({ rule: 'FREQ=ONCE;AT=2026-08-18T07:00:00Z', status: 'paused' });
    expect(paused).toMatchObject({ status: 'paused', nextRunAt: null });
  });

  it('stops and goes on from now', async () => {
    const { store, clock, make } = await setup();
    const { id } = await make();
    expect(await store.automations.pause(id)).toMatchObject({ status: 'paused', nextRunAt: null });
    clock.now += 72 * HOUR;
    expect(await dueSlots(store)).toEqual([]);
    const resumed = await store.automations.resume(id);
    expect(resumed).toMatchObject({ status: 'active', nextRunAt: '2026-08-21T09:00:00.000Z' });
    clock.now += 72 * HOUR;
    // What an active one has missed is not lost by another `resume`.
    expect((await store.automations.resume(id)).nextRunAt).toBe('2026-08-21T09:00:00.000Z');
    const over = await make({ rule: 'FREQ=ONCE;AT=2020-01-01T00:00:00Z', status: 'paused' });
    await expect(store.automations.resume(over.id)).rejects.toMatchObject({ code: 'CONFLICT' });
  });

  it('changes field by field, and counts a new rule from now', async () => {
    const { store, clock, make } = await setup();
    const made = await make({ details: { cwds: ['/w'] } });
    clock.now += 1000;
    const renamed = await store.automations.update(made.id, { name: 'n', catchUp: 'all' });
    expect(renamed).toEqual({
      ...made,
      name: 'n',
      catchUp: 'all',
      updatedAt: iso('2026-08-18T08:00:01Z'),
    });
    const changed = await store.automations.update(made.id, {
      rule: 'FREQ=HOURLY;INTERVAL=2',
      details: { mode: 'plan' },
    });
    expect(changed.nextRunAt).toBe('2026-08-18T10:00:00.000Z');
    expect(changed.details).toEqual({ mode: 'plan' });
    const past = store.automations.update(made.id, { rule: 'FREQ=ONCE;AT=2020-01-01T00:00' });
    await expect(past).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    await store.automations.pause(made.id);
    const quiet = await store.automations.update(made.id, { rule: DAILY });
    expect(quiet).toMatchObject({ rule: DAILY, nextRunAt: null });
  });

  it('is hidden by a deletion, with its runs, and comes back without catching up', async () => {
    const { store, clock, make } = await setup();
    const { id } = await make({ catchUp: 'all' });
    const once = await make({ rule: 'FREQ=ONCE;AT=2026-08-18T10:00:00Z' });
    await store.automations.runNow(id);
    expect((await store.automations.delete(id)).deletedAt).toBe(iso('2026-08-18T08:00:00Z'));
    await store.automations.delete(once.id);
    clock.now += 48 * HOUR;
    expect((await store.automations.delete(id)).deletedAt).toBe(iso('2026-08-18T08:00:00Z'));
    expect((await store.automations.list()).items).toEqual([]);
    expect((await store.automations.list({ deleted: true })).items).toHaveLength(2);
    expect(await store.automations.due()).toEqual({ items: [], problems: [] });
    const calls = [
      store.automations.pause(id),
      store.automations.runNow(id),
      store.automations.recordRun({ automationId: id, slot: '2026-08-18T09:00:00Z' }),
    ];
    await allRefused(calls, 'NOT_FOUND');
    expect((await store.automations.runs(id)).items).toHaveLength(1);
    expect((await store.automations.restore(id)).nextRunAt).toBe('2026-08-20T09:00:00.000Z');
    expect((await store.automations.restore(once.id)).status).toBe('paused');
  });
});

describe('due automations', () => {
  it('are those whose slot no run has claimed', async () => {
    const { store, clock, make } = await setup();
    const made = await make();
    expect(await dueSlots(store)).toEqual([]);
    clock.now += HOUR;
    const { items } = await store.automations.due();
    expect(items).toEqual([{ automation: made, slot: '2026-08-18T09:00:00.000Z' }]);
    expect(await store.automations.get(made.id)).toEqual(made);
    const slot = items[0]?.slot ?? '';
    const run = await store.automations.recordRun({ automationId: made.id, slot });
    expect(run).toMatchObject({ slot, scheduledFor: slot, status: 'queued', attempt: 1 });
    const again = store.automations.recordRun({ automationId: made.id, slot });
    await expect(again).rejects.toMatchObject({ code: 'CONFLICT' });
    expect(await store.automations.get(made.id)).toEqual({
      ...made,
      nextRunAt: '2026-08-19T09:00:00.000Z',
    });
    expect(await dueSlots(store)).toEqual([]);
    expect(await dueSlots(store, '2026-08-19T11:00:00+02:00')).toEqual([iso('2026-08-19T09:00Z')]);
  });

  it('make up for missed slots by their policy', async () => {
    const { store, clock, make } = await setup();
    const ids = {
      skip: (await make({ catchUp: 'skip' })).id,
      once: (await make({ catchUp: 'once' })).id,
      all: (await make({ catchUp: 'all' })).id,
    };
    clock.now = Date.parse('2026-08-20T12:00:00Z');
    const { items } = await store.automations.due();
    const of = (id: string) =>
      items.filter((due) => due.automation.id === id).map((due) => due.slot.slice(0, 10));
    expect(of(ids.skip)).toEqual([]);
    expect(of(ids.once)).toEqual(['2026-08-20']);
    expect(of(ids.all)).toEqual(['2026-08-18', '2026-08-19', '2026-08-20']);
    const next = async (id: string) => (await store.automations.get(id)).nextRunAt;
    expect(await next(ids.skip)).toBe('2026-08-21T09:00:00.000Z');
    expect(await next(ids.once)).toBe('2026-08-18T09:00:00.000Z');
    for (const { automation, slot } of items) {
      await store.automations.recordRun({ automationId: automation.id, slot });
    }
    for (const id of Object.values(ids)) expect(await next(id)).toBe('2026-08-21T09:00:00.000Z');
    // A slot that is run late after all does not turn the schedule back.
    const late = { automationId: ids.once, slot: '2026-08-19T09:00:00Z' };
    await store.automations.recordRun(late);
    expect(await next(ids.once)).toBe('2026-08-21T09:00:00.000Z');
    clock.now = Date.parse('2026-08-21T09:00:59Z');
    expect(await dueSlots(store)).toHaveLength(3);
  });

  it('lose no slot when all are to run and they are recorded out of order', async () => {
    const { store, clock, make } = await setup();
    const { id } = await make({ catchUp: 'all' });
    clock.now = Date.parse('2026-08-20T12:00:00Z');
    const slots = await dueSlots(store);
    for (const slot of slots.toReversed()) {
      await store.automations.recordRun({ automationId: id, slot });
      expect(await dueSlots(store)).toHaveLength(slots.indexOf(slot));
    }
    expect((await store.automations.get(id)).nextRunAt).toBe('2026-08-21T09:00:00.000Z');
  });

  it('do not wait for a time that was noted while the clock was ahead', async () => {
    const { store, clock, make } = await setup();
    const ids = [
      (await make({ catchUp: 'all' })).id,
      (await make({ rule: 'FREQ=HOURLY;INTERVAL=2' })).id,
    ];
    const next = () =>
      Promise.all(ids.map(async (id) => (await store.automations.get(id)).nextRunAt));
    const before = await next();
    clock.now += 30 * 24 * HOUR;
    for (const id of ids) {
      await store.automations.pause(id);
      await store.automations.resume(id);
    }
    expect(await next()).not.toEqual(before);
    clock.now -= 30 * 24 * HOUR;
    expect(await dueSlots(store)).toEqual([]);
    expect(await next()).toEqual(before);
    // Slots that count from the last one on keep their minute over the days on which there are none.
    clock.now += 20 * 60_000;
    const byDay = await make({ rule: 'FREQ=HOURLY;INTERVAL=3;BYDAY=MO' });
    clock.now += 100 * 60_000;
    expect(await dueSlots(store)).toHaveLength(2);
    expect((await store.automations.get(byDay.id)).nextRunAt).toBe(byDay.nextRunAt);
    clock.now -= 120 * 60_000;
    // Who asks for another time than now changes nothing by it.
    expect(await dueSlots(store, '2026-08-01T00:00:00Z')).toEqual([]);
    expect(await next()).toEqual(before);
    clock.now += HOUR;
    expect(await dueSlots(store)).toEqual([before[0]]);
  });

  it('are paused after their last slot, run or missed', async () => {
    const { store, clock, make } = await setup();
    const rule = 'FREQ=ONCE;AT=2026-08-18T09:00';
    const ran = await make({ rule });
    const missed = await make({ rule, catchUp: 'skip' });
    clock.now += 2 * HOUR;
    const { items } = await store.automations.due();
    expect(items.map((due) => due.automation.id)).toEqual([ran.id]);
    await store.automations.recordRun({ automationId: ran.id, slot: items[0]?.slot ?? '' });
    for (const { id } of [ran, missed]) {
      expect(await store.automations.get(id)).toMatchObject({ status: 'paused', nextRunAt: null });
    }
    const late = store.automations.recordRun({
      automationId: missed.id,
      slot: missed.nextRunAt ?? '',
    });
    await expect(late).rejects.toMatchObject({ code: 'CONFLICT' });
  });

  it('of an import run nowhere until they are taken over, and hold up none when unsupported', async () => {
    const { store, clock, make } = await setup();
    const own = await make();
    await importRows(store, [
      legacyAutomation('a'),
      legacyAutomation('b', { rule: 'FREQ=DAILY' }),
      legacyAutomation('c', { rule: 'FREQ=DAILY', next_run_at: null }),
      legacyAutomation('d', { next_run_at: null }),
      legacyAutomation('e', { status: 'paused' }),
    ]);
    clock.now += 2 * HOUR;
    expect(await store.automations.due()).toMatchObject({
      items: [{ slot: own.nextRunAt }],
      problems: [],
    });
    const slot = '1970-01-01T09:00:00Z';
    const foreign = store.automations.recordRun({ automationId: 'a', slot });
    await expect(foreign).rejects.toMatchObject({ code: 'CONFLICT' });

    const taken = await store.automations.takeOver();
    expect(taken.map((automation) => automation.id)).toEqual(['e', 'd', 'c', 'b', 'a']);
    expect(taken.every((automation) => automation.owner === own.owner)).toBe(true);
    expect(await store.automations.takeOver()).toEqual([]);
    const due = await store.automations.due();
    expect(due.items.map((item) => item.automation.id).sort()).toEqual([own.id, 'a'].sort());
    expect(due.problems.map((problem) => problem.automationId)).toEqual(['c', 'b']);
    expect(due.problems[0]?.message).toMatch(/FREQ=DAILY is not supported/);
    expect((await store.automations.list()).items).toHaveLength(6);
    expect((await store.automations.get('d')).nextRunAt).toBe('2026-08-19T09:00:00.000Z');
    expect(await store.automations.get('a')).toMatchObject({
      device: 'import',
      details: { schema_version: 1, cwds: ['/w'], odd: 1.5 },
    });
    const unsupported = store.automations.recordRun({ automationId: 'b', slot });
    await expect(unsupported).rejects.toMatchObject({ code: 'CONFLICT' });
    await expect(store.automations.resume('c')).rejects.toMatchObject({ code: 'CONFLICT' });
  });

  it('go over to another device and back by a change of owner', async () => {
    const { store, clock, make } = await setup();
    const { id, owner, nextRunAt } = await make();
    expect(await store.automations.update(id, { owner: 'B' })).toMatchObject({
      owner: 'B',
      nextRunAt,
    });
    clock.now += 2 * HOUR;
    expect(await dueSlots(store)).toEqual([]);
    await store.automations.update(id, { owner });
    expect(await dueSlots(store)).toEqual([nextRunAt]);
  });

  it('skip a slot for which an imported run is there', async () => {
    const { store, clock, make } = await setup();
    const { id } = await make();
    const slot = Date.parse('2026-08-18T09:00:00Z');
    const run = { automation_id: id, status: 'completed', attempt: 1, task_id: null, error: null };
    const times = { created_at: slot, started_at: null, ended_at: slot, deleted_at: null };
    const body = `{"scheduled_for":"2026-08-18T09:00:00Z","thread_id":"t"}`;
    const rows = [slot, null].map((at, i) => ({ ...run, ...times, id: `r${i}`, slot: at, body }));
    await importRows(store, rows, automationRuns);
    clock.now += 2 * HOUR;
    expect(await dueSlots(store)).toEqual([]);
    expect((await store.automations.get(id)).nextRunAt).toBe('2026-08-19T09:00:00.000Z');
    expect(await store.automations.getRun('r1')).toMatchObject({
      slot: null,
      scheduledFor: '2026-08-18T09:00:00Z',
      details: { thread_id: 't' },
    });
  });

  it.each(['FREQ=CRON;EXPR=30 2 * * *', 'FREQ=WEEKLY;BYDAY=SA,SU,MO;BYHOUR=2;BYMINUTE=30'])(
    'keep their wall time over both clock changes: %s',
    async (rule) => {
      const { store, clock, make } = await setup('Europe/Berlin', '2026-03-27T12:00:00Z');
      const { id } = await make({ rule, catchUp: 'all' });
      const walk = async (until: string) => {
        const seen: string[] = [];
        for (; clock.now < Date.parse(until); clock.now += 15 * 60_000) {
          for (const slot of await dueSlots(store)) {
            await store.automations.recordRun({ automationId: id, slot });
            seen.push(slot.slice(0, 16));
          }
        }
        return seen;
      };
      // 2:30 does not exist on 29 March.
      expect(await walk('2026-03-30T12:00:00Z')).toEqual(['2026-03-28T01:30', '2026-03-30T00:30']);
      await store.automations.pause(id);
      clock.now = Date.parse('2026-10-24T12:00:00Z');
      await store.automations.resume(id);
      // 2:30 comes twice on 25 October; the first one counts.
      expect(await walk('2026-10-26T12:00:00Z')).toEqual(['2026-10-25T00:30', '2026-10-26T01:30']);
    },
  );

  it('of one time that the clocks pass over are refused as such', async () => {
    const { make } = await setup('Europe/Berlin', '2026-03-27T12:00:00Z');
    const once = (at: string) => make({ rule: `FREQ=ONCE;AT=${at}` });
    await expect(once('2026-03-29T02:30:00')).rejects.toThrow('does not exist on that day');
    await expect(once('2026-03-26T02:30:00')).rejects.toThrow('names no time after now');
    await once('2026-03-29T03:30:00');
  });

  it('are read in the time zone that the machine has by now', async () => {
    const { store, make } = await setup('America/New_York');
    const { id } = await make();
    expect((await store.automations.get(id)).nextRunAt).toBe('2026-08-18T13:00:00.000Z');
    vi.stubEnv('TZ', 'Asia/Tokyo');
    await store.automations.pause(id);
    expect((await store.automations.resume(id)).nextRunAt).toBe('2026-08-19T00:00:00.000Z');
    // No name of a zone: Node's own clocks show UTC then.
    vi.stubEnv('TZ', ':/nowhere');
    await store.automations.pause(id);
    expect((await store.automations.resume(id)).nextRunAt).toBe('2026-08-18T09:00:00.000Z');
  });
});

describe('runs', () => {
  it('end once and are noted in their automation', async () => {
    const { store, clock, make } = await setup();
    const { id, nextRunAt, updatedAt } = await make();
    const run = await store.automations.runNow(id, {
      status: 'running',
      details: { turn_id: 't' },
    });
    expect(run).toMatchObject({
      slot: null,
      scheduledFor: '2026-08-18T08:00:00.000Z',
      startedAt: '2026-08-18T08:00:00.000Z',
      endedAt: null,
      details: { turn_id: 't' },
    });
    clock.now += 1000;
    const end = { status: 'failed', error: 'no model', taskId: 'task_1' } as const;
    const ended = await store.automations.finishRun(run.id, end);
    expect(ended).toEqual({ ...run, ...end, endedAt: '2026-08-18T08:00:01.000Z' });
    expect(await store.automations.getRun(run.id)).toEqual(ended);
    expect(await store.automations.get(id)).toMatchObject({
      lastRunAt: '2026-08-18T08:00:01.000Z',
      nextRunAt,
      updatedAt,
    });
    const again = store.automations.finishRun(run.id, { status: 'completed' });
    await expect(again).rejects.toMatchObject({ code: 'CONFLICT' });
    const unknown = store.automations.finishRun('gone', { status: 'completed' });
    await expect(unknown).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('take the state of their task', async () => {
    const { store, clock, make } = await setup();
    const { id } = await make();
    const tasks = [];
    for (const prompt of ['a', 'b', 'c']) tasks.push(await store.tasks.create({ prompt }));
    const runs = [];
    for (const task of tasks) runs.push(await store.automations.runNow(id, { taskId: task.id }));
    await store.automations.runNow(id);
    expect(await store.automations.reconcile()).toEqual([]);
    const worker = { owner: 'w', leaseMs: 60_000 };
    clock.now += 1000;
    await store.tasks.claim(worker);
    await store.tasks.claim(worker);
    clock.now += 1000;
    const finish = { owner: 'w', status: 'failed', error: 'broke' } as const;
    await store.tasks.finish(tasks[0]?.id ?? '', finish);
    clock.now += 1000;
    const changed = await store.automations.reconcile();
    expect(changed).toHaveLength(2);
    const states = await Promise.all(runs.map((run) => store.automations.getRun(run.id)));
    expect(states.map((run) => [run.status, run.error, run.startedAt, run.endedAt])).toEqual([
      ['failed', 'broke', iso('2026-08-18T08:00:01Z'), iso('2026-08-18T08:00:02Z')],
      ['running', null, iso('2026-08-18T08:00:01Z'), null],
      ['queued', null, null, null],
    ]);
    expect((await store.automations.get(id)).lastRunAt).toBe(iso('2026-08-18T08:00:02Z'));
    expect(await store.automations.reconcile()).toEqual([]);
  });

  it('and the task that they start are made together or not at all', async () => {
    const { store, make } = await setup();
    const { id, nextRunAt } = await make();
    const start = () =>
      store.transaction(async (tx) => {
        const task = await tx.tasks.create({ prompt: 'look' });
        const slot = nextRunAt ?? '';
        return tx.automations.recordRun({ automationId: id, slot, taskId: task.id });
      });
    expect((await start()).taskId).toMatch(/^task_/);
    await expect(start()).rejects.toMatchObject({ code: 'CONFLICT' });
    expect((await store.tasks.list()).items).toHaveLength(1);
  });

  it('of one slot are recorded by one of two processes', async () => {
    const { store, clock, make } = await setup();
    const { id } = await make({ rule: 'FREQ=CRON;EXPR=* * * * *', catchUp: 'all' });
    clock.now += HOUR;
    const slots = await dueSlots(store);
    expect(slots).toHaveLength(60);
    const call = `(store, slot) => store.automations.recordRun({ automationId: '${id}', slot })`;
    const [first = [], second = []] = await claimRace(store.path, call, slots);
    first.forEach((outcome, i) => {
      expect([outcome, second[i]].sort()).toEqual(['CONFLICT', 'won']);
    });
    expect((await store.automations.runs(id, { limit: 1000 })).items).toHaveLength(60);
    expect((await store.automations.get(id)).nextRunAt).toBe('2026-08-18T09:01:00.000Z');
  });
});

describe('lists of automations', () => {
  it('come newest first, in pages, without details, by an index', async () => {
    const { store, clock, log, make } = await setup();
    const ids: string[] = [];
    for (let i = 0; i < 5; i++) {
      clock.now += 1000;
      ids.unshift((await make({ status: i % 2 ? 'paused' : 'active' })).id);
      await store.automations.runNow(ids[0] ?? '');
    }
    log.take();
    const first = await store.automations.list({ limit: 3 });
    const second = await store.automations.list({ limit: 3, cursor: first.nextCursor });
    expect([...first.items, ...second.items].map((item) => item.id)).toEqual(ids);
    expect(second.nextCursor).toBeNull();
    expect(first.items[0]).not.toHaveProperty('details');
    expect((await store.automations.list({ status: 'paused' })).items).toHaveLength(2);
    await store.automations.list({ deleted: true, limit: 1 });
    await store.automations.list({ deleted: true, status: 'paused' });
    const id = ids[0] ?? '';
    clock.now += 25 * HOUR;
    const newest = await store.automations.runNow(id);
    const page = await store.automations.runs(id, { limit: 1 });
    expect(page.items.map((run) => run.id)).toEqual([newest.id]);
    expect(page.items[0]).not.toHaveProperty('details');
    expect((await store.automations.runs(id, { cursor: page.nextCursor })).items).toHaveLength(1);
    await store.automations.due();
    await store.automations.reconcile();
    await store.automations.takeOver();
    // The one row of the device has no index.
    expectIndexed(
      store.path,
      log.take().filter((sql) => !/from device\b/.test(sql)),
    );
  });
});
