import type { Database } from '../db/database.ts';

/** How an exchange leaves room for others who write. */
export interface Pace {
  /** How long a local transaction goes on taking entries, in milliseconds: other writers wait for it. */
  readonly stepMs: number;
  /** Waited for between two transactions. */
  rest(): Promise<void>;
}

/**
 * While nobody else writes, in milliseconds: a quarter of the time of a pull is its commits, and a
 * longer step takes fewer.
 */
const ALONE = { stepMs: 12, restMs: 1 };
/**
 * While others write. Measured with a writer in another thread during a full pull (medians of 5):
 * steps of 0.5 ms and rests of 4 ms, 13,700 entries/s and a p99 of its writes of 5.4 ms; these, 13,100
 * and 4.7. A checkpoint has no part in it.
 */
const SHARED = { stepMs: 0.5, restMs: 6 };
/** For how long one who wrote counts as writing, in milliseconds. */
const SHARED_MS = 1000;

/** Makes steps short and rests long while others write to the store. */
export class StorePace implements Pace {
  readonly #database: Database;
  readonly #pause: (ms: number) => Promise<void>;
  #commits: number | undefined;
  #sharedAt = -Infinity;

  /** @param pause - waits for so many milliseconds; may throw to end the exchange */
  constructor(database: Database, pause: (ms: number) => Promise<void>) {
    this.#database = database;
    this.#pause = pause;
  }

  get stepMs(): number {
    return this.#now.stepMs;
  }

  async rest(): Promise<void> {
    // First, so that it goes by while entries are opened; and who wrote meanwhile is seen after it.
    await this.#pause(this.#now.restMs);
    const commits = await this.#database.foreignCommits();
    if (this.#commits !== undefined && commits !== this.#commits) {
      this.#sharedAt = performance.now();
    }
    this.#commits = commits;
  }

  get #now(): typeof ALONE {
    return performance.now() - this.#sharedAt < SHARED_MS ? SHARED : ALONE;
  }
}
