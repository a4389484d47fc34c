import { describe, expect, it } from 'vitest';
import { Database } from '../../src/db/database.ts';
import type { Transaction } from '../../src/db/transaction.ts';
import { threadCheckpoints, threads } from '../../src/model/registers.ts';
import type { Store } from '../../src/index.ts';
import { expectIndexed, statementLog } from '../support/query-plans.ts';
import { tempStore } from '../support/temp-store.ts';
import { allRefused } from '../support/all-refused.ts';

const START = Date.parse('2026-08-18T09:00:00Z');

/** A store whose clock stands still until it is told. */
async function setup() {
  const clock = { now: START };
  const log = statementLog();
  const store = await tempStore({ clock: () => clock.now, logger: log.logger });
  return { store, clock, log };
}

/** Writes rows as the importer leaves them. */
async function writeRaw(store: Store, job: (transaction: Transaction) => void): Promise<void> {
  const database = new Database(store.path, { durability: 'normal', readOnly: false });
  try {
    await database.write({ now: () => START }, job);
  } finally {
    await database.close();
  }
}

const LEGACY_ROW =
  '{"id":"t1","rollout_path":"/r.jsonl","preview":"old","ephemeral":0,"model_provider":"deepseek",' +
  '"created_at":1789000000,"updated_at":1789000600,"status":"idle","cwd":"/w","source":"interactive",' +
  '"title":"Old","archived":0,"archived_at":null,"git_sha":"abc","big":9007199254740993,"current_leaf_id":2}';

function importedThread(transaction: Transaction): void {
  const row = {
    id: 't1',
    title: 'Loader',
    preview: 'fix the loader',
    model_provider: 'deepseek',
    cwd: '/w',
    source: 'interactive',
    status: 'idle',
    archived: 0,
    archived_at: null,
    deleted_at: null,
    created_at: START,
    updated_at: START,
    tools:
      '[{"name":"grep","description":null,"inputSchema":"{\\"type\\":\\"object\\"}","position":0,"legacy":true}]',
    body: LEGACY_ROW,
    body_hash: null,
  };
  transaction.insert(threads, row, { ms: START, device: 'import' });
}

describe('threads', () => {
  it('makes a thread from little and gives back what was given', async () => {
    const { store } = await setup();
    await expect(store.threads.upsert({ id: 't1' })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
    });
    const made = await store.threads.upsert({ id: 't1', cwd: '/w', details: { git_sha: 'abc' } });
    expect(made).toEqual({
      id: 't1',
      title: null,
      preview: '',
      modelProvider: 'unknown',
      cwd: '/w',
      source: 'unknown',
      status: 'idle',
      archived: false,
      archivedAt: null,
      createdAt: '2026-08-18T09:00:00.000Z',
      updatedAt: '2026-08-18T09:00:00.000Z',
      deletedAt: null,
      device: made.device,
      details: { git_sha: 'abc' },
    });
    expect(await store.threads.get('t1')).toEqual(made);
    await expect(store.threads.get('t2')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('keeps every field that an upsert does not give', async () => {
    const { store, clock } = await setup();
    await store.threads.upsert({
      id: 't1',
      cwd: '/w',
      title: 'Loader\u0000',
      preview: 'fix it',
      modelProvider: 'deepseek',
      source: 'api',
      details: { rollout_path: '/r', memory_mode: 'on' },
    });
    await store.threads.archive('t1');
    await store.threads.setTools('t1', [{ name: 'grep', inputSchema: { type: 'object' } }]);
    clock.now += 1000;
    const before = await store.threads.get('t1');
    const after = await store.threads.upsert({ id: 't1', details: { memory_mode: null } });
    expect(after).toEqual({
      ...before,
      updatedAt: '2026-08-18T09:00:01.000Z',
      details: { rollout_path: '/r', memory_mode: null },
    });
    expect(after.title).toBe('Loader\u0000');
    expect(await store.threads.tools('t1')).toHaveLength(1);
    expect((await store.threads.upsert({ id: 't1', title: null })).title).toBeNull();
    const hidden = store.threads.upsert({ id: 't1', details: { status: 'idle' } });
    await expect(hidden).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  });

  it('reads imported rows and keeps their spelling through an upsert', async () => {
    const { store } = await setup();
    await writeRaw(store, (transaction) => {
      importedThread(transaction);
      const message = { device: 'import', thread_id: 't1', created_at: START, body_hash: null };
      transaction.insertPlain('thread_messages', [
        {
          ...message,
          id: 'm1',
          parent_id: null,
          role: 'user',
          body: '{"id":1,"thread_id":"t1","content":"why?","item_json":null}',
        },
        {
          ...message,
          id: 'm2',
          parent_id: 'm1',
          role: 'assistant',
          body: '{"id":2,"content":"{\\"model\\":\\"m\\"}","item_json":"{\\"model\\":\\"m\\"}"}',
        },
        {
          ...message,
          id: 'm3',
          parent_id: 'm2',
          role: 'assistant',
          body: '{"id":3,"content":"","item_json":"not json"}',
        },
      ]);
      transaction.run(`insert into thread_leaves (thread_id, leaf_id) values ('t1', 'm3')`);
      transaction.insert(threadCheckpoints, {
        id: 't1/latest',
        thread_id: 't1',
        checkpoint_id: 'latest',
        created_at: START,
        deleted_at: null,
        body: '{"thread_id":"t1","checkpoint_id":"latest","state_json":"{\\"reason\\":\\"x\\"}"}',
        body_hash: null,
      });
    });
    const thread = await store.threads.get('t1');
    expect(thread.title).toBe('Loader');
    expect(thread.device).toBe('import');
    expect(thread.details).toMatchObject({
      rollout_path: '/r.jsonl',
      git_sha: 'abc',
      ephemeral: 0,
    });
    expect(Object.keys(thread.details)).toEqual(['rollout_path', 'ephemeral', 'git_sha', 'big']);
    await store.threads.upsert({ id: 't1', details: { git_sha: 'def' } });
    await writeRaw(store, (transaction) => {
      const row = transaction.first<{ body: string }>(['body'], `from threads where id = 't1'`);
      expect(row?.body).toBe(LEGACY_ROW.replace('"abc"', '"def"'));
    });
    const { items } = await store.threads.messages('t1');
    expect(items.map((message) => message.item)).toEqual([null, { model: 'm' }, 'not json']);
    expect(items[0]?.content).toBe('why?');
    expect(await store.threads.tools('t1')).toEqual([
      { name: 'grep', description: null, inputSchema: { type: 'object' } },
    ]);
    expect((await store.threads.loadCheckpoint('t1'))?.state).toEqual({ reason: 'x' });
  });

  it('archives and brings back without a change of updatedAt', async () => {
    const { store, clock } = await setup();
    await store.threads.upsert({ id: 't1', cwd: '/w', status: 'running' });
    clock.now += 1000;
    const archived = await store.threads.archive('t1');
    expect(archived).toMatchObject({
      archived: true,
      status: 'archived',
      archivedAt: '2026-08-18T09:00:01.000Z',
      updatedAt: '2026-08-18T09:00:00.000Z',
    });
    clock.now += 1000;
    expect(await store.threads.archive('t1')).toEqual(archived);
    expect(await store.threads.unarchive('t1')).toMatchObject({
      archived: false,
      status: 'idle',
      archivedAt: null,
      updatedAt: '2026-08-18T09:00:00.000Z',
    });
    await store.threads.upsert({ id: 't1', status: 'failed' });
    expect((await store.threads.unarchive('t1')).status).toBe('failed');
  });

  it('hides a deleted thread with its children until an upsert brings it back', async () => {
    const { store } = await setup();
    await store.threads.upsert({ id: 't1', cwd: '/w', title: 'Loader' });
    await store.threads.appendMessage('t1', { role: 'user', content: 'hello' });
    await store.threads.saveCheckpoint('t1', 'latest', { a: 1 });
    await store.goals.upsert({ scope: 'thread', ownerId: 't1', objective: 'green' });
    const deleted = await store.threads.delete('t1');
    expect(deleted.deletedAt).not.toBeNull();
    expect(await store.threads.get('t1')).toEqual(deleted);
    expect((await store.threads.list({ archived: 'include' })).items).toEqual([]);
    expect((await store.threads.list({ deleted: true })).items).toHaveLength(1);
    expect(await store.threads.findByName('Loader')).toBeNull();
    expect((await store.goals.list()).items).toEqual([]);
    const calls = [
      store.threads.messages('t1'),
      store.threads.leaves('t1'),
      store.threads.tools('t1'),
      store.threads.loadCheckpoint('t1'),
      store.threads.listCheckpoints('t1'),
      store.threads.appendMessage('t1', { role: 'user', content: 'more' }),
      store.threads.archive('t1'),
      store.goals.get('thread', 't1'),
    ];
    await allRefused(calls, 'NOT_FOUND');
    expect((await store.threads.upsert({ id: 't1' })).title).toBe('Loader');
    expect((await store.threads.messages('t1')).items).toHaveLength(1);
    expect((await store.goals.list()).items).toHaveLength(1);
  });

  it('does not bring back a thread that was emptied for good', async () => {
    const { store } = await setup();
    await store.threads.upsert({ id: 't1', cwd: '/w' });
    await writeRaw(store, (transaction) => {
      transaction.update(threads, 't1', { body: 'null', deleted_at: START, purged_at: START });
    });
    await expect(store.threads.upsert({ id: 't1' })).rejects.toMatchObject({ code: 'CONFLICT' });
    await expect(store.threads.get('t1')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('finds the thread updated last under a name in any case', async () => {
    const { store, clock } = await setup();
    await store.threads.upsert({ id: 't1', cwd: '/w', title: 'Loader Work' });
    clock.now += 1;
    await store.threads.upsert({ id: 't2', cwd: '/w', title: 'LOADER work' });
    clock.now += 1;
    await store.threads.upsert({ id: 't3', cwd: '/w', title: 'other' });
    expect((await store.threads.findByName('loader work'))?.id).toBe('t2');
    await store.threads.archive('t2');
    await store.threads.upsert({ id: 't1', updatedAt: '2026-08-18T10:00:00Z' });
    expect((await store.threads.findByName('loader work'))?.id).toBe('t1');
    await store.threads.delete('t1');
    expect((await store.threads.findByName('loader work'))?.id).toBe('t2');
    expect(await store.threads.findByName('load')).toBeNull();
  });

  it('reads every list by an index', async () => {
    const { store, log } = await setup();
    await store.threads.upsert({ id: 't1', cwd: '/w' });
    await store.threads.upsert({ id: 't2', cwd: '/w' });
    for (const id of ['t3', 't4']) {
      await store.threads.upsert({ id, cwd: '/w' });
      await store.threads.archive(id);
    }
    await store.threads.appendMessage('t1', { role: 'user', content: 'hello' });
    log.take();
    for (const archived of ['exclude', 'only', 'include'] as const) {
      for (const cwd of [undefined, '/w']) {
        const { nextCursor } = await store.threads.list({ archived, cwd, limit: 1 });
        expect(nextCursor).not.toBeNull();
        const since = '2026-08-01T00:00:00Z';
        await store.threads.list({ archived, cwd, since, cursor: nextCursor ?? '' });
      }
    }
    await store.threads.list({ deleted: true });
    await store.threads.findByName('x');
    await store.threads.messages('t1');
    await store.threads.leaves('t1');
    await store.threads.listCheckpoints('t1');
    await store.threads.loadCheckpoint('t1');
    await store.threads.loadCheckpoint('t1', 'latest');
    expectIndexed(store.path, log.take());
  });
});
