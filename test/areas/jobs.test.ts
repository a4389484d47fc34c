import { describe, expect, it } from 'vitest';
import { expectIndexed, statementLog } from '../support/query-plans.ts';
import { tempStore } from '../support/temp-store.ts';

async function setup() {
  const clock = { now: Date.parse('2026-08-18T09:00:00Z') };
  const log = statementLog();
  const store = await tempStore({ clock: () => clock.now, logger: log.logger });
  return { store, clock, log };
}

describe('jobs', () => {
  it('keep every field that an upsert does not give', async () => {
    const { store, clock } = await setup();
    await expect(store.jobs.upsert({ id: 'j1' })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    const made = await store.jobs.upsert({
      id: 'j1',
      name: 'index',
      details: { detail: '{"schema_version":1}' },
    });
    expect(made).toMatchObject({ status: 'queued', progress: null, name: 'index' });
    clock.now += 1000;
    const changed = await store.jobs.upsert({ id: 'j1', status: 'running', progress: 40 });
    expect(changed).toEqual({
      ...made,
      status: 'running',
      progress: 40,
      updatedAt: '2026-08-18T09:00:01.000Z',
    });
    expect(await store.jobs.get('j1')).toEqual(changed);
    expect((await store.jobs.upsert({ id: 'j1', progress: null })).progress).toBeNull();
    for (const progress of [-1, 256, 1.5]) {
      const wrong = store.jobs.upsert({ id: 'j1', progress });
      await expect(wrong).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    }
  });

  it('are gone after a deletion until an upsert brings them back', async () => {
    const { store } = await setup();
    await store.jobs.upsert({ id: 'j1', name: 'index' });
    await store.jobs.delete('j1');
    await expect(store.jobs.get('j1')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(store.jobs.delete('j1')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect((await store.jobs.list()).items).toEqual([]);
    expect((await store.jobs.upsert({ id: 'j1', status: 'failed' })).name).toBe('index');
    expect((await store.jobs.list()).items).toHaveLength(1);
  });

  it('are listed last updated first, by an index, without details', async () => {
    const { store, clock, log } = await setup();
    for (const id of ['j1', 'j2', 'j3']) {
      await store.jobs.upsert({ id, name: id, status: id === 'j2' ? 'failed' : 'queued' });
      clock.now += 1000;
    }
    log.take();
    const first = await store.jobs.list({ limit: 2 });
    expect(first.items.map((job) => job.id)).toEqual(['j3', 'j2']);
    expect(first.items[0]).not.toHaveProperty('details');
    const second = await store.jobs.list({ limit: 2, cursor: first.nextCursor });
    expect(second.items.map((job) => job.id)).toEqual(['j1']);
    expect(second.nextCursor).toBeNull();
    const failed = await store.jobs.list({ status: 'failed', until: '2026-08-19T00:00:00Z' });
    expect(failed.items.map((job) => job.id)).toEqual(['j2']);
    expectIndexed(store.path, log.take());
  });
});
