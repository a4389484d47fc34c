import Driver from 'libsql';
import { describe, expect, it } from 'vitest';
import { expectIndexed, statementLog } from '../support/query-plans.ts';
import { tempStore } from '../support/temp-store.ts';

async function setup() {
  const clock = { now: Date.parse('2026-08-18T09:00:00Z') };
  const log = statementLog();
  const store = await tempStore({ clock: () => clock.now, logger: log.logger });
  await store.threads.upsert({ id: 't1', cwd: '/w' });
  await store.sessions.create({ id: 's1', workspace: '/w' });
  return { store, clock, log };
}

describe('goals', () => {
  it('begin active with nothing used and keep what an upsert does not give', async () => {
    const { store, clock } = await setup();
    const made = await store.goals.upsert({
      scope: 'thread',
      ownerId: 't1',
      objective: 'get the suite green',
      tokenBudget: 200_000,
      details: { note: 'mine' },
    });
    expect(made).toEqual({
      id: 'thread/t1',
      scope: 'thread',
      ownerId: 't1',
      objective: 'get the suite green',
      status: 'active',
      updatedAt: '2026-08-18T09:00:00.000Z',
      device: made.device,
      goalId: made.goalId,
      tokenBudget: 200_000,
      tokensUsed: 0,
      timeUsedSeconds: 0,
      continuationCount: 0,
      createdAt: '2026-08-18T09:00:00.000Z',
      details: { note: 'mine' },
    });
    expect(made.goalId).toMatch(/^goal-/);
    clock.now += 1000;
    const paused = await store.goals.upsert({ scope: 'thread', ownerId: 't1', status: 'paused' });
    expect(paused).toEqual({ ...made, status: 'paused', updatedAt: '2026-08-18T09:00:01.000Z' });
    const open = await store.goals.upsert({ scope: 'thread', ownerId: 't1', tokenBudget: null });
    expect(open.tokenBudget).toBeNull();
    expect(await store.goals.get('thread', 't1')).toEqual(open);
  });

  it('add up usage and continuations, and never move updatedAt back', async () => {
    const { store, clock } = await setup();
    const key = ['session', 's1'] as const;
    await store.goals.upsert({ scope: 'session', ownerId: 's1', objective: 'green' });
    clock.now -= 5000;
    await store.goals.addUsage(...key, { tokens: 10, seconds: 3 });
    await store.goals.addUsage(...key, { tokens: 5 });
    const goal = await store.goals.addContinuation(...key);
    expect(goal).toMatchObject({
      tokensUsed: 15,
      timeUsedSeconds: 3,
      continuationCount: 1,
      updatedAt: '2026-08-18T09:00:00.000Z',
      goalId: null,
      createdAt: null,
    });
    expect(await store.goals.get(...key)).toEqual(goal);
    const none = store.goals.addUsage('thread', 't1', { tokens: 1 });
    await expect(none).rejects.toMatchObject({ code: 'NOT_FOUND' });
    const back = store.goals.addUsage(...key, { tokens: -1 });
    await expect(back).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  });

  it('refuse usage that could not be told exactly any more, and add none of it', async () => {
    const { store } = await setup();
    const key = ['session', 's1'] as const;
    const most = Number.MAX_SAFE_INTEGER;
    const full = { tokensUsed: most - 5, continuationCount: most };
    await store.goals.upsert({ scope: 'session', ownerId: 's1', objective: 'o', ...full });
    await store.goals.addUsage(...key, { tokens: 5 });
    for (const more of [
      () => store.goals.addUsage(...key, { tokens: 1, seconds: 1 }),
      () => store.goals.addUsage(...key, { tokens: most }),
      () => store.goals.addContinuation(...key),
    ]) {
      await expect(more()).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    }
    const goal = await store.goals.addUsage(...key, { seconds: 2 });
    expect(goal).toMatchObject({ tokensUsed: most, timeUsedSeconds: 2, continuationCount: most });
    const { tokensUsed } = goal;
    await store.goals.upsert({ scope: 'session', ownerId: 's1', tokensUsed });
  });

  it('keep a number that an old home counted further, while another one grows', async () => {
    const { store } = await setup();
    const key = ['session', 's1'] as const;
    await store.goals.upsert({ scope: 'session', ownerId: 's1', objective: 'o' });
    const used = '"tokens_used":9007199254740993';
    const driver = new Driver(store.path);
    driver.exec(`update goals set state_version = state_version || 'z',
      body = replace(body, '"tokens_used":0', '${used}')`);
    await store.goals.addUsage(...key, { seconds: 2 });
    expect(driver.prepare('select body from goals').raw().get()).toEqual([
      expect.stringContaining(`${used},"time_used_seconds":2`),
    ]);
    driver.close();
  });

  it('begin anew after a deletion and under another id', async () => {
    const { store } = await setup();
    const key = { scope: 'thread', ownerId: 't1' } as const;
    await store.goals.upsert({ ...key, objective: 'one', tokensUsed: 9, details: { a: 1 } });
    await store.goals.delete('thread', 't1');
    await expect(store.goals.get('thread', 't1')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect((await store.goals.list()).items).toEqual([]);
    await expect(store.goals.upsert(key)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    const second = await store.goals.upsert({ ...key, objective: 'two', status: 'blocked' });
    expect(second).toMatchObject({ tokensUsed: 0, status: 'blocked', details: {} });
    await store.goals.addUsage('thread', 't1', { tokens: 4 });
    const third = await store.goals.upsert({ ...key, goalId: 'goal-3', objective: 'three' });
    expect(third).toMatchObject({ goalId: 'goal-3', tokensUsed: 0, status: 'active' });
    await store.goals.addUsage('thread', 't1', { tokens: 4 });
    const same = await store.goals.upsert({ ...key, goalId: 'goal-3', objective: 'still three' });
    expect(same.tokensUsed).toBe(4);
  });

  it('need an owner that is there', async () => {
    const { store } = await setup();
    for (const scope of ['thread', 'runtime', 'session'] as const) {
      const goal = store.goals.upsert({ scope, ownerId: 'none', objective: 'x' });
      await expect(goal).rejects.toMatchObject({ code: 'NOT_FOUND' });
    }
    await store.goals.upsert({ scope: 'session', ownerId: 's1', objective: 'x' });
    await store.sessions.delete('s1');
    expect((await store.goals.list({ scope: 'session' })).items).toEqual([]);
    await expect(store.goals.get('session', 's1')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await store.sessions.restore('s1');
    expect((await store.goals.list({ scope: 'session' })).items).toHaveLength(1);
  });

  it('are listed last updated first by an index', async () => {
    const { store, clock, log } = await setup();
    await store.goals.upsert({ scope: 'thread', ownerId: 't1', objective: 'a' });
    clock.now += 1000;
    await store.goals.upsert({ scope: 'session', ownerId: 's1', objective: 'b' });
    log.take();
    const first = await store.goals.list({ limit: 1 });
    const second = await store.goals.list({ limit: 1, cursor: first.nextCursor });
    expect([...first.items, ...second.items].map((goal) => goal.id)).toEqual([
      'session/s1',
      'thread/t1',
    ]);
    expect((await store.goals.list({ scope: 'thread' })).items).toHaveLength(1);
    await store.goals.list({ scope: 'thread', since: '2026-08-18T00:00:00Z' });
    expectIndexed(store.path, log.take());
  });
});
