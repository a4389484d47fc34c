import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';
import { Connection } from '../../../src/db/connection.ts';
import { openDatabase } from '../../../src/db/open.ts';
import { releaseClosed } from '../../../src/db/release.ts';
import { DiskError, openStore, type Store } from '../../../src/index.ts';
import { setupCli } from '../../cli/run-cli.ts';
import { legacyHome, SMALL_HOME } from '../../support/legacy-home.ts';
import { tempFolder } from '../../support/temp-store.ts';

const GONE = {
  code: 'STORE_PATH',
  hint: expect.stringContaining('Nothing was read or written') as string,
};

async function opened(): Promise<Store> {
  const store = await openStore({ path: join(tempFolder(), 'own', 'store.db') });
  await store.sessions.create({ title: 'before', workspace: '/w' });
  return store;
}

const write = (store: Store) => store.sessions.create({ title: 'after', workspace: '/w' });

async function titles(path: string): Promise<string[]> {
  const store = await openStore({ path });
  const { items } = await store.sessions.list();
  await store.close();
  return items.map(({ title }) => title);
}

const LOSSES: [string, (path: string) => void][] = [
  ['its folder is removed', (path) => { rmSync(dirname(path), { recursive: true }); }],
  ['its file is removed', (path) => { rmSync(path); }],
  ['its log is removed', (path) => { rmSync(`${path}-wal`); }],
  ['its folder is renamed', (path) => { renameSync(dirname(path), `${dirname(path)}2`); }],
]; // prettier-ignore

it.each(LOSSES)('a write says so when %s under an open store', async (_, lose) => {
  const store = await opened();
  lose(store.path);
  await expect(write(store)).rejects.toMatchObject(GONE);
  await expect(write(store)).rejects.toMatchObject(GONE);
  await store.close();
});

it.each(LOSSES)(
  'and when %s after long work in a folder where nothing changed',
  async (_, lose) => {
    const store = await opened();
    const later = Date.now() + 3_600_000;
    const clock = vi.spyOn(Date, 'now').mockReturnValue(later);
    onTestFinished(() => {
      clock.mockRestore();
    });
    await write(store);
    await write(store);
    lose(store.path);
    await expect(write(store)).rejects.toMatchObject(GONE);
    await expect(write(store)).rejects.toMatchObject(GONE);
    await store.close();
  },
);

const LATE_CALLS: [string, (store: Store) => Promise<unknown>][] = [
  ['a first list', (store) => store.tasks.list()],
  ['a search', (store) => store.search('before')],
  ['a check', (store) => store.check()],
  ['an export', (store) => store.export(tempFolder(), { format: 'jsonl' })],
  ['an import', (store) => store.import([legacyHome('--seed', '5', ...SMALL_HOME).home])],
  ['a repair', (store) => store.repair()],
  ['a vacuum', (store) => store.vacuum()],
  ['statistics', (store) => store.stats()],
  ['a backup', (store) => store.backup(join(tempFolder(), 'backup.db'))],
  ['a start of sync', (store) => store.sync.start()],
];

it.each(LATE_CALLS)('%s after the file was moved away makes no other one', async (_, call) => {
  const store = await opened();
  renameSync(store.path, `${store.path}.moved`);
  await expect(call(store)).rejects.toMatchObject(GONE);
  await expect(write(store)).rejects.toMatchObject(GONE);
  await store.close();
  expect(existsSync(store.path)).toBe(false);
  renameSync(`${store.path}.moved`, store.path);
  expect(await titles(store.path)).toEqual(['before']);
});

it.each(LATE_CALLS)('%s never reads or writes another store in its place', async (_, call) => {
  const store = await opened();
  const other = await opened();
  await other.sessions.create({ title: 'another', workspace: '/w' });
  await other.close();
  renameSync(store.path, `${store.path}.moved`);
  renameSync(other.path, store.path);
  await expect(call(store)).rejects.toMatchObject(GONE);
  await store.close();
  renameSync(store.path, other.path);
  renameSync(`${store.path}.moved`, store.path);
  expect(await titles(store.path)).toEqual(['before']);
  expect(await titles(other.path)).toEqual(['another', 'before']);
});

it.each(LATE_CALLS.filter(([name]) => /check|import|export|start/.test(name)))(
  'nor does %s where the handle has read before',
  async (_, call) => {
    const store = await opened();
    const other = await opened();
    await other.close();
    await store.sessions.list();
    renameSync(other.path, store.path);
    await expect(call(store)).rejects.toMatchObject(GONE);
    await store.close();
  },
);

it('nothing is done on the connection of a file that was moved away', async () => {
  const path = join(tempFolder(), 'own', 'store.db');
  const settings = { durability: 'full', readOnly: false } as const;
  const database = await openDatabase(path, settings, Date.now);
  renameSync(path, `${path}.moved`);
  await expect(database.exclusive(() => 1)).rejects.toMatchObject(GONE);
  await database.close();
});

it('a connection makes no file', () => {
  const path = join(tempFolder(), 'none.db');
  expect(() => new Connection(path, { busyWaitMs: 0, readOnly: false })).toThrow(DiskError);
  expect(existsSync(path)).toBe(false);
});

it('what was written before the folder was renamed is in it', async () => {
  const store = await opened();
  const folder = `${dirname(store.path)}2`;
  renameSync(dirname(store.path), folder);
  await expect(write(store)).rejects.toMatchObject(GONE);
  await store.close();
  expect(await titles(join(folder, 'store.db'))).toEqual(['before']);
});

it('a write never goes into another file that was put in the place of the store', async () => {
  const store = await opened();
  const other = await opened();
  await other.sessions.create({ title: 'another', workspace: '/w' });
  await other.close();
  renameSync(other.path, store.path);
  await expect(write(store)).rejects.toMatchObject(GONE);
  await store.close();
});

it('a store whose log is removed gets all of it back when it is closed', async () => {
  const store = await opened();
  for (const suffix of ['-wal', '-shm']) rmSync(store.path + suffix);
  await expect(write(store)).rejects.toMatchObject(GONE);
  await store.close();
  expect(await titles(store.path)).toEqual(['before']);
});

it('a store whose log is removed harms nothing that another program writes then', async () => {
  const cli = await setupCli();
  const path = join(cli.folder, 'own', 'store.db');
  mkdirSync(dirname(path), { mode: 0o700 });
  const first = await openStore({ path });
  for (let i = 0; i < 20; i++) await write(first);
  await first.close();
  const store = await openStore({ path });
  await store.sessions.create({ title: 'lost', workspace: '/w' });
  for (const suffix of ['-wal', '-shm']) rmSync(path + suffix);
  for (let i = 0; i < 5; i++) {
    expect((await cli.run('--db', path, 'task', 'add', `of another ${i}`)).code).toBe(0);
  }
  await expect(write(store)).rejects.toMatchObject(GONE);
  await store.close();
  // SQLite's own end of the connection, with which it folds the log.
  await releaseClosed();
  const doctor = await cli.run('--db', path, 'doctor');
  expect(doctor.stdout).not.toMatch(/wrong #|malformed|damaged/);
  const listed = (kind: string) => cli.json<{ items: unknown[] }>('--db', path, kind, 'list');
  expect((await listed('session')).items).toHaveLength(20);
  expect((await listed('task')).items).toHaveLength(5);
});
