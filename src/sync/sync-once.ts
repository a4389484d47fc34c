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
  /** Of those that came, the ones that changed this store, and those that were set aside. */
  readonly applied: number;
  readonly parked: number;
  readonly bytesSent: number;
  /** How far the hub is, and how far this device has read it. */
  readonly hubSeq: number;
  readonly cursor: number;
  /** The hub as it was seen last. */
  readonly meta: HubMeta | null;
}

/** A hub and a device that keep finding each other changed are a bug, not a reason to go on. */
const TURNS_MAX = 100_000;
const STALE_MAX = 50;

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
  const sum = { pushed: 0, pulled: 0, applied: 0, parked: 0, bytesSent: 0 };
  let meta: HubMeta | null = null;
  let stale = 0;
  for (let turn = 0; turn < TURNS_MAX && !signal?.aborted; turn++) {
    const pulled = await pullOnce(exchange);
    meta = pulled.meta ?? meta;
    sum.pulled += pulled.entries;
    sum.applied += pulled.applied;
    sum.parked += pulled.parked;
    onProgress?.(sum);
    if (pulled.outcome === 'again' && ++stale > STALE_MAX) break;
    if (pulled.outcome !== 'done') continue;
    const outcome = await pushAll(exchange, sum, signal, onProgress);
    if (outcome === 'idle') break;
    if (outcome === 'stale' && ++stale > STALE_MAX) break;
  }
  const { cursor } = await exchange.database.read(needState);
  return { ...sum, hubSeq: Math.max(meta?.head.number ?? 0, cursor), cursor, meta };
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
    // What we pushed ourselves is above the cursor: one more pull passes over it.
    if (pushed.outcome === 'idle') return any ? 'sent' : 'idle';
    if (pushed.outcome === 'stale') return 'stale';
    any = true;
  }
  return 'idle';
}
