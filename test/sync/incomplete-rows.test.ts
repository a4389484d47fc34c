import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FileHub } from '../support/file-hub.ts';
import { tellOf } from '../support/known-devices.ts';
import { syncDevice } from '../support/sync-device.ts';
import { tempFolder } from '../support/temp-store.ts';

async function setup() {
  const hub = new FileHub({ path: join(tempFolder(), 'hub.db') });
  const [a, b] = [await syncDevice('a', hub), await syncDevice('b', hub)];
  const idOfB = (await b.store.sync.status()).deviceId;
  await tellOf(a.database, idOfB);
  /** As where the hub did not take a register. */
  const lose = (register: string) =>
    hub.run([{ sql: 'delete from hub_entries where register = ?1', params: [register] }], 'write');
  return { a, b, idOfB, lose };
}

describe('a record of which a part has not come', () => {
  it('is no task to show or to run before its prompt is there', async () => {
    const { a, b, idOfB, lose } = await setup();
    const { id } = await a.store.tasks.create({ prompt: 'large' });
    await a.store.tasks.handOver(id, idOfB);
    await a.sync();
    await lose('prompt');
    await b.sync();
    const claim = () => b.store.tasks.claim({ owner: 'worker', leaseMs: 60_000 });
    expect((await b.store.tasks.get(id)).prompt).toBe('');
    expect((await b.store.tasks.list()).items).toEqual([]);
    expect((await b.store.tasks.list({ status: ['queued'] })).items).toEqual([]);
    expect(await claim()).toBeNull();

    await a.store.tasks.update(id, { prompt: 'smaller' });
    await a.sync();
    await b.sync();
    expect((await b.store.tasks.list()).items.map(({ prompt }) => prompt)).toEqual(['smaller']);
    expect((await claim())?.id).toBe(id);
  });

  it('is in no list before it is known what it is', async () => {
    const { a, b, idOfB, lose } = await setup();
    const session = await a.store.sessions.create({ title: 'one', workspace: '/w' });
    const thread = { id: 'thread-1', preview: 'p', modelProvider: 'm', cwd: '/w' };
    await a.store.threads.upsert(thread);
    await a.store.runtime.createThread({ id: 'thr_1', workspace: '/w', model: 'm' });
    const rule = 'FREQ=HOURLY;INTERVAL=1';
    const automation = await a.store.automations.create({ name: 'n', prompt: 'p', rule });
    await a.store.automations.update(automation.id, { owner: idOfB });
    await a.sync();
    await lose('details');
    await b.sync();
    const lists = async () => {
      const { sessions, threads, runtime, automations } = b.store;
      const pages = [sessions.list(), threads.list(), runtime.listThreads(), automations.list()];
      return (await Promise.all(pages)).map(({ items }) => items.length);
    };
    const later = new Date(Date.now() + 2 * 3_600_000).toISOString();
    expect((await b.store.sessions.get(session.id)).title).toBe('one');
    expect(await lists()).toEqual([0, 0, 0, 0]);
    expect((await b.store.automations.due(later)).items).toEqual([]);

    await a.store.sessions.update(session.id, { model: 'other' });
    await a.store.threads.upsert({ ...thread, preview: 'q' });
    await a.store.runtime.updateThread('thr_1', { model: 'other' });
    await a.store.automations.update(automation.id, { prompt: 'q' });
    await a.sync();
    await b.sync();
    expect(await lists()).toEqual([1, 1, 1, 1]);
    expect((await b.store.automations.due(later)).items).toHaveLength(1);
  });
});
