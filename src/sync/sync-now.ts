import { setImmediate } from 'node:timers/promises';
import { indexSome } from '../areas/search-texts.ts';
import { ClosedError, HubUnreachableError, StoppedError } from '../errors.ts';
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

/**
 * Exchanges everything once, notes how that went, and indexes what came.
 *
 * @throws `StoppedError` the signal was aborted before the end, which says nothing of the hub
 */
export async function syncNow(
  access: Access,
  options: NowOptions,
  onApplied: () => void,
): Promise<SyncReport> {
  access.database.refuseReadOnly();
  const { signal, onProgress } = options;
  const start = performance.now();
  const connected = await connect(access);
  const abort = () => {
    connected.close();
  };
  signal?.addEventListener('abort', abort, { once: true });
  try {
    const exchanged = await syncOnce(connected.exchange, signal, onProgress);
    if (signal?.aborted) throw stoppedError();
    await recordSuccess(access, connected.exchange, exchanged.meta);
    if (exchanged.applied > 0) onApplied();
    await indexAll(access);
    return toReport(exchanged, performance.now() - start);
  } catch (error) {
    if (error instanceof StoppedError) throw error;
    // What a connection says that is closed under a request.
    const isOfStop = error instanceof HubUnreachableError || error instanceof ClosedError;
    if (signal?.aborted && isOfStop) throw stoppedError();
    await recordFailure(access, error);
    throw error;
  } finally {
    signal?.removeEventListener('abort', abort);
    connected.close();
  }
}

function stoppedError(): StoppedError {
  return new StoppedError(
    'the exchange was stopped before its end',
    'What was exchanged stays; the next one goes on from there.',
  );
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
