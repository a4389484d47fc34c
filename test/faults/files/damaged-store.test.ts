import {
  copyFileSync,
  existsSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import Driver from 'libsql';
import { describe, expect, it, onTestFinished } from 'vitest';
import { readMigrations } from '../../../src/db/migrate.ts';
import { openStore, type StoreOptions } from '../../../src/index.ts';
import {
  bytesOf,
  commitsOf,
  crashedStore,
  damageAt,
  fillStore,
  flipByte,
  FRAME,
  PAGE,
  pagesOf,
  spoilPage,
} from './damage.ts';
import { newPath } from './rebuilt.ts';

const open = (path: string, more: StoreOptions = {}) => openStore({ path, ...more });

async function titles(path: string, more: StoreOptions = {}): Promise<string[]> {
  const store = await open(path, more);
  try {
    const { items } = await store.sessions.list({ sort: 'created', limit: 1000 });
    return items.map(({ title }) => title).sort();
  } finally {
    await store.close();
  }
}

/** Expects that the store is refused, for reading too, and that no byte of it changes. */
async function expectRefused(path: string, message: RegExp): Promise<void> {
  const before = bytesOf(path);
  for (const readOnly of [true, false]) {
    const refusal = await open(path, { readOnly }).catch((error: unknown) => error);
    expect(refusal).toMatchObject({ code: 'STORE_DAMAGED', retryable: false });
    expect(String(refusal)).toMatch(message);
  }
  expect(bytesOf(path)).toEqual(before);
}

// Row 26 of the fault matrix: what opening says of each kind of damage.
describe('a store that is damaged is refused and stays as it is', () => {
  it('when it is empty, and not by a crash while it was made', async () => {
    const path = newPath();
    await fillStore(path);
    truncateSync(path, 0);
    await expectRefused(path, /is empty/);
    // As it is when the making of a store is killed.
    const begun = newPath();
    for (const file of [begun, `${begun}.creating`]) writeFileSync(file, '');
    expect(await titles(begun)).toEqual([]);
    expect(existsSync(`${begun}.creating`)).toBe(false);
  });

  it('when only its log is left, which SQLite would remove', async () => {
    const path = newPath();
    await crashedStore(path);
    truncateSync(path, 0);
    writeFileSync(`${path}.creating`, '');
    await expectRefused(path, /its log .* is still there/);
    rmSync(path);
    await expectRefused(path, /its log .* is still there/);
  });

  it('when its end is missing', async () => {
    const path = newPath();
    await fillStore(path);
    const pages = readFileSync(path).length / PAGE;
    truncateSync(path, Math.floor(pages / 2) * PAGE + 100);
    await expectRefused(path, /damaged/);
  });

  it('when its header is not one, or it is a text', async () => {
    const path = newPath();
    await fillStore(path);
    damageAt(path, 0, Buffer.alloc(64, 0xa5));
    await expectRefused(path, /not a store, is damaged/);
    writeFileSync(path, 'what I did today\n'.repeat(1000));
    await expectRefused(path, /is a text, but not a store/);
  });

  it.each([
    ['its tables', `create table notes (text); pragma user_version = ${readMigrations().length}`],
    ['a version alone', `pragma user_version = ${readMigrations().length}`],
    ['another name', 'pragma application_id = 77'],
    ['nothing', 'create table notes (text); drop table notes'],
  ])('when it is a database of another program: with %s', async (_, sql) => {
    const path = newPath();
    const driver = new Driver(path);
    driver.exec(sql);
    driver.close();
    await expectRefused(path, /not a store|holds no tables/);
  });

  it('when it has lost the tables that say what it is', async () => {
    const path = newPath();
    await fillStore(path);
    const driver = new Driver(path);
    driver.exec('drop table device');
    driver.close();
    await expectRefused(path, /lost the table of its device/);
  });

  it('when the log of another store lies beside it', async () => {
    const made = newPath();
    const other = newPath();
    await fillStore(made);
    await crashedStore(other);
    // A path that this process has not had open.
    const path = newPath();
    copyFileSync(made, path);
    copyFileSync(`${other}-wal`, `${path}-wal`);
    await expectRefused(path, /is not the log of this store/);
  });

  it('when a byte of its log has changed, with commits behind it', async () => {
    const path = newPath();
    const written = await crashedStore(path);
    const commits = commitsOf(`${path}-wal`);
    expect(commits.length).toBeGreaterThanOrEqual(written.length);
    flipByte(`${path}-wal`, (commits[5] as number) + FRAME - 700);
    const before = bytesOf(path);
    await expect(open(path)).rejects.toMatchObject({ code: 'STORE_DAMAGED' });
    await expect(open(path)).rejects.toThrow(/log .* is damaged/);
    // SQLite reads up to the damage; it would also overwrite what is behind it.
    expect(await titles(path, { readOnly: true })).toHaveLength(5);
    expect(bytesOf(path)).toEqual(before);
  });

  it('when the header of its log has changed', async () => {
    const path = newPath();
    await crashedStore(path);
    flipByte(`${path}-wal`, 18);
    const before = bytesOf(path);
    await expect(open(path)).rejects.toThrow(/log .* is damaged/);
    expect(bytesOf(path)).toEqual(before);
  });
});

it('a log whose last commit is torn is what a crash leaves: the store opens', async () => {
  const path = newPath();
  const written = await crashedStore(path);
  flipByte(`${path}-wal`, (commitsOf(`${path}-wal`).at(-1) as number) + 100);
  expect(await titles(path)).toHaveLength(written.length - 1);
});

it('many places torn in a log are what a power cut leaves where commits do not wait for the disk', async () => {
  const path = newPath();
  await crashedStore(path);
  const commits = commitsOf(`${path}-wal`);
  for (const i of [4, 7]) flipByte(`${path}-wal`, (commits[i] as number) + 100);
  expect(await titles(path)).toHaveLength(4);
});

it('of a store with a damaged page the rest is read, and once it is met nothing is written', async () => {
  const path = newPath();
  const { threadId } = await fillStore(path);
  const pages = pagesOf(path, 'runtime_events');
  spoilPage(path, pages[Math.floor(pages.length / 2)] as number);
  const store = await open(path);
  onTestFinished(() => store.close());
  expect((await store.sessions.list()).items).toHaveLength(50);
  await expect(store.events.since(threadId, 0, { limit: 1000 })).rejects.toMatchObject({
    code: 'STORE_DAMAGED',
  });
  await expect(store.tasks.create({ prompt: 'x', workspace: '/w' })).rejects.toMatchObject({
    code: 'STORE_DAMAGED',
    retryable: false,
  });
  expect((await store.sessions.list()).items).toHaveLength(50);
  const { ok, checks } = await store.check();
  expect(ok).toBe(false);
  expect(checks.find(({ name }) => name === 'integrity')).toMatchObject({ ok: false });
  expect(checks.find(({ name }) => name === 'blobs')).toMatchObject({ ok: true });
  const before = bytesOf(path);
  await expect(store.repair()).rejects.toMatchObject({ code: 'STORE_DAMAGED' });
  expect(bytesOf(path)).toEqual(before);
});

it('a check finds one changed byte of a body, large or small', async () => {
  const path = newPath();
  await fillStore(path);
  const [blobs] = pagesOf(path, 'blob_chunks', 'overflow');
  flipByte(path, ((blobs as number) - 1) * PAGE + 2000);
  const file = readFileSync(path);
  flipByte(path, file.indexOf('"message 30.2') + 1);
  // Of the closing quotation mark of a key of that body, too: it is no JSON any more.
  flipByte(path, file.lastIndexOf('"', file.indexOf('"message 30.2') - 2));
  const store = await open(path, { readOnly: true });
  onTestFinished(() => store.close());
  const { checks } = await store.check();
  const bad = checks.filter(({ ok }) => !ok).map(({ name }) => name);
  expect(bad).toEqual(['blobs', 'contents']);
});
