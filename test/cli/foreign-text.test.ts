import Driver from 'libsql';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { safeLine } from '../../src/cli/format.ts';
import { openStore } from '../../src/index.ts';
import { startSqld } from '../support/sqld.ts';
import { setupCli } from './run-cli.ts';

const HOSTILE = `x\u001b]0;pwned\u0007\u001b[2J\u202e\u061c\u200f\u2066\u009b31m\nerror     disk failing ${'y'.repeat(3000)}`;
/** All that a terminal would obey, but the ends of lines. */
const OBEYED =
  /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/;

/** A store that a hostile device and hub have told things. */
async function setup() {
  const { url } = await startSqld();
  const cli = await setupCli();
  const store = await openStore({ path: cli.db, durability: 'normal' });
  await store.sync.enable(url, { encryption: false, name: 'desk', pull: 'http' });
  await store.sync.now();
  await store.close();
  const at = new Date().toISOString();
  const device = { id: HOSTILE, name: HOSTILE, platform: HOSTILE, seenAt: at, revokedAt: null };
  const failure = { code: 'X', message: HOSTILE, hint: HOSTILE, retryable: true, at };
  const driver = new Driver(cli.db);
  driver
    .prepare('update sync_status set devices = ?, error = ?')
    .run(JSON.stringify([device]), JSON.stringify(failure));
  driver.close();
  return { cli, url };
}

describe('what other devices and the hub say', () => {
  it('reaches the terminal as plain text of one line, and not a long one', async () => {
    const { cli } = await setup();
    const { stdout } = await cli.run('sync', 'status');
    expect(stdout).not.toMatch(OBEYED);
    expect(stdout).toMatch(/^devices +x.*last seen/m);
    expect(stdout.match(/^error/gm)).toHaveLength(1);
    const devices = stdout.split('\n').find((line) => line.startsWith('devices')) ?? '';
    expect(devices.length).toBeLessThan(200);
    const json = await cli.run('--json', 'sync', 'status');
    expect(json.stdout).not.toMatch(OBEYED);
    const status = JSON.parse(json.stdout) as { devices: { name: string }[] };
    expect(status.devices[0]?.name).toBe(HOSTILE);
  });

  it('cannot come from here: a name with control characters is refused', async () => {
    const { cli, url } = await setup();
    const { code, stderr } = await cli.run('sync', 'enable', url, '--name', 'a\u001b[31mb');
    expect([code, stderr]).toEqual([2, expect.stringContaining('control characters')]);
    const keyFile = ['sync', 'key', '--passphrase-file', join(cli.folder, 'p')];
    expect(await cli.run(...keyFile)).toMatchObject({ code: 2 });
  });
});

it('text of a program is shown without the sequences that colour it', () => {
  expect(
    safeLine('\u001b[32mok\u001b[0m \u001b]8;;http://x\u0007link\u001b]8;;\u001b\\ \u001b(B.'),
  ).toBe('ok link .');
  // Of one that does not end only what a terminal obeys is taken.
  expect(safeLine('a\u001b]0;never ended')).toBe('a0;never ended');
  expect(safeLine('\u009d'.repeat(200_000))).toHaveLength(200_000);
});
