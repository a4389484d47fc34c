import { join } from 'node:path';
import { expect, it } from 'vitest';
import { tempFolder, tempStore } from '../support/temp-store.ts';

const FAR = '9999-12-31T23:59:59.999Z';

it('a record that is said to be made in the far future says so, and is not the newest for years', async () => {
  let now = Date.UTC(2026, 0, 1);
  const store = await tempStore({ clock: () => now });
  const make = async (createdAt?: string) => ({
    session: (await store.sessions.create({ workspace: '/w', createdAt })).id,
    task: (await store.tasks.create({ prompt: 'p', createdAt })).id,
    thread: (
      await store.runtime.createThread({ workspace: '/w', model: 'm', mode: 'agent', createdAt })
    ).id,
    automation: (
      await store.automations.create({ name: 'a', prompt: 'p', rule: 'FREQ=HOURLY', createdAt })
    ).id,
  });
  const far = await make(FAR);
  await store.tasks.cancel(far.task);
  now += 1000;
  const near = await make('2026-01-01T12:00:00.000Z');
  const lists = {
    session: store.sessions.list(),
    task: store.tasks.list(),
    thread: store.runtime.listThreads(),
    automation: store.automations.list(),
  };
  for (const [kind, list] of Object.entries(lists)) {
    const { items } = await list;
    const ids = items.map(({ id }) => id);
    expect([kind, ids]).toEqual([
      kind,
      [near[kind as keyof typeof near], far[kind as keyof typeof far]],
    ]);
    expect(items.map(({ createdAt }) => createdAt)).toEqual(['2026-01-01T12:00:00.000Z', FAR]);
    // A few hours ahead is no mistake, and of a task only its times count.
    const time = kind === 'task' ? '2026-01-01T12:00:00.000Z' : new Date(now).toISOString();
    expect(items[0]?.updatedAt, kind).toBe(time);
  }
  const out = join(tempFolder(), 'out');
  await store.export(out, { format: 'legacy' });
  const other = await tempStore();
  await other.import([out]);
  expect((await other.sessions.get(far.session)).createdAt).toBe(FAR);
});
