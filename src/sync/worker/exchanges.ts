import { EventEmitter, on } from 'node:events';
import type { Access } from '../connect.ts';
import type { Exchanged } from '../sync-once.ts';
import { runWorker, type WorkerOptions } from './run-worker.ts';

export interface TimedExchange {
  readonly exchanged: Exchanged;
  readonly tookMs: number;
}

/**
 * Runs the worker in this thread until its signal is aborted, or the loop over this is left; yields what
 * each exchange did.
 */
export async function* exchanges(
  access: Access,
  options: Pick<WorkerOptions, 'signal' | 'onApplied' | 'onNotice'>,
): AsyncGenerator<TimedExchange, void> {
  const told = new EventEmitter();
  const came = on(told, 'exchanged', { close: ['end'] });
  const left = new AbortController();
  const running = runWorker(access, {
    ...options,
    signal: AbortSignal.any([options.signal, left.signal]),
    onExchanged: (exchanged, tookMs) => {
      told.emit('exchanged', { exchanged, tookMs });
    },
  }).finally(() => {
    told.emit('end');
  });
  // Thrown below; until then it is nobody's unhandled rejection.
  running.catch(() => undefined);
  try {
    for await (const [exchange] of came as AsyncIterableIterator<[TimedExchange]>) yield exchange;
  } finally {
    left.abort();
    await running;
  }
}
