import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { HubStartError } from '../errors.ts';
import { makeCommitsDurable } from './durable-commits.ts';
import type { HubKeys } from './hub-keys.ts';
import type { SqldProcess } from './sqld-process.ts';

const READY_MS = 30_000;

/** Where a hub listens. */
export interface Sockets {
  /** Host and port as sqld takes them. */
  readonly http: string;
  readonly admin: string;
  /** How programs on this machine reach it. */
  readonly url: string;
}

/**
 * Waits until sqld answers, makes its commits durable, and checks that it lets in who has a token,
 * and nobody else.
 *
 * @throws `HubStartError` it ended, is too slow, or is not as it was told to be
 */
export async function untilReady(
  sqld: SqldProcess,
  { url, admin }: Sockets,
  keys: HubKeys,
  tokenFile: string,
): Promise<void> {
  const deadline = AbortSignal.timeout(READY_MS);
  while ((await status(`${url}/health`, deadline)) !== 200) {
    if (!sqld.running) {
      throw new HubStartError(`${sqld.program} ended before it answered (${sqld.end})`);
    }
    if (deadline.aborted) throw new HubStartError(`sqld was not ready after ${READY_MS / 1000} s`);
    await sleep(20);
  }
  await makeCommitsDurable(`http://${admin}`, keys.adminKey);
  const authorization = `Bearer ${readFileSync(tokenFile, 'utf8')}`;
  const body = JSON.stringify({ requests: [{ type: 'close' }] });
  const query = (headers: Record<string, string>) =>
    status(`${url}/v2/pipeline`, deadline, { method: 'POST', headers, body });
  if ((await query({})) !== 401 || (await query({ authorization })) !== 200) {
    throw new HubStartError('sqld does not check tokens as it was told to');
  }
}

/** The status of the answer; 0 where there is none. */
async function status(url: string, signal: AbortSignal, init: RequestInit = {}): Promise<number> {
  const response = await fetch(url, { ...init, signal }).catch(() => undefined);
  await response?.body?.cancel();
  return response?.status ?? 0;
}
