import { ClosedError } from '../errors.ts';
import type { Connection } from './connection.ts';
import { foldLog } from './log-bound.ts';
import { openConnection, type DatabaseOptions } from './open-connection.ts';
import { OpenFiles } from './open-files.ts';
import { closeSnapshot, openSnapshot } from './snapshot.ts';

/**
 * The connections of a handle to the store file: one that writes, one that reads, so that a read never
 * sees half of a transaction of its own process, and those that keep a state each. All of them are to
 * the file that the first one was opened to: another one at its path is never read or written.
 */
export class Connections {
  readonly #path: string;
  readonly #options: DatabaseOptions;
  #files: OpenFiles | undefined;
  #writer: Connection | undefined;
  #reader: Connection | undefined;
  readonly #snapshots = new Set<Connection>();
  #closed = false;
  /** Connections that were dropped after a BUSY, for tests and diagnosis. */
  dropped = 0;

  /** @param files - that another handle of the store has open */
  constructor(path: string, options: DatabaseOptions, files?: OpenFiles) {
    this.#path = path;
    this.#options = options;
    this.#files = files;
  }

  /** Undefined before the first connection. */
  get files(): OpenFiles | undefined {
    return this.#files;
  }

  /** @throws `StorePathError` the file was removed or replaced before this connection was opened */
  writer(): Connection {
    this.refuseClosed();
    this.#writer ??= this.#open(openConnection);
    return this.#writer;
  }

  /** @throws `StorePathError` like {@link writer} */
  reader(): Connection {
    this.refuseClosed();
    this.#reader ??= this.#open(openConnection);
    return this.#reader;
  }

  /** One that sees the state of this moment until it is dropped. @throws `StorePathError` like {@link writer} */
  snapshot(): Connection {
    this.refuseClosed();
    const connection = this.#open(openSnapshot);
    this.#snapshots.add(connection);
    return connection;
  }

  dropSnapshot(connection: Connection): void {
    if (this.#snapshots.delete(connection)) closeSnapshot(connection);
  }

  /** A connection that failed is not used again: see {@link Connection.poisoned}. */
  dropPoisoned(connection: Connection): void {
    if (!connection.poisoned) return;
    this.dropped++;
    connection.close();
    this.#files?.forgetLog();
    if (connection === this.#writer) this.#writer = undefined;
    if (connection === this.#reader) this.#reader = undefined;
  }

  refuseClosed(): void {
    if (this.#closed) throw new ClosedError('the store is closed');
  }

  close(): void {
    this.#closed = true;
    for (const connection of this.#snapshots) this.dropSnapshot(connection);
    // As SQLite does when the last connection closes: this driver closes only at garbage collection, and
    // a copy of the file alone would lack what is in the log.
    this.#files?.dropReplacedLog();
    if (this.#writer) foldLog(this.#writer, 'truncate');
    this.#reader?.close();
    this.#writer?.close();
    this.#reader = undefined;
    this.#writer = undefined;
  }

  #open(open: typeof openConnection): Connection {
    this.#files?.refuseLost();
    const connection = open(this.#path, this.#options);
    this.#files ??= new OpenFiles(this.#path);
    return connection;
  }
}
