import { describe, expect, it } from 'vitest';
import { Database } from '../../src/db/database.ts';
import type { Store, ThreadMessage } from '../../src/index.ts';
import { tempStore } from '../support/temp-store.ts';
import { allRefused } from '../support/all-refused.ts';

async function setup(): Promise<Store> {
  const store = await tempStore();
  await store.threads.upsert({ id: 't1', cwd: '/w', updatedAt: '2026-08-18T09:00:00Z' });
  return store;
}

async function say(store: Store, ...texts: string[]): Promise<string[]> {
  const ids: string[] = [];
  for (const content of texts) {
    ids.push((await store.threads.appendMessage('t1', { role: 'user', content })).id);
  }
  return ids;
}

const texts = (messages: readonly ThreadMessage[]) => messages.map((message) => message.content);

describe('messages of a thread', () => {
  it('follow each other, with any item, and leave the thread untouched', async () => {
    const store = await setup();
    const item = { model: 'm', big: 1.5, nested: [null, '\u0000 \ud83d'] };
    await say(store, 'why? \u0000 🐳');
    const answer = await store.threads.appendMessage('t1', {
      role: 'assistant',
      content: 'x'.repeat(10_000),
      item,
    });
    const { items, nextCursor } = await store.threads.messages('t1');
    expect(items[0]).toMatchObject({ parentId: null, content: 'why? \u0000 🐳', item: null });
    expect(items[1]).toEqual(answer);
    expect(answer).toMatchObject({ threadId: 't1', parentId: items[0]?.id, item });
    expect(nextCursor).toBeNull();
    expect((await store.threads.get('t1')).updatedAt).toBe('2026-08-18T09:00:00.000Z');
    const unknown = store.threads.appendMessage('t2', { role: 'user', content: '' });
    await expect(unknown).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('follow each other also where nobody waits between the calls', async () => {
    const store = await setup();
    const say = (content: string) => store.threads.appendMessage('t1', { role: 'user', content });
    await Promise.all(['a', 'b', 'c', 'd'].map(say));
    expect(texts((await store.threads.messages('t1')).items).join('')).toBe('abcd');
    expect(await store.threads.leaves('t1')).toHaveLength(1);
  });

  it('come in pages from the newest back, each oldest first', async () => {
    const store = await setup();
    await say(store, 'a', 'b', 'c', 'd', 'e');
    const first = await store.threads.messages('t1', { limit: 2 });
    expect(texts(first.items)).toEqual(['d', 'e']);
    await say(store, 'f');
    const second = await store.threads.messages('t1', { limit: 2, cursor: first.nextCursor });
    expect(texts(second.items)).toEqual(['b', 'c']);
    const third = await store.threads.messages('t1', { limit: 2, cursor: second.nextCursor });
    expect(texts(third.items)).toEqual(['a']);
    expect(third.nextCursor).toBeNull();
    const wrong = store.threads.messages('t1', { cursor: 'bm8' });
    await expect(wrong).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  });

  it('branch where a fork begins', async () => {
    const store = await setup();
    const [a = '', b = ''] = await say(store, 'a', 'b');
    const fork = await store.threads.forkAt('t1', a, { role: 'user', content: 'other' });
    expect(fork.parentId).toBe(a);
    expect(texts((await store.threads.messages('t1')).items)).toEqual(['a', 'other']);
    expect(texts((await store.threads.messages('t1', { leaf: b })).items)).toEqual(['a', 'b']);
    expect(
      (await store.threads.leaves('t1')).map((leaf) => [
        leaf.leaf,
        leaf.messageCount,
        leaf.current,
      ]),
    ).toEqual([
      [fork.id, 2, true],
      [b, 2, false],
    ]);
    await store.threads.setLeaf('t1', b);
    await say(store, 'c');
    expect(texts((await store.threads.messages('t1')).items)).toEqual(['a', 'b', 'c']);
    await store.threads.setLeaf('t1', null);
    expect((await store.threads.messages('t1')).items).toEqual([]);
    await say(store, 'anew');
    expect(texts((await store.threads.messages('t1')).items)).toEqual(['anew']);
    expect(await store.threads.leaves('t1')).toHaveLength(3);
  });

  it('of another thread are refused', async () => {
    const store = await setup();
    const [a = ''] = await say(store, 'a');
    await store.threads.upsert({ id: 't2', cwd: '/w' });
    const calls = [
      store.threads.setLeaf('t2', a),
      store.threads.messages('t2', { leaf: a }),
      store.threads.forkAt('t2', a, { role: 'user', content: '' }),
    ];
    await allRefused(calls, 'NOT_FOUND');
  });

  it('end a walk that an imported file made a circle, and a leaf that points nowhere', async () => {
    const store = await setup();
    const database = new Database(store.path, { durability: 'normal', readOnly: false });
    await database.write({ now: Date.now }, (transaction) => {
      const row = { device: 'import', thread_id: 't1', role: 'user', created_at: 0 };
      const body = (content: string) => JSON.stringify({ content, item_json: null });
      transaction.insertPlain('thread_messages', [
        { ...row, id: 'c', parent_id: 'b', body: body('c') },
        { ...row, id: 'b', parent_id: 'a', body: body('b') },
        { ...row, id: 'a', parent_id: 'b', body: body('a') },
      ]);
      transaction.run(`insert into thread_leaves (thread_id, leaf_id) values ('t1', 'gone')`);
    });
    await database.close();
    expect((await store.threads.messages('t1')).items).toEqual([]);
    const page = await store.threads.messages('t1', { leaf: 'c', limit: 2 });
    expect(texts(page.items)).toEqual(['b', 'c']);
    const rest = await store.threads.messages('t1', { limit: 2, cursor: page.nextCursor });
    expect(texts(rest.items)).toEqual(['a']);
    expect(rest.nextCursor).toBeNull();
    expect((await store.threads.leaves('t1'))[0]).toMatchObject({ leaf: 'c', messageCount: 3 });
    expect((await store.threads.appendMessage('t1', { role: 'user', content: 'd' })).parentId).toBe(
      null,
    );
  });
});

describe('checkpoints of a thread', () => {
  it('are saved over each other, listed newest first, and deleted one by one', async () => {
    let now = 1_700_000_000_000;
    const store = await tempStore({ clock: () => now });
    await store.threads.upsert({ id: 't1', cwd: '/w' });
    expect(await store.threads.loadCheckpoint('t1')).toBeNull();
    await store.threads.saveCheckpoint('t1', 'latest', { reason: 'a' });
    now += 1;
    await store.threads.saveCheckpoint('t1', 'mark', ['any', null]);
    now += 1;
    const saved = await store.threads.saveCheckpoint('t1', 'latest', { state: 'x'.repeat(9000) });
    expect(await store.threads.loadCheckpoint('t1')).toEqual({
      ...saved,
      state: { state: 'x'.repeat(9000) },
    });
    expect((await store.threads.loadCheckpoint('t1', 'mark'))?.state).toEqual(['any', null]);
    const first = await store.threads.listCheckpoints('t1', { limit: 1 });
    expect(first.items).toEqual([saved]);
    const second = await store.threads.listCheckpoints('t1', { cursor: first.nextCursor });
    expect(second.items.map((checkpoint) => checkpoint.id)).toEqual(['mark']);
    await store.threads.deleteCheckpoint('t1', 'latest');
    expect(await store.threads.loadCheckpoint('t1', 'latest')).toBeNull();
    expect((await store.threads.loadCheckpoint('t1'))?.id).toBe('mark');
    const again = store.threads.deleteCheckpoint('t1', 'latest');
    await expect(again).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await store.threads.saveCheckpoint('t1', 'latest', null);
    expect((await store.threads.loadCheckpoint('t1', 'latest'))?.state).toBeNull();
  });
});

describe('tools of a thread', () => {
  it('are replaced as a whole and keep their order', async () => {
    const store = await setup();
    expect(await store.threads.tools('t1')).toEqual([]);
    await store.threads.setTools('t1', [
      { name: 'b', description: 'second\u0000', inputSchema: { type: 'object' } },
      { name: 'a', inputSchema: '{"not":"parsed"}' },
    ]);
    expect(await store.threads.tools('t1')).toEqual([
      { name: 'b', description: 'second\u0000', inputSchema: { type: 'object' } },
      { name: 'a', description: null, inputSchema: '{"not":"parsed"}' },
    ]);
    await store.threads.setTools('t1', []);
    expect(await store.threads.tools('t1')).toEqual([]);
  });
});
