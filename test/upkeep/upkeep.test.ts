import {
  chmodSync,
  existsSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import Driver from 'libsql';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openStore, restoreStore, type Store } from '../../src/index.ts';
import { patchFs } from '../support/patch-fs.ts';
import { tempFolder, tempStore } from '../support/temp-store.ts';

const DAY = 86_400_000;

async function titles(store: Store): Promise<string[]> {
  return (await store.sessions.list({ archived: 'include' })).items.map((s) => s.title).sort();
}

/** Text that does not compress away, so that its body becomes a blob. */
const noise = (length: number) =>
  Array.from({ length }, (_, i) => Math.sin(i).toString(36).slice(3, 9)).join(' ');

/** A backup of a store with one session, in the folder of that store, which is closed. */
async function backupOf(title: string): Promise<{ folder: string; file: string }> {
  const folder = tempFolder();
  const store = await openStore({ path: join(folder, 'source.db') });
  await store.sessions.create({ title, workspace: '/w' });
  const { file } = await store.backup(join(folder, 'copy.db'));
  await store.close();
  return { folder, file };
}

describe('backup and restore', () => {
  it('bring back what was there, keep what stood in the place, and make a new device', async () => {
    const folder = tempFolder();
    const path = join(folder, 'store.db');
    const store = await openStore({ path });
    const { id } = await store.sessions.create({ title: 'before', workspace: '/w' });
    await store.sessions.appendMessages(id, [{ role: 'user', content: noise(20_000) }]);
    const { deviceId } = await store.stats();
    const task = await store.tasks.create({ prompt: 'waits', workspace: '/w' });
    const backup = await store.backup(join(folder, 'copy.db'));
    expect(backup.bytes).toBeGreaterThan(0);
    await store.sessions.create({ title: 'after', workspace: '/w' });
    await store.close();

    const restored = await restoreStore(backup.file, path);
    expect(restored.deviceId).not.toBe(deviceId);
    const again = await openStore({ path });
    onTestFinished(() => again.close());
    expect(await titles(again)).toEqual(['before']);
    expect((await again.stats()).deviceId).toBe(restored.deviceId);
    expect((await again.sessions.messages(id)).items).toHaveLength(1);
    expect((await again.check()).ok).toBe(true);
    // The work of the former device goes on here.
    expect(await again.tasks.claim({ owner: 'worker', leaseMs: 1000 })).toMatchObject({
      id: task.id,
    });
    const kept = await openStore({ path: restored.replaced ?? '' });
    expect(await titles(kept)).toEqual(['after', 'before']);
    await kept.close();
  });

  it('bring back also work whose version is garbled, as it was', async () => {
    const folder = tempFolder();
    const store = await openStore({ path: join(folder, 'store.db') });
    const task = await store.tasks.create({ prompt: 'garbled', workspace: '/w' });
    const { file } = await store.backup(join(folder, 'copy.db'));
    await store.close();
    const driver = new Driver(file);
    driver.exec(`update tasks set lifecycle_version = '~' || lifecycle_version`);
    driver.close();
    const { path } = await restoreStore(file, join(folder, 'restored.db'));
    const restored = await openStore({ path });
    onTestFinished(() => restored.close());
    expect(await restored.tasks.get(task.id)).toMatchObject({
      owner: task.owner,
      status: 'queued',
    });
  });

  it('is restored where there is no folder yet, as on a new machine', async () => {
    const { folder, file } = await backupOf('kept');
    const path = join(folder, 'new', 'store', 'store.db');
    expect(await restoreStore(file, path)).toMatchObject({ path, replaced: null });
    const again = await openStore({ path });
    onTestFinished(() => again.close());
    expect(await titles(again)).toEqual(['kept']);
    expect((await again.check()).ok).toBe(true);
  });

  it('replaces a damaged store and keeps the damaged file', async () => {
    const { folder, file } = await backupOf('good');
    const path = join(folder, 'store.db');
    // No text: that never was a store, and is not replaced.
    writeFileSync(path, 'no database any more \0, but somebody may want it back');
    const { replaced } = await restoreStore(file, path);
    expect(readFileSync(replaced ?? '', 'utf8')).toContain('somebody may want it');
    const again = await openStore({ path });
    expect(await titles(again)).toEqual(['good']);
    await again.close();
  });

  it('never replaces another file, and takes no file that is no backup', async () => {
    const folder = tempFolder();
    const store = await tempStore();
    writeFileSync(join(folder, 'taken'), 'mine');
    await expect(store.backup(join(folder, 'taken'))).rejects.toMatchObject({ code: 'CONFLICT' });
    expect(readFileSync(join(folder, 'taken'), 'utf8')).toBe('mine');
    const target = join(folder, 'store.db');
    await expect(restoreStore(join(folder, 'taken'), target)).rejects.toMatchObject({
      code: 'STORE_DAMAGED',
    });
    await expect(store.backup('/proc/none/copy.db')).rejects.toMatchObject({ code: 'FILE_SYSTEM' });
    await expect(store.backup('a\0b')).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    await expect(restoreStore(join(folder, 'none'), target)).rejects.toMatchObject({
      code: 'STORE_PATH',
    });
    expect(existsSync(target)).toBe(false);
  });

  it('refuses to replace a store that is open', async () => {
    const store = await tempStore();
    await store.sessions.create({ title: 'open', workspace: '/w' });
    const { file } = await store.backup(join(tempFolder(), 'copy.db'));
    await expect(restoreStore(file, store.path)).rejects.toMatchObject({ code: 'BUSY' });
    const names = readdirSync(join(store.path, '..'));
    expect(names.filter((name) => name.endsWith('restoring'))).toEqual([]);
    expect(await titles(store)).toEqual(['open']);
  });
});

describe('two backups, or two restores, to one place at once', () => {
  it('leave one whole backup, and the other is told that the name is taken', async () => {
    const store = await tempStore();
    await store.sessions.create({ title: 'kept', workspace: '/w' });
    const folder = tempFolder();
    const target = join(folder, 'copy.db');
    const another = await openStore({ path: store.path });
    onTestFinished(() => another.close());
    let other: Promise<unknown> | undefined;
    // When the first has read its copy back, and is about to give it its name.
    const begin = () => {
      other ??= another.backup(target).catch((error: unknown) => error);
    };
    let looks = 0;
    patchFs('lstatSync', (real) => {
      const look = (name: string, ...rest: []) => {
        if (name === target && ++looks === 2) begin();
        return real(name, ...rest);
      };
      return look as typeof real;
    });
    patchFs('linkSync', (real) => (...names) => {
      begin();
      real(...names);
    });

    const { file, bytes } = await store.backup(target);

    expect(bytes).toBeGreaterThan(0);
    expect(await other).toMatchObject({ code: 'CONFLICT' });
    expect(readdirSync(folder)).toEqual(['copy.db']);
    const kept = await openStore({ path: file });
    onTestFinished(() => kept.close());
    expect(await titles(kept)).toEqual(['kept']);
  });

  it('keep the name of another file that came meanwhile', async () => {
    const store = await tempStore();
    const target = join(tempFolder(), 'copy.db');
    patchFs('linkSync', (real) => (...names) => {
      writeFileSync(target, 'came first');
      real(...names);
    });
    await expect(store.backup(target)).rejects.toMatchObject({ code: 'CONFLICT' });
    expect(readFileSync(target, 'utf8')).toBe('came first');
  });

  it('restore in turn or are refused, and keep what each replaced', async () => {
    const folder = tempFolder();
    const path = join(folder, 'store.db');
    const store = await openStore({ path });
    await store.sessions.create({ title: 'backed up', workspace: '/w' });
    const { file } = await store.backup(join(folder, 'copy.db'));
    await store.sessions.create({ title: 'later', workspace: '/w' });
    await store.close();
    const restore = () => restoreStore(file, path, { clock: () => DAY });

    const ends = await Promise.allSettled([restore(), restore()]);
    const refused = ends.flatMap((end) => (end.status === 'rejected' ? [end.reason as Error] : []));
    for (const reason of refused) expect(reason).toMatchObject({ code: 'BUSY' });
    // Of one time, too, each is kept under a name of its own.
    await restore();
    await restore();

    const names = readdirSync(folder).filter((name) =>
      /^store\.db(?:\.replaced[^-]*-[^-]*)?$/.test(name),
    );
    const found: number[] = [];
    for (const name of names) {
      const opened = await openStore({ path: join(folder, name) });
      found.push((await titles(opened)).length);
      await opened.close();
    }
    // The store, one that was replaced by each restore, and among these the first one.
    expect(found.sort()).toEqual([...Array<number>(4 - refused.length).fill(1), 2]);
    expect(readdirSync(folder).filter((name) => name.endsWith('restoring'))).toEqual([]);
  });
});

describe('repair', () => {
  it('fails a task that a stopped worker holds, as the check advises', async () => {
    let now = Date.UTC(2026, 0, 1);
    const store = await tempStore({ clock: () => now });
    const { id } = await store.tasks.create({ prompt: 'p' });
    await store.tasks.claim({ owner: 'w', leaseMs: 60_000 });
    now += DAY;
    const { checks } = await store.check();
    expect(checks.find(({ name }) => name === 'leases')?.detail).toContain('doctor --repair');
    expect((await store.repair()).ok).toBe(true);
    expect(await store.tasks.get(id)).toMatchObject({ status: 'failed' });
  });
});

describe('prune', () => {
  it('deletes only what is archived and old, says how much, and all of it can be restored', async () => {
    let now = Date.UTC(2026, 0, 1);
    const store = await tempStore({ clock: () => now });
    const old = await store.sessions.create({ title: 'old', workspace: '/w' });
    const archived = await store.sessions.create({ title: 'old, archived', workspace: '/w' });
    await store.sessions.archive(archived.id);
    now += 100 * DAY;
    const recent = await store.sessions.create({ title: 'new, archived', workspace: '/w' });
    await store.sessions.archive(recent.id);
    const before = new Date(now - 30 * DAY).toISOString();

    expect(await store.prune({ before, dryRun: true })).toMatchObject({
      sessions: 1,
      dryRun: true,
    });
    expect(await titles(store)).toHaveLength(3);
    expect(await store.prune({ before })).toMatchObject({ sessions: 1 });
    expect(await titles(store)).toEqual(['new, archived', 'old']);
    await store.sessions.restore(archived.id);
    expect(await titles(store)).toHaveLength(3);
    expect(await store.prune({ before, all: true })).toMatchObject({ sessions: 2 });
    expect(await titles(store)).toEqual(['new, archived']);
    expect((await store.sessions.get(old.id)).deletedAt).not.toBeNull();
  });

  it('leaves threads with a turn that has not ended, archived or not', async () => {
    let now = Date.UTC(2026, 0, 1);
    const store = await tempStore({ clock: () => now });
    const [busy, archived] = await Promise.all([
      store.runtime.createThread({ workspace: '/w' }),
      store.runtime.createThread({ workspace: '/w' }),
    ]);
    const turn = await store.runtime.startTurn(busy.id, {});
    await store.runtime.startTurn(archived.id, {});
    await store.runtime.updateThread(archived.id, { archived: true });
    now += 100 * DAY;
    const before = new Date(now - DAY).toISOString();
    expect(await store.prune({ before, all: true })).toMatchObject({ runtimeThreads: 0 });
    await store.runtime.finishTurn(turn.id, {});
    now += 100 * DAY;
    const later = { before: new Date(now - DAY).toISOString(), all: true };
    expect(await store.prune(later)).toMatchObject({ runtimeThreads: 1 });
  });
});

describe('purge and vacuum', () => {
  it('leave no trace of the content in the file, and keep a mark', async () => {
    const store = await tempStore();
    const secret = 'xyzzy-canary';
    const { id } = await store.sessions.create({ title: `${secret} title`, workspace: '/w' });
    await store.sessions.appendMessages(id, [
      { role: 'user', content: `${secret} small` },
      { role: 'assistant', content: `${secret} ${noise(20_000)}` },
    ]);
    expect((await store.search('canary')).items.length).toBeGreaterThan(0);
    expect(await store.purge(id)).toEqual({ kind: 'session', id });
    expect((await store.search('canary')).items).toEqual([]);
    expect((await store.stats()).blobs.count).toBe(0);
    const { bytesBefore, bytesAfter } = await store.vacuum();
    expect(bytesAfter).toBeLessThan(bytesBefore);
    expect(readFileSync(store.path).includes('xyzzy')).toBe(false);
    await expect(store.sessions.get(id)).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: `the session "${id}" was purged: nothing is left of it`,
    });
    await expect(store.sessions.restore(id)).rejects.toMatchObject({ code: 'CONFLICT' });
    await expect(store.purge('nobody')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});

describe('check and repair', () => {
  it('find what is wrong and mend what is derived', async () => {
    const store = await tempStore();
    const { id } = await store.sessions.create({ title: 'loader', workspace: '/w' });
    await store.sessions.appendMessages(id, [{ role: 'user', content: 'find me' }]);
    expect((await store.check()).ok).toBe(true);
    const driver = new Driver(store.path);
    driver.exec(`insert into search_index (search_index) values ('delete-all')`);
    driver.exec(`insert into blobs (hash, size) values ('lost', 3)`);
    const broken = await store.check();
    expect(broken.checks.filter((check) => !check.ok).map((check) => check.name)).toEqual([
      'search index',
      'blobs',
    ]);
    expect((await store.search('find')).items).toEqual([]);
    expect((await store.repair()).ok).toBe(true);
    expect((await store.search('find')).items.map((hit) => hit.kind)).toEqual(['message']);
  });

  it('notice a session that counts its messages wrong, and count anew', async () => {
    const path = join(tempFolder(), 'store.db');
    const store = await openStore({ path });
    onTestFinished(() => store.close());
    const { id } = await store.sessions.create({ title: 'counted', workspace: '/w' });
    await store.sessions.appendMessages(id, [
      { role: 'user', content: 'one' },
      { role: 'assistant', content: 'two' },
    ]);
    const lost = await store.sessions.create({ title: 'lost its place', workspace: '/w' });
    await store.sessions.appendMessages(lost.id, [{ role: 'user', content: 'one' }]);
    const driver = new Driver(path);
    driver.exec(`update sessions set message_count = 7 where id = '${id}'`);
    driver.exec(`delete from session_leaves where session_id = '${lost.id}'`);
    driver.close();
    const failed = (await store.check()).checks.filter(({ ok }) => !ok);
    expect(failed.map(({ detail }) => detail)).toEqual([
      '2 sessions count their messages wrong; run doctor --repair',
    ]);
    await store.repair();
    expect((await store.check()).ok).toBe(true);
    expect((await store.sessions.get(id)).messageCount).toBe(2);
    expect((await store.sessions.messages(lost.id)).items).toHaveLength(1);
  });

  it('raise no false alarm in a process that goes on writing', async () => {
    const store = await tempStore();
    for (let i = 0; i < 40; i++) {
      await store.sessions.create({ title: `word ${i}`, workspace: '/w' });
      expect((await store.check()).checks.filter((check) => !check.ok)).toEqual([]);
    }
  });

  it('close the store and its log to others', async () => {
    const path = join(tempFolder(), 'store.db');
    const store = await openStore({ path });
    onTestFinished(() => store.close());
    await store.tasks.create({ prompt: 'mine' });
    const files = [path, `${path}-wal`, `${path}-shm`];
    for (const file of files) chmodSync(file, 0o644);
    expect((await store.check()).ok).toBe(false);
    await store.repair();
    for (const file of files) expect(statSync(file).mode & 0o777, file).toBe(0o600);
    expect((await store.check()).ok).toBe(true);
  });

  it('leave the mode of a folder alone that is not the store’s own', async () => {
    const folder = tempFolder();
    writeFileSync(join(folder, 'something else'), '');
    chmodSync(folder, 0o755);
    const store = await openStore({ path: join(folder, 'store.db') });
    onTestFinished(() => store.close());
    expect((await store.check()).ok).toBe(true);
    expect((await store.repair()).ok).toBe(true);
    expect(statSync(folder).mode & 0o777).toBe(0o755);
    rmSync(join(folder, 'something else'));
    expect((await store.check()).ok).toBe(false);
    expect((await store.repair()).ok).toBe(true);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
  });

  it('notices a message whose session is gone and a blob that was changed', async () => {
    const store = await tempStore();
    const { id } = await store.sessions.create({ workspace: '/w' });
    await store.sessions.appendMessages(id, [{ role: 'user', content: noise(20_000) }]);
    const driver = new Driver(store.path);
    driver.exec(`update blob_chunks set codec = 'raw', data = x'00'`);
    driver.exec('delete from sessions');
    const problems = (await store.check()).checks.filter((check) => !check.ok);
    const names = problems.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(['orphans', 'blobs']));
    const orphans = problems.find(({ name }) => name === 'orphans');
    expect(orphans?.detail).toMatch(/^1 messages without a session\. .*"sync now".*"import"/);
  });
});
