import Driver from 'libsql';
import { mkdirSync, readFileSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openStore, restoreStore, type SessionListOptions, type Store } from '../../src/index.ts';
import { clonedFrom, gitRepository, writeBelow } from '../support/git-repository.ts';
import { expectIndexed, statementLog } from '../support/query-plans.ts';
import { tempFolder, tempStore } from '../support/temp-store.ts';

const HTTPS = 'https://git.example/org/proj.git';
const SSH = 'git@git.example:org/proj';

interface PlaceRow {
  path: string;
  remote: string;
  relative_path: string;
  place_version: string;
}

/** What is recorded, once the writes that were begun have ended. */
async function places(store: Store): Promise<PlaceRow[]> {
  await store.transaction(() => undefined);
  const driver = new Driver(store.path);
  try {
    return driver.prepare('select * from workspaces order by path').all() as PlaceRow[];
  } finally {
    driver.close();
  }
}

const titles = async (store: Store, options: SessionListOptions) =>
  (await store.sessions.list(options)).items.map((session) => session.title).sort();

describe('the place of a workspace', () => {
  it('is recorded with the first session there, and again only when it changes', async () => {
    const store = await tempStore();
    const root = gitRepository(join(tempFolder(), 'proj'), HTTPS);
    const workspace = join(root, 'packages', 'core');
    mkdirSync(workspace, { recursive: true });
    await store.sessions.create({ workspace });
    const [first, ...more] = await places(store);
    expect(first).toMatchObject({
      path: workspace,
      remote: 'git.example/org/proj',
      relative_path: 'packages/core',
    });
    expect(more).toEqual([]);
    await store.sessions.create({ workspace });
    await store.sessions.list({ workspace });
    expect(await places(store)).toEqual([first]);
    gitRepository(root, 'https://git.example/org/renamed');
    await store.sessions.list({ workspace });
    expect(await places(store)).toMatchObject([{ remote: 'git.example/org/renamed' }]);
  });

  it('is not recorded where there is none, and what is broken does no harm', async () => {
    const store = await tempStore();
    const base = tempFolder();
    const at = (name: string) => join(base, name);
    for (const name of ['plain', 'empty/.git', 'loop/.git/config']) {
      mkdirSync(at(name), { recursive: true });
    }
    writeBelow(base, 'alone/.git/config', '[core]\n\tbare = false\n');
    writeBelow(base, 'broken/.git/config', '[remote "origin"\n\turl = x.example:y\n');
    writeBelow(base, 'nowhere/.git', 'gitdir: ../gone/.git/worktrees/nowhere\n');
    writeBelow(base, 'odd/.git', 'not what git writes');
    writeBelow(base, 'huge/.git/config', `${clonedFrom(HTTPS)}#${'x'.repeat(1 << 20)}\n`);
    const paths = ['plain', 'empty', 'loop', 'alone', 'broken', 'nowhere', 'odd', 'huge', 'gone'];
    for (const workspace of [...paths.map(at), '.', 'a\0b', '~/x', '/'.repeat(9999)]) {
      const { id } = await store.sessions.create({ workspace });
      const page = await store.sessions.list({ workspace });
      expect(page.items.map((session) => session.id)).toEqual([id]);
      expect(page.items[0]?.workspace).toBe(workspace);
    }
    expect(await places(store)).toEqual([]);
  });

  it('is known of worktrees and submodules', async () => {
    const store = await tempStore();
    const base = tempFolder();
    const main = gitRepository(join(base, 'main'), HTTPS);
    writeBelow(main, '.git/worktrees/fix/commondir', '../..\n');
    writeBelow(base, 'fix/.git', `gitdir: ${join(main, '.git', 'worktrees', 'fix')}\n`);
    writeBelow(main, '.git/modules/lib/config', clonedFrom('ssh://git@git.example/org/lib'));
    writeBelow(main, 'lib/.git', 'gitdir: ../.git/modules/lib\n');
    for (const name of ['fix', 'main/lib']) {
      await store.sessions.create({ workspace: join(base, name) });
    }
    expect(await places(store)).toMatchObject([
      { path: join(base, 'fix'), remote: 'git.example/org/proj', relative_path: '' },
      { path: join(base, 'main/lib'), remote: 'git.example/org/lib', relative_path: '' },
    ]);
  });

  it('holds nothing of the credentials in the URL of a remote', async () => {
    const store = await tempStore();
    const base = tempFolder();
    const canary = 'ghp_canary0123456789';
    const urls = [
      `https://me:${canary}@git.example/org/a.git`,
      `https://${canary}@git.example/org/b`,
      `ssh://git:${canary}@git.example:22/org/c`,
      `oauth2:${canary}@git.example:org/d`,
      `https://git.example/org/e?private_token=${canary}`,
      `https://me:1/${canary}@git.example/org/f`,
    ];
    for (const [i, url] of urls.entries()) {
      await store.sessions.create({ workspace: gitRepository(join(base, `r${i}`), url) });
    }
    expect((await places(store)).map((place) => place.remote)).toEqual(
      ['a', 'b', 'c', 'd', 'e'].map((name) => `git.example/org/${name}`),
    );
    await store.close();
    const folder = dirname(store.path);
    for (const file of readdirSync(folder)) {
      expect(readFileSync(join(folder, file)).includes(canary), file).toBe(false);
    }
  });

  it('is left alone by lists of a store that is open for reading', async () => {
    const writer = await tempStore();
    const workspace = gitRepository(join(tempFolder(), 'proj'), HTTPS);
    await writer.sessions.create({ title: 'old', workspace: join(workspace, 'gone') });
    const reader = await openStore({ path: writer.path, readOnly: true });
    onTestFinished(() => reader.close());
    expect((await reader.sessions.list({ workspace })).items).toEqual([]);
    expect((await reader.sessions.list()).items).toHaveLength(1);
    expect(await places(writer)).toEqual([]);
  });

  it('is not recorded by a transaction that is undone', async () => {
    const store = await tempStore();
    const workspace = gitRepository(join(tempFolder(), 'proj'), HTTPS);
    const failed = store.transaction(async (tx) => {
      await tx.sessions.create({ workspace });
      await tx.sessions.list({ workspace });
      throw new Error('no');
    });
    await expect(failed).rejects.toThrow('no');
    expect(await places(store)).toEqual([]);
  });
});

describe('the sessions of a workspace', () => {
  it('stay apart in two clones on one machine', async () => {
    const store = await tempStore();
    const base = tempFolder();
    const [one, two] = [
      gitRepository(join(base, 'one'), HTTPS),
      gitRepository(join(base, 'two'), SSH),
    ];
    const made = await store.sessions.create({ title: 'in one', workspace: one });
    await store.sessions.create({ title: 'in two', workspace: two });
    expect(await titles(store, { workspace: one })).toEqual(['in one']);
    expect(await titles(store, { workspace: two })).toEqual(['in two']);
    expect(await titles(store, { workspace: `${two}/` })).toEqual(['in two']);
    expect((await store.sessions.get(made.id)).workspace).toBe(one);
    // One that was imported is of the folder that it names, though another device has that path too.
    const driver = new Driver(store.path);
    driver.exec(`insert into workspaces values ('D/x', 'D', '${two}', 'git.example/org/proj', '', 'v');
      update sessions set device = 'import' where title = 'in two'`);
    driver.close();
    expect(await titles(store, { workspace: one })).toEqual(['in one']);
    expect(await titles(store, { workspace: two })).toEqual(['in two']);
  });

  it('stay apart in two clones on one machine, also once the store was restored', async () => {
    const base = tempFolder();
    const [one, two] = [join(base, 'one'), join(base, 'two')];
    for (const clone of [one, two]) gitRepository(clone, HTTPS);
    const path = join(base, 'store.db');
    const before = await openStore({ path });
    const { id } = await before.sessions.create({ title: 'of one', workspace: one });
    await before.backup(join(base, 'copy.db'));
    await before.close();
    await restoreStore(join(base, 'copy.db'), path);
    const store = await openStore({ path });
    onTestFinished(() => store.close());
    for (let i = 0; i < 2; i++) {
      expect(await titles(store, { workspace: two })).toEqual([]);
      expect(await titles(store, { workspace: one })).toEqual(['of one']);
      expect((await store.sessions.get(id)).workspace).toBe(one);
      // What is recorded of both now changes nothing.
      for (const workspace of [one, two])
        await store.sessions.create({ title: 'later', workspace });
      for (const { id: own, title } of (await store.sessions.list()).items) {
        if (title === 'later') await store.sessions.delete(own);
      }
    }
  });

  it('come along when the folder is moved', async () => {
    const store = await tempStore();
    const base = tempFolder();
    const old = gitRepository(join(base, 'old'), HTTPS);
    const { id } = await store.sessions.create({ title: 'before', workspace: old });
    const moved = join(base, 'moved');
    renameSync(old, moved);
    const page = await store.sessions.list({ workspace: moved });
    expect(page.items).toMatchObject([{ id, workspace: moved }]);
    await store.sessions.create({ title: 'after', workspace: moved });
    expect(await titles(store, { workspace: moved })).toEqual(['after', 'before']);
    expect((await store.sessions.get(id)).workspace).toBe(moved);
    // As it was recorded it can be asked for too.
    expect(await titles(store, { workspace: old })).toContain('before');
    rmSync(moved, { recursive: true });
    expect((await store.sessions.get(id)).workspace).toBe(old);
  });

  it('keep their folder where an update says what is so already', async () => {
    const store = await tempStore();
    const base = tempFolder();
    const [old, moved, other] = ['old', 'moved', 'other'].map((name) => join(base, name)) as [
      string,
      string,
      string,
    ];
    const { id } = await store.sessions.create({ workspace: gitRepository(old, HTTPS) });
    renameSync(old, moved);
    await store.sessions.list({ workspace: moved });
    await store.sessions.update(id, { workspace: moved, model: 'm' });
    const driver = new Driver(store.path);
    const stored = () =>
      (driver.prepare('select workspace from sessions').get() as { workspace: string }).workspace;
    expect(stored()).toBe(old);
    await store.sessions.update(id, { workspace: gitRepository(other, 'h.example:other') });
    expect(stored()).toBe(other);
    driver.close();
    expect((await store.sessions.get(id)).workspace).toBe(other);
    expect((await places(store)).map((place) => place.path)).toEqual([moved, old, other]);
  });
});

describe('a list by workspace', () => {
  /** Sessions of this workspace on other devices, in `paths` folders, among others. */
  function fill(path: string, workspace: string, paths: number): void {
    const driver = new Driver(path);
    driver.exec(`
      begin;
      with recursive n (i) as (select 0 union all select i + 1 from n where i < ${paths - 1})
      insert into workspaces (id, device, path, remote, relative_path, place_version)
      select 'D' || i || '/x', 'D' || i, '/there/' || i, 'git.example/org/proj', '', 'v' from n;
      with recursive n (i) as (select 0 union all select i + 1 from n where i < 199)
      insert into sessions (id, device, title, workspace, model, created_at, updated_at, archived_at,
        deleted_at, message_count, body, title_version, archive_version, deleted_version,
        purge_version, details_version)
      select printf('s%03d', i),
        case i % 5 when 0 then 'import' when 1 then 'Dx' else 'D' || (i % ${paths}) end,
        'title ' || (i * 37 % 100), iif(i % 7 = 0, '${workspace}', '/there/' || (i % ${paths})), 'm',
        i * 31 % 50, i * 17 % 50, iif(i % 3 = 0, 1, null), iif(i % 11 = 0, 1, null), i % 13, '{}',
        '0', '0', '0', '0', '0' from n;
      commit;`);
    driver.close();
  }

  /** Of those, what belongs to it: the devices `D…` where they say so, and whatever was imported. */
  const belongs = (id: string) => {
    const i = Number(id.slice(1));
    return i % 7 === 0 || i % 5 !== 1;
  };

  it.each([1, 3, 40])('gives every page in order on indexes, of %i folders', async (paths) => {
    const log = statementLog();
    const store = await tempStore({ logger: log.logger });
    const workspace = gitRepository(join(tempFolder(), 'proj'), HTTPS);
    await store.sessions.list({ workspace });
    await store.transaction(() => undefined);
    fill(store.path, workspace, paths);
    log.take();
    for (const filter of [{}, { archived: 'only' }, { archived: 'include' }, { deleted: true }]) {
      for (const sort of ['updated', 'created', 'title', 'messages'] as const) {
        const options = { ...(filter as SessionListOptions), sort };
        const all = await store.sessions.list({ ...options, limit: 1000 });
        const expected = all.items.map((session) => session.id).filter(belongs);
        expect(expected.length).toBeGreaterThan(5);
        expect(await pagesOf(store, { ...options, workspace, limit: 7 })).toEqual(expected);
      }
    }
    const statements = log.take();
    expect(statements.some((sql) => sql.includes('union all'))).toBe(paths < 16);
    expectIndexed(store.path, statements);
    const wanted = [...new Set(statements)].filter((sql) =>
      /sessions_workspace|from workspaces/.test(sql),
    );
    expect(
      wanted
        .flatMap((sql) => stepsOf(store, sql))
        .filter((step) => /^SCAN (?!json_each|\()/.test(step)),
    ).toEqual([]);
  });

  function stepsOf(store: Store, sql: string): string[] {
    const driver = new Driver(store.path);
    const params = sql.match(/\?/g)?.map(() => null) ?? [];
    const plan = driver.prepare(`explain query plan ${sql}`).all(params) as { detail: string }[];
    driver.close();
    return plan.map((step) => step.detail);
  }

  async function pagesOf(store: Store, options: SessionListOptions): Promise<string[]> {
    const ids: string[] = [];
    for (let cursor: string | null | undefined; cursor !== null;) {
      const page: Awaited<ReturnType<typeof store.sessions.list>> = await store.sessions.list({
        ...options,
        cursor,
      });
      ids.push(...page.items.map((session) => session.id));
      expect(page.items.every((session) => session.workspace === options.workspace)).toBe(true);
      cursor = page.nextCursor;
    }
    return ids;
  }
});
