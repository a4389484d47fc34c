import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import Driver from 'libsql';
import { describe, expect, it } from 'vitest';
import { withPrepared } from '../../src/areas/large-details.ts';
import type { Runner } from '../../src/areas/runner.ts';
import { saveItem } from '../../src/areas/runtime-items.ts';
import { needTurn } from '../../src/areas/runtime-rows.ts';
import { openDatabase } from '../../src/db/open.ts';
import { openStore, type Store } from '../../src/index.ts';
import { sweepBlobs } from '../../src/upkeep/repair.ts';
import { tempFolder, tempStore } from '../support/temp-store.ts';

/** Over a megabyte, with everything that a cut could damage. */
const LARGE = '🐋文"\\\n\0\ud83d é '.repeat(100_000);
const OTHER = `other ${LARGE}`;

async function started(store: Store) {
  const thread = await store.runtime.createThread({ workspace: '/w' });
  const turn = await store.runtime.startTurn(thread.id);
  return { thread, turn };
}

function query(path: string, sql: string): unknown[][] {
  const driver = new Driver(path, { readonly: true });
  const rows = driver.prepare(sql).raw().all() as unknown[][];
  driver.close();
  return rows;
}

const toldDetail = (payload: unknown) => (payload as { item: { detail?: string } }).item.detail;

describe('an item with a large detail', () => {
  it('is kept once, as the very bytes of its JSON, and its event gives it again', async () => {
    const store = await tempStore();
    const { thread, turn } = await started(store);
    const saved = await store.runtime.saveItem(turn.id, {
      kind: 'tool_call',
      status: 'completed',
      detail: LARGE,
      metadata: { a: 1 },
      details: { own: 'x' },
    });
    expect(saved.detail === LARGE).toBe(true);
    const text = JSON.stringify({ own: 'x', detail: LARGE, metadata: { a: 1 } });
    const bytes = Buffer.from(text);
    expect(query(store.path, 'select hash, size from blobs')).toEqual([
      [createHash('sha256').update(bytes).digest('hex'), bytes.length],
    ]);
    expect(await store.runtime.getItem(saved.id)).toEqual(saved);
    expect((await store.runtime.listItems(turn.id)).items).toEqual([saved]);
    const { items } = await store.events.tail(thread.id, 1);
    expect(items[0]).toMatchObject({ type: 'item.completed', itemId: saved.id });
    expect(toldDetail(items[0]?.payload) === LARGE).toBe(true);
    expect(items[0]?.payload).toMatchObject({ item: { own: 'x', metadata: { a: 1 } } });
    expect((await store.events.since(thread.id, 0)).items.at(-1)).toEqual(items[0]);
    expect((await store.check()).ok).toBe(true);
  });

  it('comes with an item that was open, and with turns, also inside a transaction', async () => {
    const store = await tempStore();
    const { thread, turn } = await started(store);
    const open = await store.runtime.saveItem(turn.id, {
      kind: 'tool_call',
      detail: 'begun',
      metadata: { kept: true },
    });
    const ended = await store.runtime.saveItem(turn.id, {
      id: open.id,
      status: 'completed',
      detail: LARGE,
    });
    expect(ended).toMatchObject({ metadata: { kept: true }, status: 'completed' });
    expect(ended.detail === LARGE).toBe(true);
    expect(await store.runtime.getItem(open.id)).toEqual(ended);
    const finished = {
      id: 'item_finished',
      kind: 'error',
      status: 'failed',
      detail: OTHER,
    } as const;
    await store.runtime.finishTurn(turn.id, { items: [finished] });
    const inside = await store.transaction(async (tx) => {
      const item = { kind: 'status', detail: LARGE } as const;
      const result = await tx.runtime.saveTurnWithItems(thread.id, { turn: {}, items: [item] });
      const [first] = result.items;
      expect(await tx.runtime.getItem(first?.id ?? '')).toEqual(first);
      return result.items;
    });
    expect(inside[0]?.detail === LARGE).toBe(true);
    const said = { kind: 'user_message', detail: OTHER } as const;
    const next = await store.runtime.startTurn(thread.id, { userItem: said });
    expect((await store.runtime.listItems(next.id)).items[0]?.detail === OTHER).toBe(true);
    expect((await store.runtime.getItem('item_finished')).detail === OTHER).toBe(true);
    const { items } = await store.events.since(thread.id, 0);
    const told = items.filter((event) => event.type === 'item.failed');
    expect(toldDetail(told[0]?.payload) === OTHER).toBe(true);
  });

  it('may stream: then it stays in its row until it ends', async () => {
    const store = await tempStore();
    const { turn } = await started(store);
    const open = await store.runtime.saveItem(turn.id, { kind: 'tool_call', detail: LARGE });
    expect(query(store.path, 'select count(*) from runtime_items where body_hash is null')).toEqual(
      [[1]],
    );
    const ended = await store.runtime.saveItem(turn.id, { id: open.id, status: 'completed' });
    expect(ended.detail === LARGE).toBe(true);
    expect((await store.runtime.getItem(open.id)).detail === LARGE).toBe(true);
  });

  it('does no harm when it is saved again, and cannot become another one', async () => {
    const store = await tempStore();
    const { thread, turn } = await started(store);
    const item = { id: 'item_1', kind: 'tool_call', status: 'completed', detail: LARGE } as const;
    const first = await store.runtime.saveItem(turn.id, item);
    expect(await store.runtime.saveItem(turn.id, item)).toEqual(first);
    const changed = store.runtime.saveItem(turn.id, { ...item, detail: OTHER });
    await expect(changed).rejects.toMatchObject({ code: 'CONFLICT' });
    expect((await store.events.since(thread.id, 0)).items).toHaveLength(2);
  });

  it('that is rolled back leaves nothing', async () => {
    const store = await tempStore();
    const { turn } = await started(store);
    const item = { kind: 'tool_call', status: 'completed', detail: LARGE } as const;
    const broken = store.transaction(async (tx) => {
      await tx.runtime.saveItem(turn.id, item);
      throw new Error('not so');
    });
    await expect(broken).rejects.toThrow('not so');
    expect(query(store.path, 'select count(*) from blob_chunks')).toEqual([[0]]);
    // Outside of one only pieces that nothing refers to are left, which a sweep drops.
    await expect(store.runtime.saveItem('turn_none', item)).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
    await store.repair();
    expect(query(store.path, 'select count(*) from blob_chunks')).toEqual([[0]]);
  });

  it('is stored again where a sweep has taken what was prepared', async () => {
    const store = await tempStore();
    const { turn } = await started(store);
    const stamper = { now: Date.now };
    const database = await openDatabase(
      store.path,
      { durability: 'normal', readOnly: false },
      stamper.now,
    );
    const runner: Runner = {
      read: (job) => database.read(job),
      write: (job) => database.write(stamper, job),
    };
    const item = { kind: 'tool_call', status: 'completed', detail: LARGE } as const;
    const { id } = await withPrepared(runner, [item], 'in_progress', async ([prepared]) => {
      expect(query(store.path, 'select count(*) from blobs')).toEqual([[1]]);
      expect(await sweepBlobs(database, stamper)).toBe(1);
      return runner.write((transaction) => {
        const { item } = saveItem(transaction, needTurn(transaction, turn.id), prepared);
        return item;
      });
    });
    await database.close();
    expect((await store.runtime.getItem(id)).detail === LARGE).toBe(true);
    expect((await store.check()).ok).toBe(true);
  });

  it('is gone from its event, too, once it is purged', async () => {
    const store = await tempStore();
    const { thread, turn } = await started(store);
    const item = { kind: 'tool_call', status: 'completed', detail: LARGE } as const;
    const { id } = await store.runtime.saveItem(turn.id, item);
    await store.runtime.finishTurn(turn.id);
    await store.purge(thread.id);
    await store.repair();
    expect(query(store.path, 'select count(*) from blobs')).toEqual([[0]]);
    await expect(store.runtime.getItem(id)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('is found by its beginning after an import, and leaves with its event', async () => {
    const store = await tempStore();
    const { turn } = await started(store);
    const detail = `searchable ${LARGE.toWellFormed()}`;
    const item = { kind: 'tool_call', status: 'completed', detail } as const;
    await store.runtime.saveItem(turn.id, item);
    const folder = join(tempFolder(), 'legacy');
    await store.export(folder, { format: 'legacy' });
    const events = join(folder, 'tasks/runtime/events');
    const [log = ''] = readdirSync(events);
    const lines = readFileSync(join(events, log), 'utf8').trim().split('\n');
    const last = JSON.parse(lines.at(-1) ?? '') as { payload: unknown };
    expect(toldDetail(last.payload) === detail).toBe(true);

    const copy = await tempStore();
    await copy.import([folder]);
    expect((await copy.search('searchable')).items).toHaveLength(1);
    await copy.repair();
    expect((await copy.search('searchable')).items).toHaveLength(1);
  });
});

describe('an event with a large payload', () => {
  it('is read again as it was, in the order of the events', async () => {
    const path = join(tempFolder(), 'store.db');
    const store = await openStore({ path });
    const { thread } = await started(store);
    const payloads = [{ text: LARGE }, { item: { detail: { body_hash: 'no blob' } } }, OTHER, null];
    const appended = await store.events.append(
      thread.id,
      payloads.map((payload) => ({ type: 'own', payload })),
    );
    await store.close();
    const again = await openStore({ path });
    const { items } = await again.events.tail(thread.id, payloads.length);
    expect(items).toEqual(appended);
    expect(items.map(({ payload }) => payload)).toEqual(payloads);
    await again.close();
  });

  it('is kept as the very bytes of its JSON, whatever becomes of the value meanwhile', async () => {
    const store = await tempStore();
    const { thread } = await started(store);
    const payload = {
      [`\0${'k'.repeat(70_000)}`]: [LARGE, 'short', '\0', { deep: [LARGE, null, 1.5] }],
      __proto__: null,
      text: OTHER,
    };
    const bytes = Buffer.from(JSON.stringify(payload));
    const appending = store.events.append(thread.id, [{ type: 'own', payload }]);
    payload.text = 'changed';
    await appending;
    expect(query(store.path, 'select hash, size from blobs')).toEqual([
      [createHash('sha256').update(bytes).digest('hex'), bytes.length],
    ]);
  });

  it('keeps its place among those that are appended after it', async () => {
    const store = await tempStore();
    const { thread } = await started(store);
    const other = await started(store);
    const append = (type: string, payload: unknown, id = thread.id) =>
      store.events.append(id, [{ type, payload }]);
    await Promise.all([
      append('first', { text: LARGE }),
      append('second', 'small'),
      append('elsewhere', 'small', other.thread.id),
      append('third', { text: OTHER }),
      append('fourth', 'small'),
    ]);
    const { items } = await store.events.tail(thread.id, 4);
    expect(items.map(({ type }) => type)).toEqual(['first', 'second', 'third', 'fourth']);
  });

  it('holds up nobody where it is refused', async () => {
    const store = await tempStore();
    const { thread } = await started(store);
    const append = (id: string, payload: unknown) =>
      store.events.append(id, [{ type: 'own', payload }]);
    const results = await Promise.allSettled([
      append('thr_none', LARGE),
      append('thr_none', 'small'),
      append(thread.id, LARGE),
    ]);
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled']);
    expect(await append(thread.id, 'small')).toHaveLength(1);
  });
});

describe('a large message', () => {
  it('is kept as the very bytes of its JSON, found, and read again', async () => {
    const store = await tempStore();
    const { id } = await store.sessions.create({ workspace: '/w' });
    const message = { role: 'user', content: `searchable ${LARGE}`, own: [LARGE, null] };
    const [first = ''] = await store.sessions.appendMessages(id, [message]);
    const content = [{ type: 'text', text: message.content }];
    const bytes = Buffer.from(JSON.stringify({ ...message, content }));
    expect(query(store.path, 'select hash, size from blobs')).toEqual([
      [createHash('sha256').update(bytes).digest('hex'), bytes.length],
    ]);
    const { items } = await store.sessions.messages(id);
    expect(items).toMatchObject([{ id: first, parentId: null, role: 'user' }]);
    expect(items[0]?.content).toEqual(content);
    expect((await store.search('searchable')).items).toHaveLength(1);
    const copy = await store.sessions.fork(id);
    const copied = (await store.sessions.messages(copy.id)).items;
    expect(copied[0]?.content).toEqual(content);
    expect(query(store.path, 'select count(*) from blobs')).toEqual([[1]]);
    await store.purge(id);
    await expect(store.sessions.messages(id)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('is followed by what is said after it, also where nobody waits', async () => {
    const store = await tempStore();
    const { id } = await store.sessions.create({ workspace: '/w' });
    const said = (content: string) => ({ role: 'user', content });
    const ids = await Promise.all([
      store.sessions.appendMessages(id, [said('first'), said(LARGE)]),
      store.sessions.appendMessages(id, [said('then')]),
      store.sessions.appendMessages(id, [said(OTHER)]),
    ]);
    const inside = await store.transaction((tx) =>
      tx.sessions.appendMessages(id, [said(OTHER), said('last')]),
    );
    const { items } = await store.sessions.messages(id);
    expect(items.map((message) => message.id)).toEqual([...ids.flat(), ...inside]);
    const texts = items.map(({ content }) => (content as { text: string }[])[0]?.text);
    expect(texts).toEqual(['first', LARGE, 'then', OTHER, OTHER, 'last']);
  });
});
