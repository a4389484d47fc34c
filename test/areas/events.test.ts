import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { RuntimeEvent, Store } from '../../src/index.ts';
import { builtLibrary } from '../support/built-library.ts';
import { tempStore } from '../support/temp-store.ts';

const CHILD = fileURLToPath(new URL('../support/event-writer.mjs', import.meta.url));

async function withThread(): Promise<{ store: Store; threadId: string }> {
  const store = await tempStore();
  const thread = await store.runtime.createThread({ workspace: '/w' });
  return { store, threadId: thread.id };
}

/** Another process that appends `count` events to the thread, one by one. */
async function startWriter(store: Store, threadId: string, count: number): Promise<void> {
  const child = spawn(
    process.execPath,
    [CHILD, await builtLibrary(), store.path, threadId, String(count)],
    { stdio: ['ignore', 'inherit', 'inherit'] },
  );
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  const [code] = (await once(child, 'exit')) as [number | null];
  expect(code).toBe(0);
}

async function take(events: AsyncIterable<RuntimeEvent>, count: number): Promise<RuntimeEvent[]> {
  const taken: RuntimeEvent[] = [];
  for await (const event of events) {
    taken.push(event);
    if (taken.length === count) break;
  }
  return taken;
}

describe('append', () => {
  it('numbers the events of each thread from 1 and gives them back as they went in', async () => {
    const { store, threadId } = await withThread();
    const other = await store.runtime.createThread({ workspace: '/w' });
    const payload = { delta: 'a\u0000b \ud83d 🐳', n: [1.5, null, { ['__proto__']: 1 }] };
    const written = await store.events.append(threadId, [
      {
        type: 'item.delta',
        payload,
        turnId: 'turn_1',
        itemId: 'item_1',
        at: '2026-08-18T09:15:06Z',
      },
      { type: 'turn.completed' },
    ]);
    await store.events.append(other.id, [{ type: 'turn.started', payload: 'text' }]);

    const { items, nextSeq } = await store.events.since(threadId, 0);
    expect(items).toEqual(written);
    expect(items).toMatchObject([
      { threadId, seq: 1, turnId: 'turn_1', itemId: 'item_1', at: '2026-08-18T09:15:06.000Z' },
      { threadId, seq: 2, turnId: null, itemId: null, payload: null },
    ]);
    expect(items[0]?.payload).toEqual(payload);
    expect(nextSeq).toBe(2);
    expect((await store.events.since(threadId, 2)).nextSeq).toBe(2);
    expect((await store.events.tail(other.id, 5)).items).toMatchObject([
      { seq: 1, payload: 'text' },
    ]);
  });

  it('takes many at once, small and large', async () => {
    const { store, threadId } = await withThread();
    const large = 'x'.repeat(50_000);
    const events = Array.from({ length: 1007 }, (_, i) => ({
      type: 'item.delta',
      payload: { i, text: i % 100 === 0 ? large : 'y' },
    }));
    const written = await store.events.append(threadId, events);
    expect(written.map((event) => event.seq)).toEqual(events.map((_, i) => i + 1));
    const { items } = await store.events.since(threadId, 0, { limit: 2000 });
    expect(items).toEqual(written);
    const tail = await store.events.tail(threadId, 3);
    expect(tail.items.map((event) => event.seq)).toEqual([1005, 1006, 1007]);
    const middle = await store.events.since(threadId, 500, { limit: 2 });
    expect(middle.items.map((event) => event.seq)).toEqual([501, 502]);
    expect(middle.nextSeq).toBe(502);
  });

  it('refuses an unknown thread, and events that JSON cannot hold', async () => {
    const { store, threadId } = await withThread();
    const unknown = store.events.append('thr_none', [{ type: 'a' }]);
    await expect(unknown).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(store.events.since('thr_none', 0)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(store.events.tail('thr_none', 1)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    let deep: unknown = 1;
    for (let i = 0; i < 200; i++) deep = [deep];
    for (const payload of [{ a: undefined }, Number.NaN, new Date(), () => 1, 10n, deep]) {
      const refused = store.events.append(threadId, [{ type: 'fine' }, { type: 'bad', payload }]);
      await expect(refused).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    }
    const named = store.events.append(threadId, [{ type: 'with blank' }]);
    await expect(named).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    expect((await store.events.since(threadId, 0)).items).toEqual([]);
  });
});

describe('follow', () => {
  it('yields what is there and then what comes from this process', async () => {
    const { store, threadId } = await withThread();
    await store.events.append(threadId, [{ type: 'a' }, { type: 'b' }]);
    const seen = take(store.events.follow(threadId, 1), 3);
    await store.events.append(threadId, [{ type: 'c' }]);
    await store.transaction((tx) => tx.events.append(threadId, [{ type: 'd' }]));
    expect((await seen).map((event) => event.type)).toEqual(['b', 'c', 'd']);
  });

  it('sees every event of another process, in order, soon after it was written', async () => {
    const { store, threadId } = await withThread();
    const lags: number[] = [];
    const seqs: number[] = [];
    const seen = (async () => {
      for await (const event of store.events.follow(threadId, 0)) {
        lags.push(Date.now() - (event.payload as { at: number }).at);
        seqs.push(event.seq);
        if (seqs.length === 60) break;
      }
    })();
    await startWriter(store, threadId, 60);
    await seen;
    expect(seqs).toEqual(Array.from({ length: 60 }, (_, i) => i + 1));
    // Well below the fallback of 250 ms, or nobody was woken.
    expect(lags.sort((a, b) => a - b)[30]).toBeLessThan(5000);
  });

  it('ends at return, at abort and at close, also while it waits', async () => {
    const { store, threadId } = await withThread();
    const returned = store.events.follow(threadId, 0);
    const waiting = returned.next();
    await returned.return?.();
    expect(await waiting).toEqual({ done: true, value: undefined });

    const abort = new AbortController();
    const aborted = store.events.follow(threadId, 0, { signal: abort.signal }).next();
    abort.abort();
    expect(await aborted).toEqual({ done: true, value: undefined });

    const closed = store.events.follow(threadId, 0).next();
    await store.close();
    expect(await closed).toEqual({ done: true, value: undefined });
    expect(await store.events.follow(threadId, 0).next()).toEqual({ done: true, value: undefined });
  });

  it('refuses an unknown thread, and to wait inside a transaction', async () => {
    const { store, threadId } = await withThread();
    const unknown = store.events.follow('thr_none', 0).next();
    await expect(unknown).rejects.toMatchObject({ code: 'NOT_FOUND' });
    const inside = store.transaction((tx) => tx.events.follow(threadId, 0).next());
    await expect(inside).rejects.toMatchObject({ code: 'CONFLICT' });
  });

  it('lets a process end that follows nothing any more', async () => {
    const { store, threadId } = await withThread();
    await store.events.append(threadId, [{ type: 'a' }]);
    const script = `
      const { openStore } = await import(${JSON.stringify(await builtLibrary())});
      const store = await openStore({ path: ${JSON.stringify(store.path)} });
      const events = store.events.follow(${JSON.stringify(threadId)}, 0);
      await events.next();
    `;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script]);
    onTestFinished(() => {
      child.kill('SIGKILL');
    });
    const [code] = (await once(child, 'exit')) as [number | null];
    expect(code).toBe(0);
  });
});
