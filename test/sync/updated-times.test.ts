import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { Store } from '../../src/index.ts';
import { FileHub } from '../support/file-hub.ts';
import { syncDevice } from '../support/sync-device.ts';
import { tempFolder } from '../support/temp-store.ts';

interface Kind {
  readonly make: (store: Store) => Promise<{ readonly id: string }>;
  readonly get: (store: Store, id: string) => Promise<{ readonly updatedAt: string }>;
  readonly changes: readonly ((store: Store, id: string) => Promise<unknown>)[];
}

const user = { role: 'user', content: 'said' } as const;

const KINDS: Record<string, Kind> = {
  automation: {
    make: ({ automations }) =>
      automations.create({ name: 'n', prompt: 'p', rule: 'FREQ=HOURLY;INTERVAL=1' }),
    get: ({ automations }, id) => automations.get(id),
    changes: [
      ({ automations }, id) => automations.update(id, { name: 'other' }),
      ({ automations }, id) => automations.update(id, { prompt: 'other' }),
      ({ automations }, id) => automations.update(id, { catchUp: 'all' }),
      ({ automations }, id) => automations.pause(id),
      ({ automations }, id) => automations.resume(id),
      ({ automations }, id) => automations.delete(id),
      ({ automations }, id) => automations.restore(id),
    ],
  },
  thread: {
    make: ({ threads }) => threads.upsert({ cwd: '/w' }),
    get: ({ threads }, id) => threads.get(id),
    changes: [
      ({ threads }, id) => threads.appendMessage(id, user),
      ({ threads }, id) => threads.upsert({ id, title: 'other' }),
      ({ threads }, id) => threads.archive(id),
      ({ threads }, id) => threads.delete(id),
      ({ threads }, id) => threads.restore(id),
    ],
  },
  session: {
    make: ({ sessions }) => sessions.create({ workspace: '/w' }),
    get: ({ sessions }, id) => sessions.get(id),
    changes: [
      ({ sessions }, id) => sessions.rename(id, 'other'),
      ({ sessions }, id) => sessions.update(id, { model: 'm' }),
      ({ sessions }, id) => sessions.update(id, { model: 'm' }),
      ({ sessions }, id) => sessions.appendMessages(id, [user]),
      ({ sessions }, id) => sessions.archive(id),
      ({ sessions }, id) => sessions.delete(id),
      ({ sessions }, id) => sessions.restore(id),
    ],
  },
  'thread of the runtime': {
    make: ({ runtime }) => runtime.createThread({ workspace: '/w', model: 'm' }),
    get: ({ runtime }, id) => runtime.getThread(id),
    changes: [
      ({ runtime }, id) => runtime.updateThread(id, { title: 'other' }),
      ({ runtime }, id) => runtime.updateThread(id, { mode: 'plan' }),
      async ({ runtime }, id) => {
        const turn = await runtime.startTurn(id);
        await runtime.finishTurn(turn.id);
      },
      async ({ runtime }, id) => {
        const times = { startedAt: '2026-08-18T07:00:00Z', endedAt: '2026-08-18T07:30:00Z' };
        await runtime.saveTurnWithItems(id, {
          turn: { createdAt: '2026-08-18T07:00:00Z', ...times },
        });
      },
      ({ runtime }, id) => runtime.startTurn(id),
      ({ runtime }) => runtime.recover(),
      ({ runtime }, id) => runtime.deleteThread(id),
    ],
  },
  job: {
    make: ({ jobs }) => jobs.upsert({ name: 'n' }),
    get: ({ jobs }, id) => jobs.get(id),
    changes: [
      ({ jobs }, id) => jobs.upsert({ id, progress: 3 }),
      ({ jobs }, id) => jobs.upsert({ id, progress: 3 }),
      ({ jobs }, id) => jobs.upsert({ id, details: { more: 1 } }),
    ],
  },
  'goal of a session': {
    make: async ({ sessions, goals }) => {
      const { id } = await sessions.create({ workspace: '/w' });
      await goals.upsert({ scope: 'session', ownerId: id, objective: 'o' });
      return { id };
    },
    get: ({ goals }, id) => goals.get('session', id),
    changes: [
      ({ goals }, ownerId) => goals.upsert({ scope: 'session', ownerId, objective: 'other' }),
      ({ goals }, ownerId) => goals.upsert({ scope: 'session', ownerId, status: 'paused' }),
    ],
  },
  task: {
    make: ({ tasks }) => tasks.create({ prompt: 'p' }),
    get: ({ tasks }, id) => tasks.get(id),
    changes: [
      ({ tasks }, id) => tasks.update(id, { prompt: 'other' }),
      ({ tasks }, id) => tasks.claim({ owner: 'w', leaseMs: 86_400_000 }).then(() => id),
      ({ tasks }, id) => tasks.cancel(id),
      ({ tasks }, id) => tasks.finish(id, { owner: 'w' }),
      ({ tasks }, id) => tasks.retry(id),
      ({ tasks }, id) => tasks.archive(id),
    ],
  },
};

it.each(Object.entries(KINDS))(
  '%s: a change counts as work on it on every device or on none',
  async (_, { make, get, changes }) => {
    const clock = { now: Date.parse('2026-08-18T08:30:00Z') };
    const hub = new FileHub({ path: join(tempFolder(), 'hub.db'), now: () => clock.now });
    const now = () => clock.now;
    const [a, b] = [await syncDevice('a', hub, { now }), await syncDevice('b', hub, { now })];
    const { id } = await make(a.store);
    for (const change of [() => Promise.resolve(), ...changes]) {
      clock.now += 3_600_000;
      await change(a.store, id);
      for (const one of [a, b]) await one.sync();
      const { updatedAt } = await get(a.store, id);
      expect((await get(b.store, id)).updatedAt, change.toString()).toBe(updatedAt);
    }
  },
);

it.each(Object.entries(KINDS))(
  '%s: it is the same time where the clock goes on between its look and the stamp',
  async (_, { make, get, changes: [change] }) => {
    let time = Date.parse('2026-08-18T08:30:00Z');
    const now = () => time++;
    const hub = new FileHub({ path: join(tempFolder(), 'hub.db'), now });
    const [a, b] = [await syncDevice('a', hub, { now }), await syncDevice('b', hub, { now })];
    const { id } = await make(a.store);
    for (const step of [() => Promise.resolve(), change]) {
      await step?.(a.store, id);
      for (const one of [a, b]) await one.sync();
      const { updatedAt } = await get(a.store, id);
      expect((await get(b.store, id)).updatedAt).toBe(updatedAt);
    }
  },
);

it.each(Object.entries(KINDS))(
  '%s: what was stamped an hour ahead and came back is as old as elsewhere',
  async (kind, { make, get, changes }) => {
    const clock = { now: Date.parse('2026-08-18T08:30:00Z'), ahead: 0 };
    const hub = new FileHub({ path: join(tempFolder(), 'hub.db'), now: () => clock.now });
    const a = await syncDevice('a', hub, { now: () => clock.now + clock.ahead });
    const b = await syncDevice('b', hub, { now: () => clock.now });
    const all = async () => {
      for (const one of [a, b, a, b]) await one.sync();
    };
    const { id } = await make(a.store);
    await all();
    clock.now += 60_000;
    clock.ahead = 3_600_000;
    for (const change of changes) await change(a.store, id);
    const early = await make(a.store);
    await all();
    clock.ahead = 0;
    await all();
    for (const one of [id, early.id]) {
      const { updatedAt } = await get(a.store, one);
      expect((await get(b.store, one)).updatedAt).toBe(updatedAt);
      // What its messages, turns and times say is content, and stays.
      if (['automation', 'job', 'goal of a session'].includes(kind)) {
        expect(Date.parse(updatedAt)).toBeLessThan(clock.now + 60_000);
      }
    }
  },
);

it('a record that messages of a clock ahead make late is not earlier after an edit', async () => {
  const clock = { now: Date.parse('2026-08-18T08:30:00Z'), ahead: 3_600_000 };
  const hub = new FileHub({ path: join(tempFolder(), 'hub.db'), now: () => clock.now });
  const a = await syncDevice('a', hub, { now: () => clock.now + clock.ahead });
  const b = await syncDevice('b', hub, { now: () => clock.now });
  const { id } = await a.store.sessions.create({ workspace: '/w' });
  await a.store.sessions.appendMessages(id, [user]);
  clock.ahead = 0;
  for (const one of [a, b, a]) await one.sync();
  for (const work of [
    () => b.store.sessions.update(id, { model: 'm' }),
    () => b.store.sessions.appendMessages(id, [user]),
  ]) {
    clock.now += 1000;
    await work();
    for (const one of [b, a]) await one.sync();
    const { updatedAt } = await b.store.sessions.get(id);
    expect((await a.store.sessions.get(id)).updatedAt).toBe(updatedAt);
  }
});
