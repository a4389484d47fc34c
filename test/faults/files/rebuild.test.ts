import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openStore, rebuildStore, type RebuildResult, type Store } from '../../../src/index.ts';
import { setupCli } from '../../cli/run-cli.ts';
import { legacyHome } from '../../support/legacy-home.ts';
import { tempFolder } from '../../support/temp-store.ts';
import { seeded } from '../sync/seed.ts';
import {
  bytesOf,
  commitsOf,
  crashedStore,
  damageAt,
  fillStore,
  flipByte,
  PAGE,
  pagesOf,
  spoilPage,
} from './damage.ts';
import { newPath, rebuilt, tableOf } from './rebuilt.ts';

async function messageCount(store: Store, sessions: readonly string[]): Promise<number> {
  let count = 0;
  for (const id of sessions) count += (await store.sessions.messages(id)).items.length;
  return count;
}

const middle = (pages: readonly number[]) => pages[Math.floor(pages.length / 2)] as number;

// Row 26 of the fault matrix: what can be read of a damaged store is in the new one.
describe('a rebuilt store', () => {
  it('has everything when an index was damaged, and is another device', async () => {
    const path = newPath();
    const { sessions } = await fillStore(path);
    const former = await openStore({ path, readOnly: true });
    const { deviceId } = await former.stats();
    await former.close();
    spoilPage(path, middle(pagesOf(path, 'sqlite_autoindex_session_messages_1')));
    const { store, result, of } = await rebuilt(path);
    expect(of('session_messages')).toEqual({
      table: 'session_messages',
      saved: 366,
      lost: 0,
      emptied: 0,
    });
    expect(await messageCount(store, sessions)).toBe(366);
    expect(result.deviceId).not.toBe(deviceId);
    expect((await store.stats()).deviceId).toBe(result.deviceId);
    // Its work goes on here, as after a restore.
    expect(await store.tasks.claim({ owner: 'worker', leaseMs: 1000 })).not.toBeNull();
    expect((await store.search('message')).items.length).toBeGreaterThan(0);
  });

  it('has the rows on both sides of damaged pages, and says how many are lost', async () => {
    const path = newPath();
    const { threadId, events } = await fillStore(path);
    const pages = pagesOf(path, 'runtime_events');
    for (const page of [pages[2], middle(pages), pages.at(-1)]) spoilPage(path, page as number);
    const { store, of } = await rebuilt(path);
    const { saved, lost } = of('runtime_events') as { saved: number; lost: number };
    expect(saved + lost).toBe(events);
    expect(lost).toBeGreaterThan(0);
    expect(lost).toBeLessThan(events / 3);
    const { items } = await store.events.since(threadId, 0, { limit: 1000 });
    expect(items).toHaveLength(saved);
    // New events go on behind the lost ones.
    const [next] = await store.events.append(threadId, [{ type: 'note', payload: {} }]);
    expect(next?.seq).toBeGreaterThan(items.at(-1)?.seq ?? Infinity);
  });

  it('shows the messages of a lost session', async () => {
    const path = newPath();
    const { sessions } = await fillStore(path);
    spoilPage(path, middle(pagesOf(path, 'sessions')));
    const { store, of } = await rebuilt(path);
    const lost = of('sessions')?.lost as number;
    expect(lost).toBeGreaterThan(0);
    const { items } = await store.sessions.list({ limit: 1000 });
    expect(items.filter(({ title }) => title === 'title lost to damage')).toHaveLength(lost);
    expect(await messageCount(store, sessions)).toBe(366);
  });

  it('leaves out a message whose large body is damaged, and finds other bodies by their hash', async () => {
    const path = newPath();
    await fillStore(path);
    // The row of this table is small, the bodies are in pages of their own; one of them is changed.
    flipByte(path, ((pagesOf(path, 'blob_chunks', 'overflow')[0] as number) - 1) * PAGE + 2000);
    spoilPage(path, pagesOf(path, 'blobs')[0] as number);
    const { of } = await rebuilt(path);
    expect(of('session_messages')).toMatchObject({ saved: 365, lost: 1 });
  });

  it('leaves out rows that are no text any more, over which the driver would end the process', async () => {
    const path = newPath();
    const { sessions } = await fillStore(path);
    const file = readFileSync(path);
    const at = file.indexOf('message 30.2');
    damageAt(path, at, Buffer.from([0xff, 0xfe]));
    const store = await openStore({ path });
    expect(await messageCount(store, sessions)).toBe(366);
    expect((await store.check()).checks.find(({ name }) => name === 'contents')?.ok).toBe(false);
    await store.close();
    const { of } = await rebuilt(path);
    expect(of('session_messages')).toMatchObject({ saved: 365, lost: 1 });
  });

  it('has what lies before the end of a file that was cut off', async () => {
    const path = newPath();
    await fillStore(path);
    truncateSync(path, Math.floor((statSync(path).size / PAGE) * 0.8) * PAGE + 100);
    const { result } = await rebuilt(path);
    const saved = result.tables.reduce((sum, table) => sum + table.saved, 0);
    expect(saved).toBeGreaterThan(100);
    expect(result.tables.some(({ lost }) => lost === null || lost > 0)).toBe(true);
  });

  it('has everything when the header was damaged', async () => {
    const path = newPath();
    await fillStore(path);
    damageAt(path, 0, Buffer.alloc(64, 0xa5));
    const { of } = await rebuilt(path);
    expect(of('session_messages')).toMatchObject({ saved: 366, lost: 0 });
    expect(of('runtime_events')).toMatchObject({ saved: 400, lost: 0 });
  });

  it('has the commits behind a damaged place of the log', async () => {
    const path = newPath();
    const titles = await crashedStore(path);
    const commits = commitsOf(`${path}-wal`);
    // Of the checksum that is stored there: the pages are as they were.
    flipByte(`${path}-wal`, (commits[5] as number) + 17);
    const { store } = await rebuilt(path);
    const { items } = await store.sessions.list();
    expect(items.map(({ title }) => title).sort()).toEqual([...titles].sort());
  });

  it('has what the log holds when the file itself is empty or gone', async () => {
    const path = newPath();
    const made = join(tempFolder(), 'store.db');
    const held = await openStore({ path: made });
    await held.sessions.create({ title: 'only in the log', workspace: '/w' });
    for (const suffix of ['', '-wal']) copyFileSync(made + suffix, path + suffix);
    await held.close();
    // Nothing was moved from the log into the file yet.
    const whole = statSync(path).size > PAGE;
    truncateSync(path, 0);
    if (whole) {
      await expect(rebuildStore(path)).rejects.toMatchObject({ code: 'STORE_DAMAGED' });
      return;
    }
    const { store } = await rebuilt(path);
    expect((await store.sessions.list()).items).toHaveLength(1);
  });

  it('keeps to its own log', async () => {
    const made = newPath();
    const other = newPath();
    await fillStore(made);
    await crashedStore(other);
    const path = newPath();
    copyFileSync(made, path);
    copyFileSync(`${other}-wal`, `${path}-wal`);
    const { of } = await rebuilt(path);
    expect(of('sessions')).toMatchObject({ saved: 60, lost: 0 });
  });

  it('can be encrypted, and is not made with another key', async () => {
    const path = newPath();
    await fillStore(path, { encryptionKey: 'right' });
    // Whatever byte is changed, the page that it is on is lost.
    flipByte(path, statSync(path).size - 20 * PAGE + 100);
    const before = bytesOf(path);
    for (const encryptionKey of ['wrong', undefined]) {
      await expect(rebuildStore(path, { encryptionKey })).rejects.toMatchObject({
        code: 'STORE_DAMAGED',
      });
    }
    expect(bytesOf(path)).toEqual(before);
    expect(readdirSync(dirname(path)).filter((name) => name.includes('damaged'))).toEqual([]);
    const { of } = await rebuilt(path, { encryptionKey: 'right' });
    expect(of('sessions')?.saved).toBeGreaterThan(30);
  });

  it('is made whatever bytes are changed, or the file is left as it is', async () => {
    const random = seeded('rebuild');
    const made = newPath();
    await fillStore(made);
    const path = join(dirname(made), 'damaged.db');
    copyFileSync(made, path);
    const pages = statSync(path).size / PAGE;
    for (let i = 0; i < 40; i++) {
      const page = random.below(pages - 1) + 1;
      damageAt(path, page * PAGE + random.below(PAGE - 8), Buffer.from([random.below(256)]));
    }
    const { result } = await rebuilt(path);
    const saved = result.tables.reduce((sum, table) => sum + table.saved, 0);
    expect(saved).toBeGreaterThan(200);
  });
});

describe('nothing is changed', () => {
  it('when there is nothing of a store to be read', async () => {
    const path = newPath();
    for (const content of ['', 'what I did today\n'.repeat(1000)]) {
      writeFileSync(path, content);
      await expect(rebuildStore(path)).rejects.toMatchObject({
        code: content === '' ? 'STORE_PATH' : 'STORE_DAMAGED',
      });
      expect(readFileSync(path, 'utf8')).toBe(content);
      expect(readdirSync(dirname(path))).toEqual(['store.db']);
    }
    rmSync(path);
    await expect(rebuildStore(path)).rejects.toMatchObject({ code: 'STORE_PATH' });
    expect(readdirSync(dirname(path))).toEqual([]);
  });

  it('when another program has the store open', async () => {
    const path = newPath();
    await fillStore(path);
    const store = await openStore({ path });
    await store.sessions.list();
    await expect(rebuildStore(path)).rejects.toMatchObject({ code: 'BUSY', retryable: true });
    expect(readdirSync(dirname(path)).filter((name) => name.includes('damaged'))).toEqual([]);
    await store.sessions.create({ title: 'goes on', workspace: '/w' });
    await store.close();
  });
});

it('the program refuses to write to a damaged store, says what to do, and does it', async () => {
  const cli = await setupCli();
  mkdirSync(dirname(cli.db));
  await fillStore(cli.db);
  spoilPage(cli.db, middle(pagesOf(cli.db, 'runtime_events')));
  const doctor = await cli.run('--json', 'doctor');
  expect(doctor.code).toBe(1);
  expect(doctor.stdout).toContain('run doctor --repair');
  truncateSync(cli.db, statSync(cli.db).size - 3 * PAGE);
  const before = bytesOf(cli.db);
  const refused = await cli.run('--json', 'task', 'add', 'second');
  expect(refused).toMatchObject({ code: 3, stdout: '' });
  expect(refused.stderr).toContain('doctor --repair');
  expect(bytesOf(cli.db)).toEqual(before);
  const repaired = await cli.json<{ ok: boolean; rebuilt: RebuildResult }>('doctor', '--repair');
  expect(repaired.ok).toBe(true);
  expect(existsSync(repaired.rebuilt.kept)).toBe(true);
  expect(tableOf(repaired.rebuilt, 'tasks')?.saved).toBe(80);
  await cli.json('task', 'add', 'second');
  // What is sound is not rebuilt.
  expect(await cli.json('doctor', '--repair')).not.toHaveProperty('rebuilt');
});

it('a rebuilt store takes from the old homes again what was lost', async () => {
  const { home } = legacyHome('--seed', '5');
  const path = newPath();
  const first = await openStore({ path, durability: 'normal' });
  await first.import([home]);
  const messages = async (store: Store) => (await store.stats()).counts['session_messages'];
  const all = await messages(first);
  await first.close();
  for (const page of pagesOf(path, 'session_messages').slice(1, 4)) spoilPage(path, page);
  const { store } = await rebuilt(path);
  expect(await messages(store)).toBeLessThan(Number(all));
  await store.import([home]);
  expect(await messages(store)).toBe(all);
});
