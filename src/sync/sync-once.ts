import type { Reader } from '../db/reader.ts';
import { HubBusyError } from '../errors.ts';
import { readHorizon } from './batch.ts';
import type { Exchange } from './exchange.ts';
import type { HubSeen } from './hub-meta.ts';
import { noticeCopy } from './identify.ts';
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
  /** Entries that nobody could read, and that were taken off the hub. */
  readonly removed: number;
  readonly bytesSent: number;
  /** Own commits of which the hub's feed tells. */
  readonly commits: number;
  /** How far the hub is, and how far this device has read it. */
  readonly hubSeq: number;
  readonly cursor: number;
  /** The device that this store was until now, where it was found to be a copy of that one's. */
  readonly copyOf: string | null;
  /** The hub as it was seen last. */
  readonly meta: HubSeen | null;
}

const TURNS_MAX = 100_000;
const CHANGES_MAX = 50;

type Sum = {
  -readonly [Key in keyof Omit<Exchanged, 'hubSeq' | 'cursor' | 'copyOf'>]: Exchanged[Key];
};

export interface Progress {
  readonly pushed: number;
  readonly pulled: number;
}

/** With what an exchange begins; `push`: nothing is known to be new on the hub. */
export type Beginning = 'pull' | 'push';

/**
 * Pulls, then pushes, until both sides hold the same.
 *
 * A push needs no pull before it: it is taken only by the very hub that this device knows, and its
 * answer says whether others wrote meanwhile. Where they did, or it is not taken, the whole exchange
 * follows at once.
 *
 * @param signal - ends it between two steps; everything done so far counts
 * @throws the errors of {@link pullOnce} and {@link pushOnce}
 */
export async function syncOnce(
  exchange: Exchange,
  signal?: AbortSignal,
  onProgress?: (progress: Progress) => void,
  beginning: Beginning = 'pull',
): Promise<Exchanged> {
  const before = await exchange.database.read(lastNote);
  const sum: Sum = {
    pushed: 0,
    pulled: 0,
    applied: 0,
    parked: 0,
    removed: 0,
    bytesSent: 0,
    commits: 0,
    meta: null,
  };
  const { memory } = exchange;
  const removed = memory.repairs.sum;
  let changes = 0;
  let sentAll = false;
  const push = () => pushAll(exchange, sum, signal, onProgress);
  let done = false;
  if (beginning === 'push') {
    memory.next = undefined;
    await noticeCopy(exchange);
    // Without an answer nothing is known of the hub: there may have been only notes to clear away.
    done = (await push()) === 'sent' && sum.meta !== null && (await hasReadAll(exchange));
  }
  for (let turn = 0; turn < TURNS_MAX && !done && !signal?.aborted; turn++) {
    const pulled = await pullOnce(exchange);
    sum.meta = pulled.meta ?? sum.meta;
    sum.pulled += pulled.entries;
    sum.applied += pulled.applied;
    sum.parked += pulled.parked;
    onProgress?.(sum);
    if (pulled.outcome === 'again') refuseEndless(++changes);
    if (pulled.outcome !== 'done') continue;
    // What is written while we exchange is for the next time, or a steady writer would keep us here.
    if (sentAll && pulled.entries === 0) break;
    const outcome = await push();
    if (outcome === 'idle') break;
    if (outcome === 'stale') refuseEndless(++changes);
    sentAll = outcome === 'sent';
    if (sentAll && (await hasReadAll(exchange))) break;
  }
  const { cursor } = await exchange.database.read(needState);
  sum.parked += await exchange.database.read((reader) => setAsideAfter(reader, before));
  sum.removed = memory.repairs.sum - removed;
  const { copyOf = null } = memory;
  memory.copyOf = undefined;
  return { ...sum, copyOf, hubSeq: Math.max(sum.meta?.head.number ?? 0, cursor), cursor };
}

/** Whether our last push was the last of all, and nothing of others lay before it unread. */
async function hasReadAll({ database }: Exchange): Promise<boolean> {
  const { cursor, pair } = await database.read(needState);
  return pair?.number === cursor;
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

/**
 * Pushes until nothing is left of what is there now, or the hub is another one than was pulled. What is
 * written meanwhile is for the next exchange: with a writer that is quicker than the line this would never
 * end, and nothing of others would come.
 */
async function pushAll(
  exchange: Exchange,
  sum: Sum,
  signal: AbortSignal | undefined,
  onProgress: ((progress: Progress) => void) | undefined,
): Promise<'idle' | 'stale' | 'sent'> {
  const { database, memory } = exchange;
  let any = false;
  try {
    memory.horizon = await database.read(readHorizon);
    while (!signal?.aborted) {
      const pushed = await pushOnce(exchange);
      sum.pushed += pushed.entries;
      sum.bytesSent += pushed.bytes;
      if (pushed.changed) sum.commits++;
      sum.meta = pushed.meta ?? sum.meta;
      onProgress?.(sum);
      if (pushed.outcome === 'stale') return 'stale';
      if (pushed.outcome === 'idle') return any ? 'sent' : 'idle';
      if (pushed.last) return 'sent';
      any = true;
      // Stamped anew it is noted anew.
      if (pushed.returned) memory.horizon = await database.read(readHorizon);
    }
    return 'idle';
  } finally {
    memory.horizon = undefined;
  }
}
