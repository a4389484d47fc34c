import { attempt } from '../db/attempt.ts';
import type { Transaction } from '../db/transaction.ts';
import { ClosedError } from '../errors.ts';
import { buildAreas, type Areas } from './areas.ts';
import type { Runner } from './runner.ts';
import type { SeenLeaves } from './seen-leaves.ts';

/** Runs `job` with areas that work inside an open transaction, until it has ended. */
export async function runInside<T>(
  transaction: Transaction,
  seen: SeenLeaves,
  job: (tx: Areas) => T | Promise<T>,
): Promise<T> {
  let open = true;
  const run = async <R>(call: (transaction: Transaction) => R): Promise<R> => {
    // Not a promise chain: a call must have run when the next one starts.
    await Promise.resolve();
    if (!open) throw new ClosedError('the transaction has ended');
    return call(transaction);
  };
  const runner: Runner = {
    read: run,
    // Each by itself: the job may catch what one throws, and go on.
    write: (call) => run(() => attempt(transaction, call)),
  };
  try {
    return await job(buildAreas(runner, seen));
  } finally {
    open = false;
  }
}
