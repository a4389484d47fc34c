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
      ({ runtime }, id) => runtime.deleteThread(id),
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
