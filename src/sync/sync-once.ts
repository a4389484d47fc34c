import type { Reader } from '../db/reader.ts';
import { HubBusyError } from '../errors.ts';
import type { Exchange } from './exchange.ts';
import type { HubMeta } from './hub-meta.ts';
import { pullOnce } from './pull-once.ts';
import { pushOnce } from './push-once.ts';
import { needState } from './state.ts';

/** What an exchange did, until nothing was left to do. */
export interface Exchanged {
  /** Entries that went to the hub, and entries that came from it. */
  readonly pushed: number;
  readonly pulled: number;
  /** Of those that came, the ones that changed this store. */
  readonly applied: number;
  /** What was set aside: of what came, and of what was to go. */
  readonly parked: number;
  readonly bytesSent: number;
  /** How far the hub is, and how far this device has read it. */
  readonly hubSeq: number;
  readonly cursor: number;
  /** The hub as it was seen last. */
  readonly meta: HubMeta | null;
}

const TURNS_MAX = 100_000;
const CHANGES_MAX = 50;

export interface Progress {
  readonly pushed: number;
  readonly pulled: number;
}

/**
 * Pulls, then pushes, until both sides hold the same.
 *
 * @param signal - ends it between two steps; everything done so far counts
 * @throws the errors of {@link pullOnce} and {@link pushOnce}
 */
export async function syncOnce(
  exchange: Exchange,
  signal?: AbortSignal,
  onProgress?: (progress: Progress) => void,
): Promise<Exchanged> {
  const before = await exchange.database.read(lastNote);
  const sum = { pushed: 0, pulled: 0, applied: 0, parked: 0, bytesSent: 0 };
  let meta: HubMeta | null = null;
  let changes = 0;
  let sentAll = false;
  for (let turn = 0; turn < TURNS_MAX && !signal?.aborted; turn++) {
    const pulled = await pullOnce(exchange);
    meta = pulled.meta ?? meta;
    sum.pulled += pulled.entries;
    sum.applied += pulled.applied;
    sum.parked += pulled.parked;
    onProgress?.(sum);
    if (pulled.outcome === 'again') refuseEndless(++changes);
    if (pulled.outcome !== 'done') continue;
    // What is written while we exchange is for the next time, or a steady writer would keep us here.
    if (sentAll && pulled.entries === 0) break;
    const outcome = await pushAll(exchange, sum, signal, onProgress);
    if (outcome === 'idle') break;
    if (outcome === 'stale') refuseEndless(++changes);
    sentAll = outcome === 'sent';
  }
  const { cursor } = await exchange.database.read(needState);
  sum.parked += await exchange.database.read((reader) => setAsideAfter(reader, before));
  return { ...sum, hubSeq: Math.max(meta?.head.number ?? 0, cursor), cursor, meta };
}

/** Notes have numbers that only rise; to set something aside makes a new one. */
function lastNote(reader: Reader): number {
  return reader.number('select max(number) from outbox');
}

function setAsideAfter(reader: Reader, number: number): number {
  return reader.number('select count(*) from outbox where stuck is not null and number > ?', [
    number,
  ]);
}

function refuseEndless(changes: number): void {
  if (changes > CHANGES_MAX) {
    throw new HubBusyError('the hub was another one at every look; others may be setting it up');
  }
}

/** Pushes until nothing is left, or the hub is another one than was pulled. */
async function pushAll(
  exchange: Exchange,
  sum: { pushed: number; pulled: number; bytesSent: number },
  signal: AbortSignal | undefined,
  onProgress: ((progress: Progress) => void) | undefined,
): Promise<'idle' | 'stale' | 'sent'> {
  let any = false;
  while (!signal?.aborted) {
    const pushed = await pushOnce(exchange);
    sum.pushed += pushed.entries;
    sum.bytesSent += pushed.bytes;
    onProgress?.(sum);
    if (pushed.outcome === 'stale') return 'stale';
    if (pushed.outcome === 'idle') return any ? 'sent' : 'idle';
    if (pushed.last) return 'sent';
    any = true;
  }
  return 'idle';
}
