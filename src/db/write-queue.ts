import { AsyncLocalStorage } from 'node:async_hooks';
import PQueue from 'p-queue';
import { BusyError, ConflictError } from '../errors.ts';
import { giveTurn } from './turns.ts';

/** How a process waits for the write lock that other processes hold. */
export interface LockWait {
  /** When to give up, in milliseconds. */
  readonly deadlineMs: number;
  /** The longest pause between two tries, in milliseconds. */
  readonly pauseMaxMs: number;
}

const LOCK_WAIT: LockWait = { deadlineMs: 30_000, pauseMaxMs: 16 };

/** A job of a queue, from its beginning on. */
interface Turn {
  readonly queue: WriteQueue;
  over: boolean;
}

/**
 * In which jobs a call is made, those of other stores around it included. One for all queues: Node 20
 * carries each such storage through every promise of the process, for as long as that lives.
 */
const turns = new AsyncLocalStorage<readonly Turn[]>();

/**
 * One writer per process: SQLite has one anyway, and the driver would wait for it on the calling
 * thread. Between processes the lock is asked for again and again with a random pause, so that
 * none is always last.
 */
export class WriteQueue {
  readonly #queue = new PQueue({ concurrency: 1 });

  /** Runs `job` alone. Rejects when called from within a job of this queue: it would wait for itself. */
  async add<T>(job: () => T | Promise<T>): Promise<T> {
    this.refuseInside();
    // What a job begins and does not wait for, such as a timer, stays inside of it for ever.
    const turn: Turn = { queue: this, over: false };
    const inside = [...openTurns(), turn];
    return this.#queue.add(async () => {
      const wait = giveTurn();
      if (wait) await wait;
      try {
        return await turns.run(inside, job);
      } finally {
        turn.over = true;
      }
    });
  }

  /** Throws when called from within a transaction of this store. */
  refuseInside(): void {
    if (openTurns().some(({ queue }) => queue === this)) {
      throw new ConflictError(
        'the store was used inside its own transaction; use the handle that the transaction was given',
      );
    }
  }

  /** Resolves when every job that was added has ended. */
  async idle(): Promise<void> {
    await this.#queue.onIdle();
  }
}

function openTurns(): readonly Turn[] {
  return (turns.getStore() ?? []).filter(({ over }) => !over);
}

/** Calls `attempt` until it does not throw {@link BusyError}, with full jitter, up to the deadline. */
export async function untilFree<T>(attempt: () => T, wait: LockWait = LOCK_WAIT): Promise<T> {
  const start = performance.now();
  for (let tries = 0; ; tries++) {
    try {
      return attempt();
    } catch (error) {
      if (!(error instanceof BusyError)) throw error;
      if (performance.now() - start > wait.deadlineMs) {
        throw new BusyError(
          `the store was locked for ${wait.deadlineMs} ms, by another process or another store object of this one`,
          { cause: error },
        );
      }
    }
    const ceiling = Math.min(wait.pauseMaxMs, 2 ** Math.min(tries, 10));
    await new Promise((resolve) => setTimeout(resolve, Math.random() * ceiling));
  }
}
