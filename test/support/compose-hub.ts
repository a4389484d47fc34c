import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { readFileSync } from 'node:fs';
import { onTestFinished } from 'vitest';
import { hub } from '../../src/index.ts';
import { parseEnv, readCompose, serviceOf, type ComposeFile } from './compose-file.ts';
import { freePort, sqldBinary } from './sqld.ts';
import { tempFolder } from './temp-store.ts';

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A process in place of a container. */
export interface Container {
  readonly pid: number;
  /** Ends it, by default as `docker stop` does. */
  end(signal?: NodeJS.Signals): Promise<void>;
}

/**
 * The services of `docker-compose.yml` without Docker: the same programs, arguments and environment,
 * on the loopback. Only addresses and folders are others, since every container has its own.
 */
export class ComposeHub {
  readonly file: ComposeFile;
  /** The folder of `.env`, and in it a folder for each volume. */
  readonly dir: string;
  readonly token: string;
  readonly #ports: Record<'http' | 'grpc' | 'admin' | 'replica', number>;

  constructor(dir: string, token: string, ports: ComposeHub['ports']) {
    this.dir = dir;
    this.token = token;
    this.#ports = ports;
    this.file = readCompose(parseEnv(readFileSync(join(dir, '.env'), 'utf8')));
  }

  get ports(): Readonly<Record<'http' | 'grpc' | 'admin' | 'replica', number>> {
    return this.#ports;
  }

  get url(): string {
    return `http://127.0.0.1:${this.ports.http}`;
  }

  /** The environment of a service, with the addresses that it has here. */
  environment(service: string): Record<string, string> {
    const own = service === 'replica' ? this.ports.replica : this.ports.http;
    const here = (text: string) =>
      text
        .replace('0.0.0.0:8080', `127.0.0.1:${own}`)
        .replace('0.0.0.0:5001', `127.0.0.1:${this.ports.grpc}`)
        .replace('hub:5001', `127.0.0.1:${this.ports.grpc}`)
        .replace('127.0.0.1:8081', `127.0.0.1:${this.ports.admin}`)
        .replace('hub:8080', `127.0.0.1:${this.ports.http}`)
        .replace('/var/lib/sqld', this.dir)
        .replace('/backups', join(this.dir, 'backups'));
    const given = serviceOf(this.file, service).environment;
    return Object.fromEntries(Object.entries(given).map(([name, text]) => [name, here(text)]));
  }

  /** Starts sqld as the entry script of the image does. */
  async start(service: 'hub' | 'replica' = 'hub'): Promise<Container> {
    const env = this.environment(service);
    const child = spawn(sqldBinary, entryArguments(env), {
      env: { PATH: process.env['PATH'], ...env },
      cwd: service === 'hub' ? this.dir : tempFolder(),
      stdio: 'ignore',
    });
    const ended = once(child, 'exit');
    const end = async (signal: NodeJS.Signals = 'SIGTERM') => {
      child.kill(signal);
      await ended;
    };
    onTestFinished(() => end('SIGKILL'));
    await once(child, 'spawn');
    return { pid: child.pid ?? 0, end };
  }

  /** Runs the health check of a service once, in its environment. */
  health(service: 'hub' | 'replica' = 'hub', change: Record<string, string> = {}): Promise<Ended> {
    const [kind, ...command] = serviceOf(this.file, service).healthcheck?.test ?? [];
    if (kind !== 'CMD') throw new Error('not a command');
    return runToEnd(command, { ...this.environment(service), ...change });
  }

  /** Repeats the health check until it succeeds, as Docker does. */
  async untilHealthy(service: 'hub' | 'replica' = 'hub'): Promise<void> {
    let last = await this.health(service);
    const deadline = Date.now() + 30_000;
    while (last.code !== 0 && Date.now() < deadline) last = await this.health(service);
    if (last.code !== 0) throw new Error(`${service} is not healthy: ${last.stderr}`);
  }

  /** Runs `docker compose run --rm SERVICE ARGS`. */
  runOnce(service: 'backup' | 'restore', ...args: string[]): Promise<Ended> {
    const command = serviceOf(this.file, service).entrypoint ?? [];
    return runToEnd([...command, ...args], this.environment(service));
  }

  /** Runs SQL over Hrana; rejects unless it is answered well. */
  async query(sql: string, url = this.url): Promise<unknown[][]> {
    const response = await this.ask(sql, this.token, url);
    const answer = (await response.json()) as Answer;
    const [result] = answer.results;
    if (result?.type !== 'ok') throw new Error(JSON.stringify(answer));
    return result.response.result.rows.map((row) => row.map((cell) => cell.value));
  }

  async ask(sql: string, token: string | undefined, url = this.url): Promise<Response> {
    return fetch(`${url}/v2/pipeline`, {
      method: 'POST',
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
      body: JSON.stringify({ requests: [{ type: 'execute', stmt: { sql } }, { type: 'close' }] }),
    });
  }

  /** What sqld says that its durability is. */
  async durability(key = this.environment('hub')['LIBSQL_ADMIN_AUTH_KEY']): Promise<string> {
    const url = `http://127.0.0.1:${this.ports.admin}/v1/namespaces/default/config`;
    const response = await fetch(url, { headers: { authorization: `basic ${key ?? ''}` } });
    if (!response.ok) return String(response.status);
    return ((await response.json()) as { durability_mode: string }).durability_mode;
  }
}

interface Answer {
  readonly results: {
    readonly type: string;
    readonly response: { readonly result: { readonly rows: { readonly value: unknown }[][] } };
  }[];
}

/** Keys, `.env` and a token by `hub init`; nothing runs yet. */
export async function setupComposeHub(): Promise<ComposeHub> {
  const { dir, tokenFile } = await hub.init({ dir: join(tempFolder(), 'compose') });
  const [http, grpc, admin, replica] = [
    await freePort(),
    await freePort(),
    await freePort(),
    await freePort(),
  ];
  return new ComposeHub(dir, readFileSync(tokenFile, 'utf8'), { http, grpc, admin, replica });
}

/** What the entry script of the image makes of the environment; sqld reads the rest itself. */
function entryArguments(env: Readonly<Record<string, string>>): string[] {
  const of = (name: string) => {
    const value = env[name];
    if (value === undefined) throw new Error(`${name} is not set`);
    return value;
  };
  const node =
    of('SQLD_NODE') === 'replica'
      ? ['--primary-grpc-url', of('SQLD_PRIMARY_URL')]
      : ['--grpc-listen-addr', of('SQLD_GRPC_LISTEN_ADDR')];
  return [
    ...['--db-path', of('SQLD_DB_PATH'), '--http-listen-addr', of('SQLD_HTTP_LISTEN_ADDR')],
    ...node,
  ];
}

async function runToEnd(
  [program = '', ...args]: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<Ended> {
  const child = spawn(program, args, {
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const texts = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      texts[name] += text;
    });
  }
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, ...texts };
}
