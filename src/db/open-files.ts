import { fstatSync, ftruncateSync, lstatSync, readdirSync, type Stats } from 'node:fs';
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

  /**
   * To be called before the connection is closed. Where another log is there, the former one is emptied:
   * SQLite folds it in when it closes the connection, with no look at what lies at its path, and would
   * put old pages over what others have written since.
   */
  dropReplacedLog(): void {
    const log = identityOf(this.#logPath);
    if (this.#log === undefined || log === undefined || log === this.#log) return;
    for (const descriptor of openDescriptors()) {
      if (identityOf(descriptor) === this.#log) ftruncateSync(descriptor);
    }
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
function identityOf(file: string | number): string | undefined {
  try {
    const { dev, ino }: Stats = typeof file === 'string' ? lstatSync(file) : fstatSync(file);
    return `${dev} ${ino}`;
  } catch {
    return undefined;
  }
}

/** Of this process. A file that is open cannot be removed where there is no such folder. */
function openDescriptors(): number[] {
  try {
    return readdirSync('/dev/fd').map(Number);
  } catch {
    return [];
  }
}
