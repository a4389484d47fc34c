import { mkdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';
import { releaseClosed } from '../../../src/db/release.ts';
import { openStore, type Store } from '../../../src/index.ts';
import { setupCli } from '../../cli/run-cli.ts';
import { tempFolder } from '../../support/temp-store.ts';

const GONE = { code: 'STORE_PATH', hint: expect.stringContaining('was not made') as string };

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
