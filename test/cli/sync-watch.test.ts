import { once } from 'node:events';
import { describe, expect, it, vi } from 'vitest';
import { HttpHub } from '../../src/sync/hub/http-hub.ts';
import { startFaultProxy, type FaultProxy } from '../support/fault-proxy.ts';
import { startSqld, type Sqld } from '../support/sqld.ts';
import { setupCli, type Cli } from './run-cli.ts';

interface Watcher {
  readonly pid: number;
  /** What it printed so far. */
  readonly out: () => string;
  readonly errors: () => string;
  /** Waits until it has printed this. */
  says(text: string | RegExp): Promise<void>;
  /** As Ctrl+C does. @returns the exit code */
  interrupt(): Promise<number | null>;
}

const SOON = { timeout: 20_000, interval: 20 };

async function setup(): Promise<{ cli: Cli; sqld: Sqld; proxy: FaultProxy }> {
  const sqld = await startSqld();
  const proxy = await startFaultProxy(sqld.url, { only: ({ url }) => url === '/v3/pipeline' });
  const cli = await setupCli();
  const { code, stderr } = await cli.run('sync', 'enable', proxy.url, '--no-encryption');
  expect([code, stderr.split('\n')[0]]).toEqual([0, expect.stringContaining('sync now') as string]);
  return { cli, sqld, proxy };
}

function watch(cli: Cli, ...args: string[]): Watcher {
  const child = cli.start(...args, 'sync', 'watch');
  const ended = once(child, 'exit') as Promise<[number | null]>;
  let out = '';
  let errors = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
  return {
    pid: child.pid ?? 0,
    out: () => out,
    errors: () => errors,
    says: (text) =>
      vi.waitFor(() => {
        expect(out + errors).toMatch(text);
      }, SOON),
    interrupt: async () => {
      child.kill('SIGINT');
      return (await ended)[0];
    },
  };
}

const events = (watcher: Watcher) =>
  watcher
    .out()
    .split('\n')
    .filter((line) => line !== '')
    .map(
      (line) => JSON.parse(line) as { event: string; error?: { code: string }; leader?: string },
    );

describe('sync watch', () => {
  it('tells once that the hub is lost, and that it is back, and ends well at Ctrl+C', async () => {
    const { cli, proxy } = await setup();
    const watcher = watch(cli);
    await watcher.says('in step with the hub until Ctrl');
    await watcher.says(/sent \d+, received/);

    proxy.always({ kind: 'answer', status: 502 });
    const before = proxy.happened.answer;
    await cli.run('task', 'add', 'while it is away');
    await proxy.seen('answer', before + 2);
    expect(watcher.errors().match(/warning:/g)).toHaveLength(1);
    expect(watcher.errors()).toMatch(/answered with status 502\. Changes stay .* Trying again/);
    proxy.always({ kind: 'pass' });
    await watcher.says('the hub is back');

    expect(await watcher.interrupt()).toBe(0);
    const status = await cli.json<{ leader: string | null; pendingRows: number }>('sync', 'status');
    expect(status).toMatchObject({ leader: null, pendingRows: 0 });
    expect(watcher.out()).not.toContain('hub');
  });

  it('tells programs on a line each who leads, what is refused and that it was revoked', async () => {
    const { cli, sqld, proxy } = await setup();
    const leader = watch(cli, '--json');
    await leader.says('"event":"leading"');
    await leader.says('"event":"exchanged"');
    const other = watch(cli, '--json');
    await other.says('"event":"standingBy"');
    expect(events(other)[0]?.leader).toContain(`${leader.pid}/`);

    proxy.next({ kind: 'answer', status: 401 });
    await cli.run('task', 'add', 'with a token that is refused');
    await leader.says('"HUB_ACCESS"');
    expect(await leader.interrupt()).toBe(0);
    expect(events(leader).map(({ event }) => event)).toEqual(['leading', 'exchanged', 'failed']);
    expect(leader.errors()).toBe('');

    await other.says('"event":"exchanged"');
    const hub = new HttpHub({ url: sqld.url, token: () => undefined });
    await hub.run([{ sql: 'update hub_devices set revoked_at = 1', params: [] }], 'write');
    hub.close();
    await cli.run('task', 'add', 'of one who is revoked');
    await other.says('"DEVICE_REVOKED"');
    expect(await other.interrupt()).toBe(0);
    expect(events(other).map(({ event }) => event)).toEqual(
      expect.arrayContaining(['standingBy', 'leading', 'exchanged', 'failed']),
    );
  });
});
