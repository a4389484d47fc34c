import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import Driver from 'libsql';
import { describe, expect, it } from 'vitest';
import { migrationsIn, readMigrations } from '../../src/db/migrate.ts';
import { openDatabase } from '../../src/db/open.ts';
import { openStore } from '../../src/index.ts';
import { tempFolder, tempStore } from '../support/temp-store.ts';

const open = (path: string, more = {}) => openStore({ path, ...more });

async function closedStore(more = {}): Promise<string> {
  const path = join(tempFolder(), 'store.db');
  const store = await open(path, more);
  await store.sessions.create({ title: 'kept', workspace: '/w' });
  await store.close();
  return path;
}

it('code that a bundler took out of its package says so', () => {
  const folder = join(tempFolder(), 'migrations');
  expect(() => migrationsIn(folder)).toThrow('a bundler has to leave the package out');
});

describe('openStore', () => {
  it('makes a folder and files that only their owner can use', async () => {
    const path = join(tempFolder(), 'store', 'store.db');
    const store = await open(path);
    await store.sessions.create({ workspace: '/w' });
    expect(statSync(join(path, '..')).mode & 0o777).toBe(0o700);
    for (const suffix of ['', '-wal', '-shm']) {
      expect(statSync(path + suffix).mode & 0o777).toBe(0o600);
    }
    await store.close();
  });

  it('refuses a text file and leaves it as it is', async () => {
    const path = join(tempFolder(), 'store.db');
    writeFileSync(path, 'hello, this is no database\n'.repeat(100));
    const before = readFileSync(path);
    await expect(open(path)).rejects.toMatchObject({ code: 'STORE_DAMAGED' });
    expect(readFileSync(path).equals(before)).toBe(true);
  });

  it('refuses a database that is no store and leaves it as it is', async () => {
    const path = join(tempFolder(), 'other.db');
    const driver = new Driver(path);
    driver.exec('create table notes (text)');
    driver.close();
    await expect(open(path)).rejects.toMatchObject({ code: 'STORE_DAMAGED' });
    expect(new Driver(path).prepare('select count(*) c from sqlite_master').get()).toMatchObject({
      c: 1,
    });
  });

  it('refuses a truncated store', async () => {
    const path = await closedStore();
    const copy = join(tempFolder(), 'store.db');
    copyFileSync(path, copy);
    truncateSync(copy, 5000);
    await expect(open(copy).then((s) => s.sessions.list())).rejects.toMatchObject({
      code: 'STORE_DAMAGED',
    });
  });

  it('refuses folders, symbolic links and places that cannot be made', async () => {
    const folder = tempFolder();
    mkdirSync(join(folder, 'dir'));
    await expect(open(join(folder, 'dir'))).rejects.toMatchObject({ code: 'STORE_PATH' });
    symlinkSync(await closedStore(), join(folder, 'link'));
    await expect(open(join(folder, 'link'))).rejects.toMatchObject({ code: 'STORE_PATH' });
    writeFileSync(join(folder, 'file'), '');
    await expect(open(join(folder, 'file', 'store.db'))).rejects.toMatchObject({
      code: 'STORE_PATH',
    });
    await expect(open('/proc/none/store.db')).rejects.toMatchObject({ code: 'STORE_PATH' });
    await expect(open(join(folder, 'none.db'), { readOnly: true })).rejects.toMatchObject({
      code: 'STORE_PATH',
    });
  });

  it('encrypts at rest and says so when the key is another one', async () => {
    const path = await closedStore({ encryptionKey: 'right' });
    expect(readFileSync(path).includes('kept')).toBe(false);
    for (const more of [{ encryptionKey: 'wrong' }, {}]) {
      await expect(open(path, more)).rejects.toMatchObject({ code: 'STORE_DAMAGED' });
    }
    const store = await open(path, { encryptionKey: 'right' });
    expect((await store.sessions.list()).items.map((s) => s.title)).toEqual(['kept']);
    await store.close();
  });

  it('refuses a newer schema with both versions, but opens it read-only', async () => {
    const path = await closedStore();
    const driver = new Driver(path);
    driver.exec('pragma user_version = 999');
    driver.close();
    await expect(open(path)).rejects.toMatchObject({
      code: 'NEWER_SCHEMA',
      storeVersion: 999,
      supportedVersion: readMigrations().length,
    });
    const store = await open(path, { readOnly: true });
    expect((await store.sessions.list()).items).toHaveLength(1);
    await expect(store.sessions.create({ workspace: '/w' })).rejects.toMatchObject({
      code: 'READ_ONLY',
    });
    await store.close();
  });

  it('migrates once when many open a new store at the same moment', async () => {
    const path = join(tempFolder(), 'store.db');
    const stores = await Promise.all(Array.from({ length: 8 }, () => open(path)));
    const devices = new Set(await Promise.all(stores.map(async (s) => (await s.stats()).deviceId)));
    expect(devices.size).toBe(1);
    await Promise.all(stores.map((s) => s.close()));
  });

  it('rejects calls after close and options that do not exist', async () => {
    const store = await tempStore();
    await store.close();
    await expect(store.sessions.list()).rejects.toMatchObject({ code: 'CLOSED' });
    await expect(open('x', { durabilty: 'full' })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  });

  it('reads a file that this user may not write', async () => {
    const path = await closedStore();
    chmodSync(path, 0o400);
    const store = await open(path, { readOnly: true });
    expect((await store.sessions.list()).items).toHaveLength(1);
    await store.close();
  });

  it('copies a store before a migration changes it, and leaves it alone when the migration fails', async () => {
    const path = await closedStore();
    const now = () => Date.now();
    const options = { durability: 'full', readOnly: false } as const;
    const released = readMigrations();
    const number = released.length + 1;
    const next = (sql: string) => [
      ...released,
      {
        number,
        name: 'shout',
        sql,
        addsOnly: false,
        checksum: createHash('sha256').update(sql).digest('hex'),
      },
    ];
    const broken = next(`update sessions set title = upper(title), title_version = 'z'; nonsense;`);
    await expect(openDatabase(path, options, now, broken)).rejects.toMatchObject({
      code: 'DATABASE',
    });
    const untouched = await open(path);
    expect((await untouched.sessions.list()).items.map((s) => s.title)).toEqual(['kept']);
    await untouched.close();

    const good = next(`update sessions set title = upper(title), title_version = 'z';`);
    const opened = await Promise.all([1, 2, 3].map(() => openDatabase(path, options, now, good)));
    const titles = await opened[0]?.read((reader) => reader.list(['title'], 'from sessions'));
    expect(titles).toEqual([{ title: 'KEPT' }]);
    await Promise.all(opened.map((database) => database.close()));
    await expect(open(path)).rejects.toMatchObject({ code: 'NEWER_SCHEMA' });
    const copy = await open(`${path}.before-v${number}`);
    expect((await copy.sessions.list()).items.map((s) => s.title)).toEqual(['kept']);
    await copy.close();
  });
});
