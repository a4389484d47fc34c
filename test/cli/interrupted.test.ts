import { once } from 'node:events';
import { existsSync, readdirSync, readlinkSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import Driver from 'libsql';
import { expect, it, onTestFinished, vi } from 'vitest';
import { startFaultProxy } from '../support/fault-proxy.ts';
import { SmallHome } from '../support/small-home.ts';
import { startSqld } from '../support/sqld.ts';
import { setupCli, type Cli } from './run-cli.ts';

const SOON = { timeout: 20_000, interval: 5 };
const NOTE = 'stopping after the work under way; once more stops it at once';

interface Running {
  readonly said: { out: string; errors: string };
  kill(signal: NodeJS.Signals): void;
  /** Waits until it has the store open. */
  isAtWork(): Promise<void>;
  /** The exit code, or the signal that ended it. */
  readonly ended: Promise<number | string | null>;
}

function start(cli: Cli, ...args: string[]): Running {
  const child = cli.start(...args);
  const said = { out: '', errors: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said.out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said.errors += text));
  return {
    said,
    kill: (signal) => child.kill(signal),
    isAtWork: async () => {
      await vi.waitFor(() => {
        expect(openFiles(child.pid ?? 0)).toContain(cli.db);
      }, SOON);
      // From opening it to the first write, which waits for the lock.
      await sleep(500);
    },
    ended: once(child, 'close').then(([code, signal]) => (code ?? signal) as number | string),
  };
}

function openFiles(pid: number): string[] {
  const folder = `/proc/${pid}/fd`;
  return readdirSync(folder).map((fd) => {
    try {
      return readlinkSync(join(folder, fd));
    } catch {
      return '';
    }
  });
}

/** A store to which another program is writing: whoever wants to write waits. */
async function heldStore(): Promise<{ cli: Cli; release: () => void }> {
  const cli = await setupCli();
  const home = new SmallHome();
  home.line('audit.log', { ts: '2026-01-01T00:00:00Z', event: 'x' });
  expect((await cli.run('import', home.root)).code).toBe(0);
  const driver = new Driver(cli.db);
  onTestFinished(() => {
    driver.close();
  });
  driver.exec('begin immediate');
  return { cli, release: () => driver.exec('rollback') };
}

function homeOfAudit(count: number): SmallHome {
  const home = new SmallHome();
  for (let i = 0; i < count; i++) {
    home.line('audit.log', { ts: '2026-01-01T00:00:00Z', event: `event ${i}` });
  }
  return home;
}

it.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('an import that hears %s stops and says what is in', async (signal, code) => {
  const { cli, release } = await heldStore();
  const home = homeOfAudit(3);
  const command = start(cli, 'import', home.root);
  await command.isAtWork();
  command.kill(signal);
  await vi.waitFor(() => {
    expect(command.said.errors).toContain(NOTE);
  }, SOON);
  release();
  expect(await command.ended).toBe(code);
  expect(command.said.out).toBe('');
  expect(command.said.errors).toContain(
    'the import was stopped before its end; 0 new records and 0 changed ones are in',
  );
  expect(command.said.errors).toContain('goes on where this one ended');
  const report = await cli.json<{ totals: { imported: number } }>('import', home.root);
  expect(report.totals.imported).toBe(3);
});

it('with --json what stopped is one error', async () => {
  const { cli, release } = await heldStore();
  const command = start(cli, '--json', 'import', homeOfAudit(3).root);
  await command.isAtWork();
  command.kill('SIGINT');
  await sleep(100);
  release();
  expect(await command.ended).toBe(130);
  expect(command.said.out).toBe('');
  expect(JSON.parse(command.said.errors)).toMatchObject({
    error: { code: 'STOPPED', retryable: true },
  });
});

it('a second signal ends it at once', async () => {
  const { cli } = await heldStore();
  const command = start(cli, 'import', homeOfAudit(3).root);
  await command.isAtWork();
  command.kill('SIGINT');
  await vi.waitFor(() => {
    expect(command.said.errors).toContain(NOTE);
  }, SOON);
  command.kill('SIGINT');
  expect(await command.ended).toBe(130);
});

it('a write that was done all the same is no failure', async () => {
  const { cli, release } = await heldStore();
  const command = start(cli, '--json', 'task', 'add', 'done all the same');
  await command.isAtWork();
  command.kill('SIGINT');
  await sleep(100);
  release();
  expect(await command.ended).toBe(0);
  const { id } = JSON.parse(command.said.out) as { id: string };
  expect(command.said.errors).toBe('');
  expect(await cli.json('task', 'show', id)).toMatchObject({ prompt: 'done all the same' });
});

it('what waits for the network ends, and says that it did not come to its end', async () => {
  const sqld = await startSqld();
  const proxy = await startFaultProxy(sqld.url, { only: ({ url }) => url === '/v3/pipeline' });
  const cli = await setupCli();
  expect((await cli.run('sync', 'enable', proxy.url, '--no-encryption')).code).toBe(0);
  proxy.always({ kind: 'black-hole' });
  const command = start(cli, 'sync', 'now');
  await proxy.seen('black-hole', 1);
  command.kill('SIGINT');
  expect(await command.ended).toBe(130);
  expect(command.said).toEqual({
    out: '',
    errors: expect.stringContaining('interrupted before the end') as string,
  });
});

it('what holds the thread is ended by the system, and leaves nothing half-done under its name', async () => {
  const cli = await setupCli();
  await cli.run('task', 'add', 'kept');
  const driver = new Driver(cli.db);
  driver.exec(`create table ballast (bytes blob);
    with recursive n (i) as (select 1 union all select i + 1 from n where i < 150)
    insert into ballast select randomblob(1000000) from n`);
  driver.close();
  const target = join(cli.folder, 'copy.db');
  const command = start(cli, 'backup', target);
  await vi.waitFor(() => {
    const partial = readdirSync(dirname(target)).find((name) => name.endsWith('.partial'));
    expect(statSync(join(cli.folder, partial ?? '')).size).toBeGreaterThan(1_000_000);
  }, SOON);
  command.kill('SIGINT');
  expect(await command.ended).toBe('SIGINT');
  expect(command.said.out).toBe('');
  expect(existsSync(target)).toBe(false);
  expect((await cli.run('backup', target)).code).toBe(0);
});

it('a vacuum, too', async () => {
  const { cli, release } = await heldStore();
  const command = start(cli, 'vacuum');
  await command.isAtWork();
  command.kill('SIGTERM');
  expect(await command.ended).toBe('SIGTERM');
  release();
  expect((await cli.run('vacuum')).code).toBe(0);
});
