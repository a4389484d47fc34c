import { describe, expect, it } from 'vitest';
import { Connection } from '../../src/db/connection.ts';
import type { Store } from '../../src/index.ts';
import { expectIndexed, statementLog } from '../support/query-plans.ts';
import { tempStore } from '../support/temp-store.ts';

async function setup() {
  const clock = { now: Date.parse('2026-08-18T09:00:00Z') };
  const log = statementLog();
  const store = await tempStore({ clock: () => clock.now, logger: log.logger });
  return { store, clock, log };
}

function countBlobs(store: Store): unknown {
  const connection = new Connection(store.path, { busyWaitMs: 100, readOnly: true });
  try {
    return connection.row('select count(*) from blobs')?.[0];
  } finally {
    connection.close();
  }
}

describe('checkpoints', () => {
  it('keep the last document of each session until it is cleared', async () => {
    const { store, clock } = await setup();
    expect(await store.checkpoints.load('s1')).toBeNull();
    const first = { metadata: { id: 's1' }, messages: ['\u0000 \ud83d 🐳'], n: 1.5 };
    await store.checkpoints.save('s1', { old: true });
    clock.now += 1000;
    expect(await store.checkpoints.save('s1', first)).toEqual({
      id: 's1',
      sessionId: 's1',
      savedAt: '2026-08-18T09:00:01.000Z',
    });
    await store.checkpoints.save('s2', {});
    expect(await store.checkpoints.load('s1')).toEqual(first);
    await store.checkpoints.clear('s1');
    await store.checkpoints.clear('s1');
    expect(await store.checkpoints.load('s1')).toBeNull();
    expect(await store.checkpoints.load('s2')).toEqual({});
  });

  it('leave no body behind when they are saved over and cleared', async () => {
    const { store } = await setup();
    const large = { text: 'x'.repeat(20_000) };
    await store.checkpoints.save('s1', large);
    await store.checkpoints.save('s2', large);
    expect(countBlobs(store)).toBe(1);
    await store.checkpoints.save('s1', large);
    await store.checkpoints.save('s1', { text: 'y'.repeat(20_000) });
    expect(countBlobs(store)).toBe(2);
    await store.checkpoints.clear('s1');
    expect(countBlobs(store)).toBe(1);
    expect(await store.checkpoints.load('s2')).toEqual(large);
    await store.checkpoints.clear('s2');
    expect(countBlobs(store)).toBe(0);
  });

  it('refuse what is no JSON object', async () => {
    const { store } = await setup();
    for (const document of [[], null, 'text', { a: undefined }, { a: Number.NaN }]) {
      const saved = store.checkpoints.save('s1', document as never);
      await expect(saved).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    }
    const saved = store.checkpoints.save('', {});
    await expect(saved).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  });

  it('are listed newest first by an index', async () => {
    const { store, clock, log } = await setup();
    for (const id of ['s1', 's2', 's3']) {
      await store.checkpoints.save(id, {});
      clock.now += 1000;
    }
    log.take();
    const first = await store.checkpoints.list({ limit: 2 });
    expect(first.items.map((checkpoint) => checkpoint.id)).toEqual(['s3', 's2']);
    const second = await store.checkpoints.list({ cursor: first.nextCursor });
    expect(second.items.map((checkpoint) => checkpoint.id)).toEqual(['s1']);
    expectIndexed(store.path, log.take());
  });
});

describe('the offline queue', () => {
  it('keeps one document for each session and the old slot beside them', async () => {
    const { store, clock, log } = await setup();
    const queue = { session_id: null, messages: [{ display: 'run the tests' }], draft: null };
    await store.offlineQueue.save('', queue);
    clock.now += 1000;
    await store.offlineQueue.save('s1', { messages: [] });
    expect(await store.offlineQueue.load('')).toEqual(queue);
    log.take();
    const first = await store.offlineQueue.list({ limit: 1 });
    const second = await store.offlineQueue.list({ cursor: first.nextCursor });
    expectIndexed(store.path, log.take());
    expect([...first.items, ...second.items]).toEqual([
      { sessionId: 's1', savedAt: '2026-08-18T09:00:01.000Z' },
      { sessionId: '', savedAt: '2026-08-18T09:00:00.000Z' },
    ]);
    await store.offlineQueue.clear('s1');
    expect(await store.offlineQueue.load('s1')).toBeNull();
    expect(await store.offlineQueue.load('')).toEqual(queue);
    await store.offlineQueue.clear('');
    expect((await store.offlineQueue.list()).items).toEqual([]);
  });
});
