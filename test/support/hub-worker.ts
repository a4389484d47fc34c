import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Database } from '../../src/db/database.ts';
import { openDatabase } from '../../src/db/open.ts';
import { openStore, type EnableOptions, type Store } from '../../src/index.ts';
import { runWorker } from '../../src/sync/worker/run-worker.ts';
import { tempFolder } from './temp-store.ts';

/** A store that a worker in this process keeps in step with a hub, both ended after the test. */
export interface WorkerDevice {
  readonly store: Store;
  /** The handle that the worker has. */
  readonly database: Database;
  readonly path: string;
  /** The exchanges that the worker told of. */
  readonly exchanged: number;
  start(): void;
  /** Resolves when the worker has ended. */
  stop(): Promise<void>;
}

export async function workerDevice(
  url?: string,
  options: EnableOptions = {},
  path: string = join(tempFolder(), 'store.db'),
): Promise<WorkerDevice> {
  const store = await openStore({ path, durability: 'normal' });
  const settings = { durability: 'normal', readOnly: false } as const;
  const database = await openDatabase(path, settings, Date.now);
  if (url !== undefined) {
    await store.sync.enable(url, { encryption: false, pull: 'http', ...options });
  }
  const controller = new AbortController();
  let running = Promise.resolve();
  let exchanged = 0;
  const stop = async () => {
    controller.abort();
    await running;
  };
  onTestFinished(async () => {
    await stop();
    await database.close();
    await store.close();
  });
  return {
    store,
    database,
    path,
    get exchanged() {
      return exchanged;
    },
    start() {
      running = runWorker(
        { database, now: Date.now },
        { signal: controller.signal, onExchanged: () => exchanged++ },
      );
    },
    stop,
  };
}
