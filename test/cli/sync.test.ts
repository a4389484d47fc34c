import Driver from 'libsql';
import { randomBytes } from 'node:crypto';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  openStore,
  type Page,
  type Store,
  type SyncDevice,
  type SyncReport,
  type Task,
} from '../../src/index.ts';
import { startSqld } from '../support/sqld.ts';
import { setupCli, type Cli } from './run-cli.ts';

/** What is not the program's own word is done by the library: that is quicker. */
async function inStore<T>({ db }: Cli, job: (store: Store) => Promise<T>): Promise<T> {
  const store = await openStore({ path: db, durability: 'normal' });
  try {
    return await job(store);
  } finally {
    await store.close();
  }
}

async function pair(): Promise<{ url: string; a: Cli; b: Cli }> {
  const { url } = await startSqld();
  const [a, b] = await Promise.all([setupCli(), setupCli()]);
  for (const [cli, name] of [
    [a, 'desk'],
    [b, 'laptop'],
  ] as const) {
    await inStore(cli, ({ sync }) => sync.enable(url, { encryption: false, name, pull: 'http' }));
  }
  return { url, a, b };
}

const now = (cli: Cli) => inStore(cli, ({ sync }) => sync.now());

const devicesOf = (cli: Cli, ...action: string[]) =>
  cli.json<Page<SyncDevice>>('sync', 'devices', ...action);

describe('sync devices', () => {
  it('lists, renames and forgets, and a task is handed over by name', async () => {
    const { a, b } = await pair();
    const laptop = (await inStore(b, ({ sync }) => sync.status())).deviceId;
    const renamed = await devicesOf(a, 'rename', laptop, 'attic');
    expect(renamed.items.map(({ name }) => name).sort()).toEqual(['attic', 'desk']);
    const task = await inStore(a, ({ tasks }) => tasks.create({ prompt: 'compile' }));
    await now(a);
    const handed = await a.json<Task>('task', 'hand-over', task.id.slice(0, 15), 'attic');
    expect(handed.owner).toBe(laptop);
    await now(a);
    await now(b);
    await inStore(b, async ({ tasks, sync }) => {
      expect((await tasks.claim({ owner: 'worker', leaseMs: 1000 }))?.id).toBe(task.id);
      expect((await sync.status()).deviceName).toBe('attic');
    });
    const nobody = await a.run('task', 'hand-over', task.id, 'nobody');
    expect(nobody).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('sync devices') as string,
    });

    const left = await devicesOf(a, 'forget', laptop);
    expect(left.items.map(({ name }) => name)).toEqual(['desk']);
    const wrong = await Promise.all([
      a.run('sync', 'devices', 'rename', laptop),
      a.run('sync', 'devices', 'nope'),
    ]);
    expect(wrong.map(({ code }) => code)).toEqual([2, 2]);
  });
});

describe('sync conflicts', () => {
  it('lists, restores and dismisses', async () => {
    const { a, b } = await pair();
    const { id } = await inStore(a, ({ tasks }) => tasks.create({ prompt: 'compile' }));
    for (const one of [a, b]) await now(one);
    await inStore(b, ({ tasks }) => tasks.update(id, { prompt: 'of laptop' }));
    await inStore(a, ({ tasks }) => tasks.update(id, { prompt: 'of desk' }));
    for (const one of [b, a, b]) await now(one);
    const { stdout } = await b.run('sync', 'conflicts');
    expect(stdout).toMatch(/^NO +TABLE[^]*\n +1 +tasks .*of laptop/);

    expect(await b.json('sync', 'conflicts', 'restore', '1')).toMatchObject({ id });

    expect((await inStore(b, ({ tasks }) => tasks.get(id))).prompt).toBe('of laptop');
    expect(await b.json('sync', 'conflicts', 'dismiss', '--all')).toEqual({ dismissed: 0 });
    const again = await b.run('--json', 'sync', 'conflicts', 'dismiss', '1');
    expect([again.code, again.stderr]).toEqual([1, expect.stringContaining('"NOT_FOUND"')]);
    expect((await b.run('sync', 'conflicts', 'restore', '--all')).code).toBe(2);
  });
});

describe('sync status', () => {
  it('speaks to people in words', async () => {
    const { url, a } = await pair();
    await now(a);
    const ms = Date.now();
    const failure = { code: 'X', message: 'no answer', hint: 'Do this.', retryable: true };
    const error = JSON.stringify({ ...failure, at: new Date(ms - 120_000).toISOString() });
    const driver = new Driver(a.db);
    driver
      .prepare('update sync_status set clock_offset_ms = ?, synced_at = ?, error = ?')
      .run(86_399_996, ms - 3 * 3_600_000, error);
    driver.close();
    const { stdout } = await a.run('sync', 'status');
    expect(stdout).toContain(`hub       ${url} (not encrypted)`);
    expect(stdout).toMatch(/^clock +1 day behind the hub$/m);
    expect(stdout).toMatch(/^last sync .*\(3 hours ago\)$/m);
    expect(stdout).toMatch(/^error +no answer \(2 minutes ago\)\n +Do this\.$/m);
    expect(stdout).toMatch(/^devices +desk \(this one\), last seen .* \((just now|.* ago)\)$/m);
    expect(stdout).toMatch(/^worker +none is running$/m);
  });
});

describe('sync enable', () => {
  it('warns on standard error, and programs in the result', async () => {
    const { url } = await startSqld();
    const cli = await setupCli();
    const passphrase = join(cli.folder, 'passphrase');
    writeFileSync(passphrase, 'short\n');
    chmodSync(passphrase, 0o644);
    const args = ['sync', 'enable', url, '--passphrase-file', passphrase];
    const { code, stdout, stderr } = await cli.run('--quiet', ...args);
    expect([code, stdout.includes('warning')]).toEqual([0, false]);
    expect(stderr).toContain('warning: others on this machine can use the passphrase file: chmod');
    expect(stderr).toContain('fewer than 12 characters');
    expect((await cli.json<{ warnings: string[] }>(...args)).warnings).toHaveLength(2);
  });
});

/** A text that no compression makes as small as what the hub takes. */
function noise(): string {
  return randomBytes(5_200_000).toString('base64');
}

describe('sync now', () => {
  it('tells of a row that the hub does not take, and sync parked of what to do', async () => {
    const { a, b } = await pair();
    const { id } = await inStore(a, ({ tasks }) => tasks.create({ prompt: noise() }));

    expect((await a.json<SyncReport>('sync', 'now')).parked).toBe(1);

    expect((await now(a)).parked).toBe(0);
    const { stdout } = await a.run('sync', 'parked');
    expect(stdout).toMatch(new RegExp(`out +tasks +${id} +prompt +size .*Make it smaller`));
    await now(b);
    expect((await inStore(b, ({ tasks }) => tasks.list())).items).toEqual([]);
  });
});
