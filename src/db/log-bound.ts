import { StoreError } from '../errors.ts';
import type { Connection } from './connection.ts';
import { fileSize } from './file-facts.ts';

/** Beyond this the log is truncated at a checkpoint, in bytes. */
export const WAL_BYTES_MAX = 64 << 20;
/** Commits between two looks at the size of the log, and milliseconds between two tries to begin it anew. */
const LOOK_COMMITS = 64;
const TRY_MS = 1000;

/**
 * Keeps the log of a store that is written to within its bound. SQLite begins it anew only where
 * nobody reads from it at that very moment, and readers that follow each other closely can put that
 * off for long: past the bound they are waited for, for a few milliseconds.
 */
export class LogBound {
  readonly #path: string;
  #commits = 0;
  #triedAt = -Infinity;

  /** @param path - of the store file */
  constructor(path: string) {
    this.#path = `${path}-wal`;
  }

  /** To be called after each commit, outside a transaction. Never throws: the commit stands. */
  committed(connection: Connection): void {
    if (++this.#commits < LOOK_COMMITS) return;
    this.#commits = 0;
    const now = performance.now();
    if (now - this.#triedAt < TRY_MS) return;
    try {
      if (fileSize(this.#path) <= WAL_BYTES_MAX) return;
      this.#triedAt = now;
      foldLog(connection, 'restart');
    } catch {
      // It cannot be looked at now; it is tried again.
    }
  }
}

/** Folds the log into the file: `truncate` where nobody needs it any more, `restart` to go on with it. */
export function foldLog(connection: Connection, how: 'truncate' | 'restart'): void {
  if (connection.poisoned) return;
  try {
    connection.row(`pragma wal_checkpoint(${how})`);
  } catch (error) {
    // The log stays and is read by the next one who opens: nothing is lost, only not tidied.
    if (!(error instanceof StoreError)) throw error;
  }
}
