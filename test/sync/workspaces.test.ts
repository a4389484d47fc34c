import { mkdirSync, readFileSync, readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openStore } from '../../src/index.ts';
import { sessions as table } from '../../src/model/registers.ts';
import { IMPORT_DEVICE } from '../../src/model/version.ts';
import { FileHub } from '../support/file-hub.ts';
import { gitRepository } from '../support/git-repository.ts';
import { syncDevice, type SyncDevice } from '../support/sync-device.ts';
import { tempFolder } from '../support/temp-store.ts';

const CANARY = 'glpat-canary0123456789';

/** Two devices on one hub. Only the disk of the one that somebody sits at is there. */
async function setup() {
  const base = tempFolder();
  const hub = new FileHub({ path: join(base, 'hub.db') });
  const a = await syncDevice('a', hub);
  const b = await syncDevice('b', hub);
  for (const name of ['disk', 'off/a', 'off/b']) mkdirSync(join(base, name), { recursive: true });
  let here: SyncDevice | undefined;
  const sitAt = (device: SyncDevice) => {
    if (here === device) return;
    if (here) renameSync(join(base, 'disk', here.name), join(base, 'off', here.name));
    renameSync(join(base, 'off', device.name), join(base, 'disk', device.name));
    here = device;
  };
  return {
    a,
    b,
    base,
    sitAt,
    clone: (device: SyncDevice, name: string, url: string) => {
      sitAt(device);
      return gitRepository(join(base, 'disk', device.name, name), url);
    },
    /** Titles and folders of the sessions of a workspace, as the device lists them. */
    found: async (device: SyncDevice, workspace: string) => {
      sitAt(device);
      const { items } = await device.store.sessions.list({ workspace });
      await device.store.transaction(() => undefined);
      return items.map((session) => [session.title, session.workspace]).sort();
    },
    exchange: async () => {
      for (const device of [a, b, a]) await device.sync();
    },
    hubFiles: () => readdirSync(base).filter((name) => name.startsWith('hub.db')),
  };
}

/** The workspace as it stands in the row, whatever is shown. */
const stored = ({ database }: SyncDevice, id: string) =>
  database.read(
    (reader) => reader.rows('select workspace from sessions where id = ?', [id])[0]?.[0],
  );

describe('a workspace on two devices', () => {
  it('is each one’s own folder, found and shown on both', async () => {
    const { a, b, clone, exchange, found, sitAt, hubFiles, base } = await setup();
    const onA = clone(a, 'src/proj', `https://me:${CANARY}@git.example/org/proj.git`);
    const onB = clone(b, 'work/proj-clone', 'git@GIT.example:org/proj');
    sitAt(a);
    const { id } = await a.store.sessions.create({ title: 'of a', workspace: onA });
    await exchange();
    sitAt(b);
    expect((await b.store.sessions.get(id)).workspace).toBe(onA);
    const reader = await openStore({ path: b.store.path, readOnly: true });
    const read = await reader.sessions.list({ workspace: onB });
    expect(read.items).toMatchObject([{ title: 'of a', workspace: onB }]);
    await reader.close();
    expect(await found(b, onB)).toEqual([['of a', onB]]);
    // From then on the folder is known, to lists of everything too.
    expect((await b.store.sessions.get(id)).workspace).toBe(onB);
    expect((await b.store.sessions.list()).items.map((session) => session.workspace)).toEqual([
      onB,
    ]);
    await b.store.sessions.create({ title: 'of b', workspace: onB });
    await exchange();
    expect(await found(a, onA)).toEqual([
      ['of a', onA],
      ['of b', onA],
    ]);
    expect(await found(b, onB)).toEqual([
      ['of a', onB],
      ['of b', onB],
    ]);
    // What was recorded holds while the folder is away.
    sitAt(a);
    const away = await b.store.sessions.list({ workspace: onB });
    expect(away.items.map((session) => session.title)).toEqual(['of b', 'of a']);
    // The path of the other device may be asked for as well.
    expect(await found(b, onA)).toEqual([['of a', onB]]);
    for (const name of hubFiles()) {
      expect(readFileSync(join(base, name)).includes(CANARY)).toBe(false);
    }
  });

  it('is a folder of a repository and not all of it', async () => {
    const { a, b, clone, exchange, found, sitAt } = await setup();
    const onA = clone(a, 'proj', 'git@git.example:org/proj');
    const onB = clone(b, 'clone', 'git@git.example:org/proj');
    sitAt(a);
    await a.store.sessions.create({ title: 'root', workspace: onA });
    const { id } = await a.store.sessions.create({ title: 'git', workspace: join(onA, '.git') });
    await exchange();
    expect(await found(b, onB)).toEqual([['root', onB]]);
    expect(await found(b, join(onB, '.git'))).toEqual([['git', join(onB, '.git')]]);
    expect((await b.store.sessions.get(id)).workspace).toBe(join(onB, '.git'));
  });

  it('keeps the stored path through updates, forks and exports of the other device', async () => {
    const { a, b, clone, exchange, found, sitAt, base } = await setup();
    const onA = clone(a, 'proj', 'git@git.example:org/proj');
    const onB = clone(b, 'clone', 'git@git.example:org/proj');
    sitAt(a);
    const { id } = await a.store.sessions.create({ title: 'of a', workspace: onA });
    await exchange();
    sitAt(b);
    const early = await b.store.sessions.fork(id, { title: 'early fork' });
    expect(early.workspace).toBe(onA);
    await found(b, onB);
    const shown = await b.store.sessions.get(id);
    const updated = await b.store.sessions.update(id, { workspace: shown.workspace, model: 'm' });
    expect(updated.workspace).toBe(onB);
    expect(await stored(b, id)).toBe(onA);
    const fork = await b.store.sessions.fork(id, { title: 'fork' });
    expect([fork.workspace, await stored(b, fork.id)]).toEqual([onB, onB]);
    await exchange();
    const onBoth = ['early fork', 'fork', 'of a'];
    expect(await found(a, onA)).toEqual(onBoth.map((title) => [title, onA]));
    expect((await a.store.sessions.get(fork.id)).workspace).toBe(onA);
    sitAt(b);
    expect((await b.store.sessions.get(early.id)).workspace).toBe(onB);
    const dir = join(base, 'export');
    await b.store.export(dir, { format: 'legacy', session: id });
    const file = readFileSync(join(dir, 'sessions', `${id}.json`), 'utf8');
    expect(file).toContain(JSON.stringify(onA));
    expect(file).not.toContain(JSON.stringify(onB));
  });

  it('follows a session that the other device moves to another repository', async () => {
    const { a, b, clone, exchange, found, sitAt } = await setup();
    const [one, two] = [clone(a, 'one', 'git.example:one'), clone(a, 'two', 'git.example:two')];
    const other = clone(b, 'second', 'git.example:two');
    sitAt(a);
    const { id } = await a.store.sessions.create({ title: 's', workspace: one });
    await a.store.sessions.create({ title: 't', workspace: two });
    await exchange();
    sitAt(b);
    await b.store.sessions.update(id, { workspace: other });
    await exchange();
    expect(await found(b, other)).toEqual([
      ['s', other],
      ['t', other],
    ]);
    expect(await found(a, two)).toEqual([
      ['s', two],
      ['t', two],
    ]);
    expect((await a.store.sessions.get(id)).workspace).toBe(two);
    expect(await found(a, one)).toEqual([]);
  });

  it('is told by its path where there is no remote, but not where that is known to be another', async () => {
    const { a, b, clone, exchange, found, base } = await setup();
    const plain = join(base, 'container', 'workspace');
    await a.store.sessions.create({ title: 'plain', workspace: plain });
    await exchange();
    expect(await found(b, plain)).toEqual([['plain', plain]]);
    // One path, another repository on each device.
    const shared = join(base, 'shared');
    gitRepository(shared, 'git.example:one');
    await a.store.sessions.create({ title: 'one', workspace: shared });
    gitRepository(shared, 'git.example:two');
    await b.store.sessions.create({ title: 'two', workspace: shared });
    await exchange();
    expect(await found(b, shared)).toEqual([['two', shared]]);
    const clonedOne = clone(b, 'one', 'git.example:one');
    expect(await found(b, clonedOne)).toEqual([['one', clonedOne]]);
  });

  it('is not joined by a remote that is of one machine', async () => {
    const { a, b, clone, exchange, found, sitAt } = await setup();
    for (const [i, url] of [
      '/srv/git/x.git',
      'file:///srv/y',
      'http://localhost:3000/z',
    ].entries()) {
      const [onA, onB] = [clone(a, `p${i}`, url), clone(b, `q${i}`, url)];
      sitAt(a);
      await a.store.sessions.create({ title: 'of a', workspace: onA });
      await exchange();
      expect(await found(b, onB)).toEqual([]);
      expect(await found(a, onA)).toEqual([['of a', onA]]);
    }
  });

  it('is known of imported sessions by the path of whichever device has it', async () => {
    const { a, b, clone, exchange, found, sitAt } = await setup();
    const onA = clone(a, 'proj', 'git@git.example:org/proj');
    const onB = clone(b, 'clone', 'git@git.example:org/proj');
    await a.database.write({ now: Date.now }, (transaction) => {
      const [at, body] = [1_700_000_000_000, { body: '{}', body_hash: null }];
      const unset = { parent_id: null, archived_at: null, deleted_at: null };
      const row = { id: 'old', title: 'imported', workspace: onA, model: 'm', created_at: at };
      transaction.insert(
        table,
        { ...row, ...unset, updated_at: at, message_count: 0, ...body },
        { ms: at, device: IMPORT_DEVICE },
      );
    });
    await exchange();
    expect(await found(b, onB)).toEqual([]);
    expect(await found(a, onA)).toEqual([['imported', onA]]);
    await exchange();
    expect(await found(b, onB)).toEqual([['imported', onB]]);
    expect((await b.store.sessions.get('old')).workspace).toBe(onB);
    sitAt(a);
    expect((await a.store.sessions.get('old')).workspace).toBe(onA);
  });

  it('opens in the folder that was recorded last, where there are several', async () => {
    const { a, b, clone, exchange, found } = await setup();
    const url = 'git@git.example:org/proj';
    const { id } = await a.store.sessions.create({ workspace: clone(a, 'proj', url) });
    const [first, second] = [clone(b, 'first', url), clone(b, 'second', url)];
    await exchange();
    await found(b, first);
    await found(b, second);
    expect((await b.store.sessions.get(id)).workspace).toBe(second);
    expect(await found(b, first)).toEqual([['New Session', first]]);
  });
});
