import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import Driver from 'libsql';
import { afterAll, describe, expect, it } from 'vitest';
import { openStore, rebuildStore, type RebuildResult } from '../../../src/index.ts';
import { setupCli } from '../../cli/run-cli.ts';
import { rounds, seeded } from '../sync/seed.ts';
import { bytesOf, crashedStore, damageAt, fillStore, PAGE, pagesOf, spoilPage } from './damage.ts';
import { differences, newPath, rebuilt, rowsOf } from './rebuilt.ts';

/** Of messages that were purged; only on pages that are free. */
const SECRET = 'purged for good';

/** A closed store after some use: it has large bodies, and free pages with what was purged. */
async function makeUsed(path: string, vacuumed: boolean): Promise<void> {
  const { sessions } = await fillStore(path);
  const store = await openStore({ path, durability: 'normal' });
  await store.transaction(async (tx) => {
    for (const id of sessions.slice(0, 30)) {
      const content = `${SECRET} ${id} `.repeat(20);
      const messages = Array.from({ length: 9 }, () => ({ role: 'user', content }));
      await tx.sessions.appendMessages(id, messages);
    }
  });
  for (const id of sessions.slice(0, 30)) await store.purge(id);
  await store.close();
  const driver = new Driver(path);
  if (vacuumed) driver.exec('vacuum');
  driver.exec('pragma wal_checkpoint(truncate)');
  const free = driver.prepare('pragma freelist_count').raw().get() as [number];
  driver.close();
  expect(free[0] > 20).toBe(!vacuumed);
  expect(readFileSync(path).includes(SECRET)).toBe(!vacuumed);
}

const folder = mkdtempSync(join(tmpdir(), 'cws-used-'));
const made = new Map<string, Promise<Record<string, string[]>>>();

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** A copy of a used store, and the rows that are rebuilt of it while it is undamaged. */
async function usedStore(vacuumed = false) {
  const source = join(folder, `${String(vacuumed)}.db`);
  let rows = made.get(source);
  if (!rows) {
    rows = makeUsed(source, vacuumed).then(() => rowsOfTwin(source));
    made.set(source, rows);
  }
  const path = newPath();
  const expected = await rows;
  copyFileSync(source, path);
  return { path, rows: expected };
}

const schemaPages = (path: string) => [1, ...pagesOf(path, 'sqlite_schema')];

function wipe(path: string, pages: readonly number[]): void {
  for (const page of pages) damageAt(path, (page - 1) * PAGE, Buffer.alloc(PAGE));
}

/** The rows of a rebuilt store; nothing that was purged is among them. */
function rowsAfter(path: string) {
  const rows = rowsOf(path);
  expect(JSON.stringify(rows).includes(SECRET)).toBe(false);
  return rows;
}

/** What is rebuilt of the same store undamaged. */
async function rowsOfTwin(path: string) {
  const twin = newPath();
  copyFileSync(path, twin);
  await rebuildStore(twin);
  return rowsAfter(twin);
}

/** Expects that nothing was lost. */
async function expectAll(path: string, rows: Record<string, string[]>): Promise<void> {
  const { result } = await rebuilt(path);
  expect(differences(rows, rowsAfter(path))).toEqual([]);
  expect(result.leftOut).toBe(0);
  for (const { lost } of result.tables) expect(lost ?? 0).toBe(0);
}

// Row 26 of the fault matrix: the pages that say which tables there are.
describe('a store that no longer says which tables it has is rebuilt with every row', () => {
  it('whatever bytes of the first page, or of another of them, are changed', async () => {
    const random = seeded('lost-tables');
    const pages = schemaPages((await usedStore()).path);
    const places = [
      () => [1, 0, 100],
      () => [1, 100, 140],
      () => [1, PAGE - 200, PAGE],
      () => [pages[1 + random.below(pages.length - 1)], 0, PAGE],
    ];
    for (let round = 0; round < rounds(4); round++) {
      const { path, rows } = await usedStore();
      const [page, from, to] = (places[round % places.length] as () => [number, number, number])();
      const at = from + random.below((to - from) / 2);
      const bytes = Buffer.from(Array.from({ length: 24 }, () => random.below(256)));
      damageAt(path, (page - 1) * PAGE + at, bytes.subarray(0, to - at));
      console.log(`lost-tables: page ${page}, byte ${at}`);
      await expectAll(path, rows);
    }
  });

  it.each([
    ['the first of them', false, 1],
    ['all of them', false, Infinity],
    ['all of them, after a vacuum', true, Infinity],
  ])('when nothing is left of %s', async (_, vacuumed, count) => {
    const { path, rows } = await usedStore(vacuumed);
    wipe(path, schemaPages(path).slice(0, count));
    await expect(openStore({ path })).rejects.toMatchObject({ code: 'STORE_DAMAGED' });
    await expectAll(path, rows);
  });

  it('when it says of one that it is where another one is', async () => {
    const { path, rows } = await usedStore();
    const driver = new Driver(path);
    const other = `(select rootpage from sqlite_schema where name = 'tasks')`;
    driver.exec(`pragma writable_schema = on;
      update sqlite_schema set rootpage = ${other} where name = 'sessions';
      pragma wal_checkpoint(truncate)`);
    driver.close();
    await expectAll(path, rows);
  });

  it('when the first page is damaged in its log', async () => {
    const path = newPath();
    const titles = await crashedStore(path);
    const log = readFileSync(`${path}-wal`);
    for (let at = 32; at < log.length; at += 24 + PAGE) {
      if (log.readUInt32BE(at) === 1) log.fill(0, at + 24, at + 24 + PAGE);
    }
    writeFileSync(`${path}-wal`, log);
    wipe(path, [1]);
    const { store } = await rebuilt(path);
    const { items } = await store.sessions.list();
    expect(items.map(({ title }) => title).sort()).toEqual([...titles].sort());
  });

  it('when a former version made it', async () => {
    const path = newPath();
    writeFileSync(path, gunzipSync(readFileSync('test/db/store-v1.db.gz')));
    const rows = await rowsOfTwin(path);
    expect(rows['sessions']?.length).toBeGreaterThan(0);
    wipe(path, schemaPages(path));
    await expectAll(path, rows);
  });
});

describe('with a page of rows lost besides', () => {
  it('the others are there, also of a tree that fell into parts', async () => {
    const { path, rows } = await usedStore();
    const [root] = pagesOf(path, 'session_messages', 'internal');
    const [leaf] = pagesOf(path, 'tasks');
    spoilPage(path, root as number);
    wipe(path, [...schemaPages(path), leaf as number]);
    const { of } = await rebuilt(path);
    const saved = rowsAfter(path);
    expect(saved['session_messages']).toHaveLength(rows['session_messages']?.length ?? NaN);
    expect(of('session_messages')).toMatchObject({ lost: null });
    const lost = (rows['tasks']?.length ?? 0) - (saved['tasks']?.length ?? 0);
    expect(lost).toBeGreaterThan(0);
    expect(lost).toBeLessThan(40);
  });

  it('what was purged stays so where nothing says which pages are free', async () => {
    const { path, rows } = await usedStore();
    const [root] = pagesOf(path, 'session_messages', 'internal');
    const trunk = readFileSync(path).readUInt32BE(32);
    wipe(path, schemaPages(path));
    for (const page of [root, trunk]) spoilPage(path, page as number);
    const { result } = await rebuilt(path);
    expect(result.leftOut).toBeGreaterThan(0);
    expect(rowsAfter(path)['tasks']).toHaveLength(rows['tasks']?.length ?? NaN);
  });
});

it('an encrypted store is refused then, and kept', async () => {
  const path = newPath();
  await fillStore(path, { encryptionKey: 'key' });
  wipe(path, [1]);
  const before = bytesOf(path);
  await expect(rebuildStore(path, { encryptionKey: 'key' })).rejects.toMatchObject({
    code: 'STORE_DAMAGED',
    hint: expect.stringContaining('Restore a backup') as unknown,
  });
  expect(bytesOf(path)).toEqual(before);
});

it('a database of another program is refused', async () => {
  const path = newPath();
  const driver = new Driver(path);
  driver.exec(`create table tasks (id text primary key, prompt text);
    insert into tasks values ('a', 'b'), ('c', 'd')`);
  driver.close();
  wipe(path, [1]);
  const before = bytesOf(path);
  await expect(rebuildStore(path)).rejects.toMatchObject({ code: 'STORE_DAMAGED' });
  expect(bytesOf(path)).toEqual(before);
});

it('the program rebuilds it', async () => {
  const cli = await setupCli();
  mkdirSync(dirname(cli.db));
  await fillStore(cli.db);
  wipe(cli.db, [1]);
  expect(await cli.run('task', 'list')).toMatchObject({ code: 3, stdout: '' });
  const repaired = await cli.json<{ ok: boolean; rebuilt: RebuildResult }>('doctor', '--repair');
  expect(repaired.ok).toBe(true);
  const saved = (name: string) =>
    repaired.rebuilt.tables.find(({ table }) => table === name)?.saved;
  expect([saved('sessions'), saved('runtime_events'), saved('tasks')]).toEqual([60, 400, 80]);
});
