import { EventEmitter } from 'node:events';
import type { Access } from '../connect.ts';
import { readStatus } from '../status.ts';
import type { SyncEvents } from '../sync-events.ts';
import { startWorkerThread, type WorkerThread } from './host.ts';
import { recordFailure } from './record-status.ts';

/** The worker thread that a store of this process starts, and what it tells. */
export class OwnWorker {
  readonly events = new EventEmitter<SyncEvents>();
  readonly #access: Access;
  readonly #durability: 'full' | 'normal';
  readonly #onApplied: () => void;
  #thread: Promise<WorkerThread> | undefined;

  /** @param onApplied - called after entries of other devices were applied */
  constructor(access: Access, durability: 'full' | 'normal', onApplied: () => void) {
    this.#access = access;
    this.#durability = durability;
    this.#onApplied = onApplied;
  }

  /** Does nothing where it runs. @throws what `Sync.start` throws */
  async start(): Promise<void> {
    const { database } = this.#access;
    database.refuseReadOnly();
    await database.exclusive(() => undefined);
    this.#thread ??= this.#startThread();
    const starting = this.#thread;
    try {
      await starting;
    } catch (error) {
      if (this.#thread === starting) this.#thread = undefined;
      throw error;
    }
  }

  /** Within a second. */
  async stop(): Promise<void> {
    const starting = this.#thread;
    this.#thread = undefined;
    // Who started it is told why it did not start.
    const thread = await starting?.catch(() => undefined);
    await thread?.stop();
  }

  #startThread(): Promise<WorkerThread> {
    const { database, encryptionKey } = this.#access;
    return startWorkerThread(
      { path: database.path, durability: this.#durability, encryptionKey },
      {
        status: () => {
          void this.#tellStatus();
        },
        applied: (count) => {
          this.#onApplied();
          this.events.emit('applied', count);
        },
        error: (error) => {
          recordFailure(this.#access, error).then(
            () => this.#tellStatus(),
            () => undefined,
          );
        },
      },
    );
  }

  async #tellStatus(): Promise<void> {
    if (this.events.listenerCount('status') === 0) return;
    const { database, now } = this.#access;
    try {
      const status = await database.read((reader) => readStatus(reader, now()));
      this.events.emit('status', status);
    } catch (error) {
      // The store was closed meanwhile: there is nobody left to tell.
      if (!(error instanceof Error && error.name === 'ClosedError')) throw error;
    }
  }
}
