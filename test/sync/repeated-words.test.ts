import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { MUTABLE_TABLES } from '../../src/model/registers.ts';
import { FileHub } from '../support/file-hub.ts';
import { makeNativeRows } from '../support/native-rows.ts';
import { syncDevice, type SyncDevice } from '../support/sync-device.ts';
import { tempFolder } from '../support/temp-store.ts';

const MINUTE = 60_000;
const LEASE = { owner: 'w', leaseMs: 60 * MINUTE };

/** All that a device holds of what can change; when it was taken is no part of it. */
async function mutableRows({ database }: SyncDevice): Promise<Record<string, unknown>> {
  return database.read((reader) =>
    Object.fromEntries(
      MUTABLE_TABLES.map(({ name, registers }) => {
        const columns = ['id', 'device', ...Object.values(registers).flat()];
        const versions = Object.keys(registers).map((register) => `${register}_version`);
        const names = [...new Set([...columns, ...versions])];
        return [name, reader.rows(`select ${names.join(', ')} from ${name} order by id`)];
      }),
    ),
  );
}

/** Two devices of one group, and what a person would miss of the first one. */
async function setup() {
  const clock = { now: Date.now() - 90 * MINUTE };
  const now = () => clock.now;
  const hub = new FileHub({ path: join(tempFolder(), 'hub.db') });
  const [a, b] = [await syncDevice('a', hub, { now }), await syncDevice('b', hub, { now })];
  const { store } = a;
  // Queued once more, and so after one that was created later.
  const again = await store.tasks.create({ prompt: 'again' });
  await store.tasks.claim(LEASE);
  await store.tasks.finish(again.id, { owner: 'w', status: 'failed' });
  clock.now += MINUTE;
  await store.tasks.create({ prompt: 'in between' });
  clock.now += MINUTE;
  await store.tasks.retry(again.id);
  await makeNativeRows(store, 'n');
  const thread = await store.threads.upsert({
    id: 'thread-of-a',
    cwd: '/w',
    modelProvider: 'p',
    preview: '',
    title: 'one',
    details: { precious: 1 },
  });
  const look = { name: 'look', description: 'looks', inputSchema: { type: 'object' } };
  await store.threads.setTools(thread.id, [look]);
  const automation = await store.automations.create({
    name: 'nightly',
    prompt: 'tidy up',
    rule: 'FREQ=HOURLY',
    catchUp: 'all',
  });
  await store.tasks.create({ prompt: 'build', details: { plan: 'none' } });
  await store.tasks.create({ prompt: 'later' });
  const running = await store.tasks.claim(LEASE);
  const session = await store.sessions.create({
    title: 'plan',
    workspace: '/w',
    details: { w: 'x' },
  });
  clock.now += MINUTE;
  // Times of the records are later now than those of most registers.
  await store.threads.upsert({ id: thread.id, title: 'two' });
  await store.automations.update(automation.id, { name: 'hourly' });
  await store.sessions.rename(session.id, 'plans');
  clock.now += MINUTE;
  const carryHome = async () => {
    const dir = join(tempFolder(), 'home');
    await store.export(dir, { format: 'legacy' });
    clock.now += MINUTE;
    await b.store.import([dir]);
  };
  const exchange = async (...devices: SyncDevice[]) => {
    for (const device of devices) await device.sync();
  };
  return { a, b, running, session, automation, clock, carryHome, exchange };
}

/** But for goals of sessions: their files have no place for a mark. */
const conflictsOf = async ({ store }: SyncDevice) =>
  (await store.sync.conflicts()).items.filter(({ id }) => !id.startsWith('session/'));

describe('an export of a device, imported on one that has not its rows', () => {
  it.each<[string, readonly ('a' | 'b')[]]>([
    ['first', ['a', 'b', 'a', 'b']],
    ['last', ['b', 'a', 'b', 'a']],
  ])('takes nothing from it that exchanges %s', async (_, order) => {
    const { a, b, running, carryHome, exchange } = await setup();
    const before = await mutableRows(a);
    await carryHome();
    await exchange(...order.map((name) => ({ a, b })[name]), a, b);
    expect(await mutableRows(a)).toEqual(before);
    expect(await mutableRows(b)).toEqual(before);
    expect([await conflictsOf(a), await conflictsOf(b)]).toEqual([[], []]);
    await a.store.tasks.finish(String(running?.id), { owner: 'w' });
  });

  it('is behind what was said since, too', async () => {
    const { a, b, session, automation, clock, carryHome, exchange } = await setup();
    await exchange(a, b);
    await a.store.automations.update(automation.id, { prompt: 'tidy up well' });
    await carryHome();
    clock.now += MINUTE;
    await a.store.sessions.rename(session.id, 'later');
    await a.store.automations.update(automation.id, { catchUp: 'skip' });
    const before = await mutableRows(a);
    await exchange(b, a, b, a);
    expect(await mutableRows(a)).toEqual(before);
    expect(await mutableRows(b)).toEqual(before);
    expect([await conflictsOf(a), await conflictsOf(b)]).toEqual([[], []]);
  });
});
