import { lstatSync } from 'node:fs';
import { StorePathError } from '../errors.ts';

/**
 * The files that a connection has open, by what had their names then. SQLite goes on writing to a file
 * that was removed or replaced, and says nothing: what it writes is nowhere.
 */
export class OpenFiles {
  readonly #path: string;
  readonly #store: string | undefined;
  #log: string | undefined;
  #lost: string | undefined;

  /** @param path - of the store file, of which a connection was opened just now */
  constructor(path: string) {
    this.#path = path;
    this.#store = identityOf(path);
  }

  /** A further connection was opened: where no other was left, SQLite makes the log anew. */
  reopened(): void {
    this.#log = undefined;
  }

  /** A transaction was begun: the log is there by now. */
  begun(): void {
    this.#log ??= identityOf(this.#logPath);
  }

  /** @throws `StorePathError` the store or its log is not there any more, or another one is */
  refuseLost(): void {
    this.#lost ??= this.#findLost();
    if (this.#lost === undefined) return;
    throw new StorePathError(`${this.#lost} was moved, removed or replaced while it was open`, {
      hint:
        'This write was not made. Close the programs that have the store open, put the file back or ' +
        'restore a backup, and start them again.',
    });
  }

  /** Folding the former log in would put old pages over what others have written since. */
  isLogReplaced(): boolean {
    const log = identityOf(this.#logPath);
    return this.#log !== undefined && log !== undefined && log !== this.#log;
  }

  get #logPath(): string {
    return `${this.#path}-wal`;
  }

  #findLost(): string | undefined {
    if (identityOf(this.#path) !== this.#store) return this.#path;
    return identityOf(this.#logPath) === this.#log ? undefined : this.#logPath;
  }
}

/** What cannot be looked at counts as not there: SQLite itself judges a rollback journal so. */
function identityOf(path: string): string | undefined {
  try {
    const { dev, ino } = lstatSync(path);
    return `${dev} ${ino}`;
  } catch {
    return undefined;
  }
}
