import { parentPort, workerData } from 'node:worker_threads';
import { openDatabase } from '../../db/open.ts';
import type { FromThread, ThreadData, ToThread } from './host.ts';
import { runWorker } from './run-worker.ts';

// The entry of the worker thread: the worker of `sync watch`, on connections of its own. What goes
// to the host is that something happened, never what.

if (!parentPort) throw new Error('this is the entry of a thread');
const port = parentPort;
const { path, durability, encryptionKey, gate } = workerData as ThreadData & { gate: Int32Array };
const tell = (message: FromThread) => {
  port.postMessage(message);
};

const controller = new AbortController();
port.on('message', (message: ToThread) => {
  if (message === 'halt') halt();
  controller.abort();
});

/** Lets the process end: from here on nothing is under way in the driver. */
function halt(): void {
  Atomics.store(gate, 0, 1);
  Atomics.notify(gate, 0);
  Atomics.wait(gate, 0, 1);
}

const database = await openDatabase(path, { durability, encryptionKey, readOnly: false }, Date.now);
const access = { database, now: Date.now, encryptionKey };
try {
  tell({ kind: 'ready' });
  await runWorker(access, {
    signal: controller.signal,
    onStatus: () => {
      tell({ kind: 'status' });
    },
    onApplied: (count) => {
      tell({ kind: 'applied', count });
    },
  });
} finally {
  await database.close();
  port.close();
}
