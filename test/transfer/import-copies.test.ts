import { createHash } from 'node:crypto';
import {
  appendFileSync,
  cpSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import Driver from 'libsql';
import { describe, expect, it } from 'vitest';
import type { Store } from '../../src/index.ts';
import { FileHub } from '../support/file-hub.ts';
import { legacyHome } from '../support/legacy-home.ts';
import { syncDevice } from '../support/sync-device.ts';
import { tempFolder, tempStore } from '../support/temp-store.ts';

/** A copy as `cp -r` and `git checkout` make it: every file with another time. */
function copyOf(home: string, time: Date): string {
  const copy = join(tempFolder(), 'copy');
  cpSync(home, copy, { recursive: true });
  for (const name of readdirSync(copy, { recursive: true, encoding: 'utf8' })) {
    utimesSync(join(copy, name), time, time);
  }
  return copy;
}

async function rowsOf(store: Store): Promise<Record<string, number>> {
  const { tables } = await store.sync.verify();
  return Object.fromEntries(Object.entries(tables).map(([name, { rows }]) => [name, rows]));
}

async function digestsOf(store: Store): Promise<Record<string, string>> {
  const { tables } = await store.sync.verify();
  return Object.fromEntries(Object.entries(tables).map(([name, { digest }]) => [name, digest]));
}

const LATER = new Date('2026-11-20T10:00:00Z');
const LATEST = new Date('2026-11-21T10:00:00Z');
const SMALL = '--sessions 4 --threads 4 --turns 1 --items 2 --events 40 --tasks 8 --audit 20';

const homeOf = (seed: string, ...more: string[]) =>
  legacyHome('--seed', seed, '--state-threads', '4', ...SMALL.split(' '), ...more).home;

async function twoDevices() {
  const hub = new FileHub({ path: join(tempFolder(), 'hub.db') });
  return [await syncDevice('a', hub), await syncDevice('b', hub)] as const;
}

describe('copies of a home whose files have other times', () => {
  it('give the same rows in two stores, versions included', async () => {
    const { home } = legacyHome('--seed', '81', ...SMALL.split(' '), '--sessions', '6', '--faults');
    const [a, b] = [await tempStore(), await tempStore()];
    await a.import([home]);
    await b.import([copyOf(home, LATER)]);
    const rows = await rowsOf(a);
    expect(rows['legacy_records']).toBeGreaterThan(10);
    expect(rows['artifacts']).toBeGreaterThan(0);
    expect(await rowsOf(b)).toEqual(rows);
    expect(await digestsOf(b)).toEqual(await digestsOf(a));
  });

  it('change nothing in a store that has one', async () => {
    const { home } = legacyHome('--seed', '85', ...SMALL.split(' '), '--sessions', '6', '--faults');
    const store = await tempStore();
    const first = await store.import([home]);
    const before = await digestsOf(store);
    const counts = (await store.stats()).counts;
    const again = await store.import([copyOf(home, LATER)]);
    expect(again.totals).toMatchObject({ imported: 0, updated: 0, found: first.totals.found });
    expect(await digestsOf(store)).toEqual(before);
    const after = (await store.stats()).counts;
    for (const [table, rows] of Object.entries(counts)) {
      if (!table.startsWith('import_')) expect(after[table], table).toBe(rows);
    }
  });

  it('make no duplicates and no conflicts on devices that join with one each', async () => {
    const [first, second] = [homeOf('83'), homeOf('84')];
    const [a, b] = await twoDevices();
    await a.store.import([first, second]);
    await b.store.import([copyOf(first, LATER), copyOf(second, LATEST)]);
    const before = await rowsOf(a.store);
    expect(await rowsOf(b.store)).toEqual(before);
    for (const one of [a, b, a, b]) await one.sync();
    for (const { store } of [a, b]) {
      expect(await rowsOf(store)).toEqual(before);
      expect((await store.sync.conflicts()).items).toEqual([]);
    }
    expect(await digestsOf(b.store)).toEqual(await digestsOf(a.store));
  });

  it('make no duplicates where one of them has another home besides', async () => {
    const [first, second] = [homeOf('86'), homeOf('87')];
    const [a, b] = await twoDevices();
    await a.store.import([first, copyOf(second, LATER)]);
    await b.store.import([second]);
    const before = await rowsOf(a.store);
    for (const one of [a, b, a, b]) await one.sync();
    for (const { store } of [a, b]) expect(await rowsOf(store)).toEqual(before);
    expect(await digestsOf(b.store)).toEqual(await digestsOf(a.store));
  });

  it('are known in a store that was filled when files went by their place and time', async () => {
    const [first, second] = [homeOf('88'), homeOf('89')];
    const store = await tempStore();
    await store.import([first]);
    const ofFirst = keptIds(store.path);
    await store.import([second]);
    const before = await rowsOf(store);
    makeFormer(store.path, ofFirst, second);
    for (const homes of [
      [first, second],
      [copyOf(first, LATER), copyOf(second, LATER)],
    ]) {
      // Marks are of a path and its bytes: without them all is looked at again.
      forgetMarks(store.path);
      const again = await store.import(homes);
      expect(again.totals).toMatchObject({ imported: 0, updated: 0 });
      expect(await rowsOf(store)).toEqual(before);
    }
    const queue = join(first, 'tasks', 'queue.json');
    const { queue: ids, ...rest } = JSON.parse(readFileSync(queue, 'utf8')) as { queue: string[] };
    writeFileSync(queue, JSON.stringify({ ...rest, queue: [...ids, 'task_gone'] }));
    appendFileSync(join(first, 'session_index.jsonl'), INDEX_LINE);
    const changed = await store.import([first, second]);
    expect(changed.byKind['task_queue']).toMatchObject({ updated: 1 });
    expect(changed.byKind['session_index']).toMatchObject({ imported: 1, updated: 0 });
    const rows = (before['legacy_records'] ?? 0) + changed.totals.imported;
    expect(await rowsOf(store)).toEqual({ ...before, legacy_records: rows });
  });

  it('keep what came in first where both say something else at one time', async () => {
    for (const title of ['a', 'b', 'c', 'd', 'e', 'f']) {
      const [one, other] = [tempFolder(), tempFolder()];
      writeSession(one, 'first');
      writeSession(other, title);
      const store = await tempStore();
      await store.import([one, other]);
      expect((await store.sessions.get('s1')).title).toBe('first');
    }
  });
});

it('an orphan whose parent came is one no more on other devices either', async () => {
  const home = homeOf('90');
  const threads = join(home, 'tasks', 'runtime', 'threads');
  const name = readdirSync(threads)[0] ?? '';
  const bytes = readFileSync(join(threads, name));
  rmSync(join(threads, name));
  const [a, b] = await twoDevices();
  const first = await a.store.import([home]);
  expect(first.totals.orphaned).toBeGreaterThan(0);
  for (const one of [a, b]) await one.sync();
  writeFileSync(join(threads, name), bytes);
  await a.store.import([home]);
  for (const one of [a, b]) await one.sync();
  expect(await digestsOf(b.store)).toEqual(await digestsOf(a.store));
  const orphans = `select count(*) from legacy_records where state = 'orphaned'`;
  expect(await b.database.read((reader) => reader.number(orphans))).toBe(0);
  const out = join(tempFolder(), 'out');
  await b.store.export(out, { format: 'legacy' });
  const again = await (await tempStore()).import([out]);
  expect(again.totals).toMatchObject({ orphaned: 0, failed: 0 });
});

const INDEX_LINE = `${JSON.stringify({ thread_id: 't', thread_name: 'late', updated_at: 1, rollout_path: null })}\n`;

function writeSession(home: string, title: string): void {
  const at = '2026-08-20T10:00:00Z';
  const metadata = {
    id: 's1',
    title,
    created_at: at,
    updated_at: at,
    message_count: 0,
    total_tokens: 0,
    model: 'm',
    workspace: '/w',
  };
  mkdirSync(join(home, 'sessions'));
  const session = { schema_version: 1, metadata, messages: [] };
  writeFileSync(join(home, 'sessions', 's1.json'), JSON.stringify(session));
}

function keptIds(path: string): Set<string> {
  const driver = new Driver(path);
  const rows = driver.prepare('select id from legacy_records').raw().all() as [string][];
  driver.close();
  return new Set(rows.map(([id]) => id));
}

/** Gives kept records the ids and versions that earlier versions of this program gave them. */
function makeFormer(path: string, ofFirst: ReadonlySet<string>, secondHome: string): void {
  const driver = new Driver(path);
  const label = createHash('sha256').update(secondHome).digest('hex').slice(0, 8);
  const former = `modified_at = 1786000000000,
    content_version = '019fd6e28c000000-import-' || substr(content_version, -12)`;
  const rows = driver
    .prepare(`select id, kind, path, position, body from legacy_records`)
    .all() as { id: string; kind: string; path: string; position: number; body: string }[];
  for (const { id, kind, path: file, position, body } of rows) {
    const key = kind.startsWith('state.') ? (JSON.parse(body) as { id: string }).id : position;
    const place = JSON.stringify([ofFirst.has(id) ? '' : label, kind, file, key]);
    const formerId = createHash('sha256').update(place).digest('hex').slice(0, 32);
    driver
      .prepare(`update legacy_records set id = ?, ${former} where id = ?`)
      .run([`new ${formerId}`, id]);
  }
  driver.exec(`update legacy_records set id = substr(id, 5)`);
  driver.exec(`update artifacts set ${former}`);
  driver.close();
}

function forgetMarks(path: string): void {
  const driver = new Driver(path);
  driver.exec('delete from import_sources');
  driver.close();
}
