import { cpSync, mkdirSync, readFileSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { Store } from '../../src/index.ts';
import { tempFolder, tempStore } from '../support/temp-store.ts';

/** Saves a file of a home's checkpoints folder, later than those before. */
let minute = 0;
function save(home: string, name: string, record: object): void {
  const folder = join(home, 'sessions', 'checkpoints');
  mkdirSync(folder, { recursive: true });
  const time = new Date(Date.UTC(2026, 1, 20, 10, minute++));
  writeFileSync(join(folder, name), JSON.stringify(record));
  utimesSync(join(folder, name), time, time);
}

function saveQueue(home: string, display: string, more: object = { session_id: null }): void {
  save(home, 'offline_queue.json', { schema_version: 1, ...more, messages: [{ display }] });
}

function saveCheckpoint(home: string, name: string, title: string): void {
  const at = '2026-02-20T10:00:00Z';
  const metadata = { id: 'sx', title, created_at: at, updated_at: at, message_count: 0 };
  const rest = { total_tokens: 0, model: 'm', workspace: '/w' };
  save(home, `${name}.json`, { metadata: { ...metadata, ...rest }, messages: [] });
}

/** Name and text of every file that an export writes of checkpoints and queues. */
async function exported(store: Store): Promise<Map<string, string>> {
  const out = join(tempFolder(), 'out');
  await store.export(out, { format: 'legacy' });
  const folder = join(out, 'sessions', 'checkpoints');
  return new Map(
    readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), 'utf8')]),
  );
}

it('unsent input and checkpoints of two homes stand beside each other, and each goes on', async () => {
  const [a, b] = [tempFolder(), tempFolder()];
  for (const [home, name] of [
    [a, 'A'],
    [b, 'B'],
  ] as const) {
    saveQueue(home, `queued in ${name}`);
    saveCheckpoint(home, 'sx', `checkpoint ${name}`);
  }
  const store = await tempStore();
  expect((await store.import([a, b])).totals).toMatchObject({ imported: 4, updated: 0 });
  expect((await store.import([b, a])).totals).toMatchObject({ imported: 0, updated: 0 });
  expect((await store.checkpoints.load('sx'))?.['metadata']).toMatchObject({
    title: 'checkpoint A',
  });
  const texts = async () => [...(await exported(store)).values()].join();
  for (const text of ['queued in A', 'queued in B', 'checkpoint A', 'checkpoint B']) {
    expect(await texts()).toContain(text);
  }
  saveQueue(b, 'more of B');
  saveQueue(a, 'more of A');
  saveCheckpoint(b, 'sx', 'another of B');
  expect((await store.import([a, b])).totals).toMatchObject({ imported: 0, updated: 3 });
  expect((await store.offlineQueue.list()).items).toHaveLength(2);
  const now = await texts();
  for (const text of ['more of A', 'more of B', 'checkpoint A', 'another of B']) {
    expect(now).toContain(text);
  }
  expect(now).not.toContain('queued in');
  expect(now).not.toContain('checkpoint B');
});

it('a purge takes the unsent input of every home', async () => {
  const [a, b] = [tempFolder(), tempFolder()];
  saveQueue(a, 'queued in A', { session_id: 's1' });
  saveQueue(b, 'queued in B', { session_id: 's1' });
  const store = await tempStore();
  await store.sessions.create({ id: 's1', workspace: '/w' });
  await store.import([a, b]);
  expect((await store.offlineQueue.list()).items).toHaveLength(2);
  await store.purge('s1');
  expect((await store.offlineQueue.list()).items).toEqual([]);
});

it('the latest checkpoint of a home has that slot where no other home filled it, and keeps it', async () => {
  const [empty, home, other] = [tempFolder(), tempFolder(), tempFolder()];
  saveCheckpoint(home, 'latest', 'one');
  const store = await tempStore();
  await store.import([empty, home]);
  expect([...(await exported(store)).keys()]).toEqual(['latest.json']);
  saveCheckpoint(home, 'latest', 'two');
  saveCheckpoint(other, 'latest', 'of another');
  saveCheckpoint(empty, 'latest', 'of the first');
  await store.import([empty, home, other]);
  const files = await exported(store);
  expect(files.size).toBe(3);
  expect(files.get('latest.json')).toContain('two');
});

it('a queue comes out as it came in, without members that it lacks', async () => {
  const home = tempFolder();
  save(home, 'offline_queue.json', {});
  const store = await tempStore();
  await store.import([home]);
  const file = (await exported(store)).get('offline_queue.json') ?? '';
  expect(JSON.parse(file)).toEqual({});
});

it('what was cleared does not come back with a copy of its home', async () => {
  const [a, b] = [tempFolder(), tempFolder()];
  const copyOf = (home: string) => {
    const copy = join(tempFolder(), 'copy');
    cpSync(home, copy, { recursive: true });
    return copy;
  };
  for (const home of [a, b]) {
    saveQueue(home, `queued in ${home}`);
    saveCheckpoint(home, 'sx', `checkpoint ${home}`);
  }
  const store = await tempStore();
  await store.import([a, b]);
  const former = copyOf(a);
  saveQueue(a, 'more in A');
  await store.import([a]);
  for (const { sessionId } of (await store.offlineQueue.list()).items) {
    await store.offlineQueue.clear(sessionId);
  }
  for (const { id } of (await store.checkpoints.list()).items) await store.checkpoints.clear(id);

  for (const home of [copyOf(a), former, copyOf(b), a, b]) {
    expect((await store.import([home])).totals).toMatchObject({ imported: 0, updated: 0 });
  }

  expect((await store.offlineQueue.list()).items).toEqual([]);
  expect((await store.checkpoints.list()).items).toEqual([]);
});

it('a home in which the same is typed once more brings it once more', async () => {
  const home = tempFolder();
  const store = await tempStore();
  const inputs = ['go on', 'stop', 'go on'];
  for (const display of inputs) {
    saveQueue(home, display);
    await store.import([home]);
    expect(await store.offlineQueue.load('')).toMatchObject({ messages: [{ display }] });
    await store.offlineQueue.clear('');
  }
});
