import { SHARE_ENV, Worker } from 'node:worker_threads';
import { WorkerCrashedError } from '../../errors.ts';
import { backoffMs } from './backoff.ts';

/** What the thread needs to open the store file by itself. */
export interface ThreadData {
  readonly path: string;
  readonly durability: 'full' | 'normal';
  readonly encryptionKey?: string | undefined;
}

/** What the host tells: end yourself, or stand still, the process is about to end. */
export type ToThread = 'stop' | 'halt';

/** What a thread tells: that something happened, never what. */
export type FromThread =
  | { readonly kind: 'ready' }
  | { readonly kind: 'status' }
  | { readonly kind: 'applied'; readonly count: number };

export interface ThreadEvents {
  readonly status: () => void;
  readonly applied: (count: number) => void;
  /** The thread ended by itself and is started anew. */
  readonly error: (error: WorkerCrashedError) => void;
}

export interface WorkerThread {
  /** Stops the worker; resolves within a second. */
  stop(): Promise<void>;
}

/** Beside the library's shared code in the package; from its TypeScript sources there is no thread. */
const ENTRY = new URL('./worker-thread.js', import.meta.url);
/** Of the thread's own heap: it ends the thread, not the process. */
const HEAP_MB = 1024;
/** A thread that lived so long was a good one. */
const LASTING_MS = 60_000;
const STOP_MS = 900;
/** How long the end of the process is held up for a thread to come to a halt. */
const HALT_MS = 1000;

/**
 * Starts the worker in a thread of its own, which does not keep the process alive. When the thread
 * ends by itself, whatever the reason, it is started anew after a while; the process goes on.
 *
 * @throws `WorkerCrashedError` it did not even open the store
 */
export async function startWorkerThread(
  data: ThreadData,
  events: ThreadEvents,
  entry: URL = ENTRY,
): Promise<WorkerThread> {
  const host = new Host(data, events, entry);
  await host.start();
  return host;
}

class Host implements WorkerThread {
  readonly #data: ThreadData;
  readonly #events: ThreadEvents;
  readonly #entry: URL;
  #worker: Worker | undefined;
  #again: NodeJS.Timeout | undefined;
  #failures = 0;
  #stopping = false;

  constructor(data: ThreadData, events: ThreadEvents, entry: URL) {
    this.#data = data;
    this.#events = events;
    this.#entry = entry;
  }

  /** Resolves when the thread has opened the store. */
  async start(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#launch(resolve, reject);
    });
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#again);
    const worker = this.#worker;
    if (!worker) return;
    await new Promise<void>((resolve) => {
      // One that stands in native code ends when that returns. It is not terminated: the driver
      // aborts the whole process when its thread is ended in the middle of a call.
      const deadline = setTimeout(resolve, STOP_MS);
      worker.once('exit', () => {
        clearTimeout(deadline);
        resolve();
      });
      worker.postMessage('stop' satisfies ToThread);
    });
  }

  #launch(onReady: () => void, onFailure: (error: WorkerCrashedError) => void): void {
    const start = performance.now();
    const gate = new Int32Array(new SharedArrayBuffer(4));
    const worker = new Worker(this.#entry, {
      workerData: { ...this.#data, gate },
      // Flags of the host are not for it: some of them refuse an entry that is a file.
      execArgv: [],
      env: SHARE_ENV,
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MB },
      name: 'codewhale-store sync',
    });
    this.#worker = worker;
    // The process ends its threads wherever they are, in the middle of the driver too; see `stop`.
    const halt = () => {
      worker.postMessage('halt' satisfies ToThread);
      Atomics.wait(gate, 0, 0, HALT_MS);
    };
    process.once('exit', halt);
    let ready = false;
    let cause: unknown;
    worker.on('message', (message: FromThread) => {
      if (message.kind === 'status') this.#events.status();
      else if (message.kind === 'applied') this.#events.applied(message.count);
      else {
        ready = true;
        // Only from here on: a process that awaits the start must not end meanwhile.
        worker.unref();
        onReady();
      }
    });
    worker.on('error', (error) => {
      cause = error;
    });
    worker.on('exit', () => {
      process.off('exit', halt);
      this.#worker = undefined;
      if (this.#stopping) return;
      const error = new WorkerCrashedError(cause);
      if (!ready) {
        onFailure(error);
        return;
      }
      if (performance.now() - start > LASTING_MS) this.#failures = 0;
      this.#events.error(error);
      this.#launchLater();
    });
  }

  #launchLater(): void {
    const again = () => {
      this.#launchLater();
    };
    const launch = () => {
      this.#launch(() => undefined, again);
      this.#worker?.unref();
    };
    this.#again = setTimeout(launch, backoffMs(this.#failures++, Math.random));
    this.#again.unref();
  }
}
