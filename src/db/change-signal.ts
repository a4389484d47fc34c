import { watch, type FSWatcher } from 'node:fs';
import { basename, dirname } from 'node:path';

/**
 * Tells readers that wait that the store may have changed: at once for writes of this process, and
 * by the file system's word for those of others. It is a hint, not a promise: whoever waits looks
 * for himself from time to time.
 */
export class ChangeSignal {
  readonly #folder: string;
  readonly #logName: string;
  readonly #waiting = new Set<() => void>();
  #watcher: FSWatcher | undefined;
  #watchers = 0;
  #count = 0;
  #closed = false;

  constructor(storePath: string) {
    this.#folder = dirname(storePath);
    this.#logName = `${basename(storePath)}-wal`;
  }

  /** How often it was woken; remember it before you look, and give it to {@link wait}. */
  get count(): number {
    return this.#count;
  }

  get closed(): boolean {
    return this.#closed;
  }

  wake(): void {
    this.#count++;
    for (const resolve of [...this.#waiting]) resolve();
  }

  /** Ends every wait, now and later. */
  close(): void {
    this.#closed = true;
    this.#stop();
    this.wake();
  }

  /** Listens for other processes until the returned function is called. */
  watch(): () => void {
    this.#watchers++;
    if (this.#watchers === 1 && !this.#closed) this.#start();
    return () => {
      this.#watchers--;
      if (this.#watchers === 0) this.#stop();
    };
  }

  /** Resolves when it was woken since `count`, after `timeoutMs`, or when `signal` is aborted. */
  async wait(count: number, timeoutMs: number, signal: AbortSignal): Promise<void> {
    if (this.#closed || this.#count !== count || signal.aborted) return;
    await new Promise<void>((resolve) => {
      const done = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        this.#waiting.delete(done);
        resolve();
      };
      const timer = setTimeout(done, timeoutMs);
      signal.addEventListener('abort', done);
      this.#waiting.add(done);
    });
  }

  /** The folder, not the log itself: the log is made anew when its last connection closes. */
  #start(): void {
    try {
      this.#watcher = watch(this.#folder, (_, name) => {
        if (name === null || name === this.#logName) this.wake();
      });
      this.#watcher.on('error', () => {
        this.#stop();
      });
      this.#watcher.unref();
    } catch {
      // No watches left, or a file system without them: the timer alone does it, more slowly.
    }
  }

  #stop(): void {
    this.#watcher?.close();
    this.#watcher = undefined;
  }
}
