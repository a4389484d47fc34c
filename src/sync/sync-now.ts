import { setImmediate } from 'node:timers/promises';
import { indexSome } from '../areas/search-texts.ts';
import { connect, type Access } from './connect.ts';
import type { NowOptions } from './run-options.ts';
import { syncOnce, type Exchanged } from './sync-once.ts';
import { recordFailure, recordSuccess } from './worker/record-status.ts';

/** Records of one transaction: others get to write in between. */
const INDEX_STEP = 50;

/** What one exchange did. */
export interface SyncReport {
  pushed: number;
  pulled: number;
  applied: number;
  parked: number;
  /** Entries that nobody could read, and that were taken off the hub. */
  removed: number;
  /**
   * The device that this store was until this exchange found it to be a copy of that one's, which goes on
   * under its id and keeps its work; null: it was not.
   */
  copyOf: string | null;
  hubSeq: number;
  cursor: number;
  tookMs: number;
}

/** Exchanges everything once, notes how that went, and indexes what came. */
export async function syncNow(
  access: Access,
  options: NowOptions,
  onApplied: () => void,
): Promise<SyncReport> {
  const start = performance.now();
  const connected = await connect(access);
  const abort = () => {
    connected.close();
  };
  options.signal?.addEventListener('abort', abort, { once: true });
  try {
    const exchanged = await syncOnce(connected.exchange, options.signal, options.onProgress);
    await recordSuccess(access, connected.exchange, exchanged.meta);
    if (exchanged.applied > 0) onApplied();
    await indexAll(access);
    return toReport(exchanged, performance.now() - start);
  } catch (error) {
    await recordFailure(access, error);
    throw error;
  } finally {
    options.signal?.removeEventListener('abort', abort);
    connected.close();
  }
}

/** What came can be found by search, too. */
export async function indexAll({ database, now }: Access): Promise<void> {
  const step = () => database.write({ now }, (transaction) => indexSome(transaction, INDEX_STEP));
  while ((await step()) > 0) await setImmediate();
}

export function toReport(exchanged: Exchanged, tookMs: number): SyncReport {
  const { pushed, pulled, applied, parked, removed, copyOf, hubSeq, cursor } = exchanged;
  const counts = { pushed, pulled, applied, parked, removed };
  return { ...counts, copyOf, hubSeq, cursor, tookMs: Math.round(tookMs) };
}
