import { fstatSync, ftruncateSync, lstatSync, readdirSync, type Stats } from 'node:fs';
import { dirname } from 'node:path';
import { StorePathError } from '../errors.ts';

/**
 * A folder that did not change for so long, in milliseconds, changes its times with the next file that
 * comes or goes: more than the clock of any file system counts in (FAT: two seconds).
 */
const SETTLED_MS = 3000;

/**
 * The files that a connection has open, by what had their names then. SQLite goes on writing to a file
 * that was removed or replaced, and says nothing: what it writes is nowhere.
 */
export class OpenFiles {
  readonly #path: string;
  readonly #store: string | undefined;
  #log: string | undefined;
  #lost: string | undefined;
  /** In which state of their folder both files were seen in their places. */
  #folder: string | undefined;

  /** @param path - of the store file, of which a connection was opened just now */
  constructor(path: string) {
    this.#path = path;
    this.#store = identityOf(path);
  }

  /** A connection was closed: where no other is left, SQLite makes the log anew. */
  forgetLog(): void {
    this.#log = undefined;
    this.#folder = undefined;
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
        'Nothing was read or written. Close the programs that have the store open, put the file back or ' +
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

  /**
   * The folder is asked, and the files only where it has changed: where the times of the log have been
   * looked at, Linux notes the next ones exactly, and that commit waits for the journal of the file
   * system, too (6.18, ext4: 0.33 ms in place of 0.25 ms).
   */
  #findLost(): string | undefined {
    const folder = stateOf(dirname(this.#path));
    if (folder !== undefined && folder === this.#folder) return undefined;
    if (identityOf(this.#path) !== this.#store) return this.#path;
    if (this.#log === undefined) return undefined;
    if (identityOf(this.#logPath) !== this.#log) return this.#logPath;
    this.#folder = folder;
    return undefined;
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

/** What changes with the names in a folder; undefined where that may have been just now. */
function stateOf(folder: string): string | undefined {
  try {
    const { dev, ino, mtimeMs, ctimeMs } = lstatSync(folder);
    if (Math.max(mtimeMs, ctimeMs) > Date.now() - SETTLED_MS) return undefined;
    return `${dev} ${ino} ${mtimeMs} ${ctimeMs}`;
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
