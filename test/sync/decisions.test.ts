import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FileHub } from '../support/file-hub.ts';
import { syncDevice, type SyncDevice } from '../support/sync-device.ts';
import { tempFolder } from '../support/temp-store.ts';

const HOUR = 3_600_000;
const START = Date.parse('2026-08-18T08:30:00Z');

/** Two devices of one group; the clocks stand until a test moves them. */
async function pair() {
  const clock = { now: START, behind: 0 };
  const hub = new FileHub({ path: join(tempFolder(), 'hub.db'), now: () => clock.now });
  const a = await syncDevice('a', hub, { now: () => clock.now });
  const b = await syncDevice('b', hub, { now: () => clock.now - clock.behind });
  const meet = async () => {
    for (const one of [b, a, b, a]) await one.sync();
  };
  return { a, b, clock, meet, idOfB: (await b.store.sync.status()).deviceId };
}

/** An hourly automation of `a` that `b` has, too. */
async function hourly(catchUp: 'skip' | 'once' | 'all' = 'once') {
  const { a, b, clock, meet, idOfB } = await pair();
  const { id } = await a.store.automations.create({
    name: 'hourly',
    prompt: 'look',
    rule: 'FREQ=HOURLY;INTERVAL=1',
    catchUp,
  });
  await meet();
  const on = (device: SyncDevice) => device.store.automations.get(id);
  /** What a scheduler does when it looks; returns the hours that it ran. */
  const tick = async (device: SyncDevice) => {
    const { items } = await device.store.automations.due();
    for (const { slot } of items) {
      await device.store.automations.recordRun({ automationId: id, slot });
    }
    return items.map(({ slot }) => slot.slice(11, 16));
  };
  return { a, b, clock, meet, idOfB, id, on, tick };
}

describe('what somebody decides of an automation', () => {
  it('holds over the runs of a device that has not heard of it: a pause', async () => {
    const { a, b, clock, meet, id, on, tick } = await hourly();
    clock.now += 1000;
    await b.store.automations.pause(id);
    clock.now += 3 * HOUR;
    expect(await tick(a)).toEqual(['11:30']);
    await meet();
    for (const one of [a, b]) {
      expect(await on(one)).toMatchObject({ status: 'paused', nextRunAt: null });
    }
    expect((await b.store.sync.conflicts()).items).toEqual([]);
    expect(await tick(a)).toEqual([]);
  });

  it('holds where its device has a clock that is behind', async () => {
    const { a, b, clock, meet, id, on, tick } = await hourly();
    clock.behind = 60_000;
    await b.store.automations.pause(id);
    // More often than the two clocks count within the millisecond of what they have last seen.
    for (let i = 0; i < 20; i++) {
      clock.now += HOUR;
      await tick(a);
    }
    await meet();
    expect((await on(a)).status).toBe('paused');
  });

  it('holds: a rule, which counts from when it was set', async () => {
    const { a, b, clock, meet, id, on, tick } = await hourly();
    clock.now += 1000;
    await b.store.automations.update(id, { rule: 'FREQ=CRON;EXPR=15 * * * *' });
    clock.now += 2 * HOUR;
    await tick(a);
    await meet();
    expect(await on(a)).toEqual(await on(b));
    expect((await on(a)).rule).toBe('FREQ=CRON;EXPR=15 * * * *');
    expect(await tick(a)).toEqual(['10:15']);
  });

  it('holds: another owner, who repeats no slot that it has heard of', async () => {
    const { a, b, clock, meet, idOfB, id, on, tick } = await hourly('all');
    clock.now += 1000;
    await b.store.automations.update(id, { owner: idOfB });
    clock.now += 3 * HOUR;
    expect(await tick(a)).toEqual(['09:30', '10:30', '11:30']);
    clock.now += HOUR;
    await meet();
    for (const one of [a, b]) expect((await on(one)).owner).toBe(idOfB);
    expect(await tick(a)).toEqual([]);
    expect(await tick(b)).toEqual(['12:30']);
    clock.now += HOUR;
    expect(await tick(b)).toEqual(['13:30']);
  });

  it('holds over that a rule came to its end elsewhere', async () => {
    const { a, b, clock, meet } = await pair();
    const rule = 'FREQ=ONCE;AT=2026-08-18T09:00:00Z';
    const { id } = await a.store.automations.create({ name: 'once', prompt: 'look', rule });
    await meet();
    clock.now += 1000;
    await b.store.automations.update(id, { rule: 'FREQ=HOURLY;INTERVAL=1' });
    clock.now += HOUR;
    await a.store.automations.recordRun({ automationId: id, slot: '2026-08-18T09:00:00Z' });
    expect((await a.store.automations.get(id)).status).toBe('paused');
    await meet();
    expect(await a.store.automations.get(id)).toMatchObject({
      status: 'active',
      rule: 'FREQ=HOURLY;INTERVAL=1',
    });
  });

  it('does not run one anew that is over, whose end was not heard of', async () => {
    const { a, b, clock, meet } = await pair();
    const rule = 'FREQ=ONCE;AT=2026-08-18T09:00:00Z';
    const { id } = await a.store.automations.create({ name: 'once', prompt: 'look', rule });
    await meet();
    clock.now += 1000;
    await b.store.automations.update(id, { catchUp: 'all' });
    clock.now += HOUR;
    await a.store.automations.recordRun({ automationId: id, slot: '2026-08-18T09:00:00Z' });
    await meet();
    expect((await a.store.automations.due()).items).toEqual([]);
    await meet();
    for (const one of [a, b]) {
      expect(await one.store.automations.get(id)).toMatchObject({
        status: 'paused',
        catchUp: 'all',
      });
    }
  });

  it('is no change of a run: what other devices list last changed stays so', async () => {
    const { a, b, clock, meet, id, on, tick } = await hourly();
    const { updatedAt } = await on(a);
    clock.now += HOUR;
    await tick(a);
    const run = (await a.store.automations.runs(id)).items[0]?.id ?? '';
    await a.store.automations.finishRun(run, { status: 'completed' });
    await meet();
    for (const one of [a, b]) expect((await on(one)).updatedAt).toBe(updatedAt);
    expect((await on(b)).lastRunAt).not.toBeNull();
  });
});

it('two devices that ran one slot apart have both runs in the end', async () => {
  const { a, b, clock, meet, idOfB, id, tick } = await hourly();
  clock.now += HOUR;
  await b.store.automations.update(id, { owner: idOfB });
  expect(await tick(a)).toEqual(['09:30']);
  expect(await tick(b)).toEqual(['09:30']);
  await meet();
  const runs = async (device: SyncDevice) => (await device.store.automations.runs(id)).items;
  expect(await runs(a)).toHaveLength(2);
  expect(await runs(b)).toEqual(await runs(a));
  expect(await a.store.sync.parked()).toEqual([]);
});

describe('a request to cancel a running task', () => {
  const worker = { owner: 'w', leaseMs: HOUR };

  async function running() {
    const { a, b, clock, meet } = await pair();
    const { id } = await a.store.tasks.create({ prompt: 'do it' });
    await a.store.tasks.claim(worker);
    await meet();
    const report = (details: Record<string, unknown>) => a.store.tasks.update(id, { details });
    const beat = () => a.store.tasks.heartbeat({ id, ...worker });
    return { a, b, clock, meet, id, report, beat };
  }

  it('is heard over the reports of a worker that had not heard of it', async () => {
    const { a, b, clock, meet, id, report, beat } = await running();
    const { updatedAt } = await b.store.tasks.get(id);
    clock.now += 1000;
    const asked = await b.store.tasks.cancel(id);
    const askedAt = new Date(clock.now).toISOString();
    clock.now += 1000;
    await report({ progress: 1 });
    await meet();
    expect((await beat()).cancelRequested).toBe(true);
    const details = { progress: 1, cancel_requested: askedAt };
    for (const one of [a, b]) {
      expect(await one.store.tasks.get(id)).toEqual({ ...asked, updatedAt, details });
    }

    await report({ progress: 2 });
    await meet();
    expect((await beat()).cancelRequested).toBe(true);
    const ended = await a.store.tasks.finish(id, { owner: 'w' });
    expect(ended.status).toBe('canceled');
    expect(ended.details).toMatchObject({ progress: 2, cancel_requested: askedAt });
  });

  it('takes nothing back that the worker reported before', async () => {
    const { a, b, clock, meet, id, beat } = await running();
    await a.store.tasks.update(id, { threadId: 'thr_1', details: { progress: 1 } });
    clock.now += 1000;
    await b.store.tasks.cancel(id);
    await meet();
    expect((await beat()).cancelRequested).toBe(true);
    for (const one of [a, b]) {
      expect(await one.store.tasks.get(id)).toMatchObject({
        threadId: 'thr_1',
        details: { progress: 1 },
      });
    }
  });

  it('ends with its attempt', async () => {
    const { a, b, clock, meet, id, report, beat } = await running();
    clock.now += 1000;
    await b.store.tasks.cancel(id);
    clock.now += 1000;
    await report({ progress: 1 });
    await a.store.tasks.finish(id, { owner: 'w', status: 'failed' });
    await a.store.tasks.retry(id);
    await a.store.tasks.claim(worker);
    await meet();
    expect((await beat()).cancelRequested).toBe(false);
    for (const one of [a, b]) {
      const task = await one.store.tasks.get(id);
      expect(task).toMatchObject({ status: 'running', attempt: 2, endedAt: null });
      expect(task.details).not.toHaveProperty('cancel_requested');
    }
  });

  it('comes too late for the run of another device, to which it was given as lost', async () => {
    const { a, b, clock, meet, id } = await running();
    const c = await syncDevice('c', a.exchange.hub, { now: () => clock.now });
    await c.sync();
    clock.now += 1000;
    await b.store.tasks.cancel(id);
    clock.now += HOUR;
    const { deviceId } = await c.store.sync.status();
    await c.store.tasks.handOver(id, deviceId, { lost: true });
    await c.sync();
    expect((await c.store.tasks.claim(worker))?.id).toBe(id);
    for (const one of [b, c]) await one.sync();
    await meet();
    const { cancelRequested } = await c.store.tasks.heartbeat({ id, ...worker });
    expect(cancelRequested).toBe(false);
    expect((await c.store.tasks.finish(id, { owner: 'w' })).status).toBe('completed');
  });

  it('holds where an earlier version made it, in the details alone', async () => {
    const { a, clock, id, report, beat } = await running();
    await report({ cancel_requested: new Date(clock.now).toISOString() });
    await report({ progress: 1 });
    expect((await beat()).cancelRequested).toBe(true);
    expect((await a.store.tasks.finish(id, { owner: 'w' })).status).toBe('canceled');
  });
});

describe('what somebody decides', () => {
  it('of a goal holds over what is used meanwhile', async () => {
    const { a, b, clock, meet } = await pair();
    const { id } = await a.store.sessions.create({ workspace: '/w' });
    const key = { scope: 'session', ownerId: id } as const;
    await a.store.goals.upsert({ ...key, objective: 'green' });
    await meet();
    clock.now += 1000;
    await b.store.goals.upsert({ ...key, status: 'paused', tokenBudget: 10 });
    clock.now += 1000;
    await a.store.goals.addUsage('session', id, { tokens: 5 });
    await a.store.goals.addContinuation('session', id);
    await a.store.goals.upsert({ ...key, tokensUsed: 9 });
    await meet();
    for (const one of [a, b]) {
      expect(await one.store.goals.get('session', id)).toMatchObject({
        status: 'paused',
        tokenBudget: 10,
      });
    }
    const [conflict] = (await a.store.sync.conflicts()).items;
    expect(JSON.stringify(conflict?.lost)).toContain('tokens_used\\":9');

    await b.store.goals.delete('session', id);
    clock.now += 1000;
    await a.store.goals.addUsage('session', id, { tokens: 5 });
    await meet();
    for (const one of [a, b]) {
      await expect(one.store.goals.get('session', id)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    }
  });

  it('of a thread of the app server holds over the status that it goes on to tell', async () => {
    const { a, b, clock, meet } = await pair();
    const { id } = await a.store.threads.upsert({ cwd: '/w' });
    await meet();
    clock.now += 1000;
    await b.store.threads.archive(id);
    clock.now += 1000;
    await a.store.threads.upsert({ id, status: 'running', preview: 'x' });
    await a.store.threads.upsert({ id, status: 'idle' });
    await meet();
    for (const one of [a, b]) {
      expect(await one.store.threads.get(id)).toMatchObject({ archived: true, preview: 'x' });
    }
  });

  it('of a thread of the runtime holds over the turns that begin, and takes none of them back', async () => {
    const { a, b, clock, meet } = await pair();
    const { id } = await a.store.runtime.createThread({
      workspace: '/w',
      model: 'm',
      mode: 'agent',
    });
    const first = await a.store.runtime.startTurn(id);
    await a.store.runtime.finishTurn(first.id, { status: 'completed' });
    await meet();
    clock.now += 1000;
    await b.store.runtime.updateThread(id, { mode: 'plan' });
    clock.now += 1000;
    const second = await a.store.runtime.startTurn(id);
    await meet();
    for (const one of [a, b]) {
      expect(await one.store.runtime.getThread(id)).toMatchObject({
        mode: 'plan',
        latestTurnId: second.id,
      });
    }
  });

  it('of a thread of the runtime takes no turn back, though its own latest turn comes after it', async () => {
    const { a, b, clock, meet } = await pair();
    const { runtime } = a.store;
    const { id } = await runtime.createThread({ workspace: '/w', model: 'm', mode: 'agent' });
    await meet();
    const turn = async ({ store }: SyncDevice) => {
      const begun = await store.runtime.startTurn(id);
      return store.runtime.finishTurn(begun.id, { status: 'completed' });
    };
    await turn(a);
    const latest = await turn(a);
    clock.now += 1000;
    await turn(b);
    await b.store.runtime.updateThread(id, { mode: 'plan' });
    // Registers come in any order.
    await b.database.write({ now: () => clock.now }, (transaction) =>
      transaction.run(
        `update outbox set number = number + 1000 where table_name = 'runtime_turns'`,
      ),
    );
    await meet();
    for (const one of [a, b]) {
      expect(await one.store.runtime.getThread(id)).toMatchObject({
        mode: 'plan',
        latestTurnId: latest.id,
      });
    }
  });
});
