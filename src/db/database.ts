import { setImmediate as nextTurn } from 'node:timers/promises';
import { BusyError, ClosedError, DamagedStoreError, ReadOnlyError } from '../errors.ts';
import type { Connection } from './connection.ts';
import { LogBound, foldLog } from './log-bound.ts';
import { openConnection, synchronousOf, type DatabaseOptions } from './open-connection.ts';
import { OpenFiles } from './open-files.ts';
import { Reader } from './reader.ts';
import { Transaction, type Stamper } from './transaction.ts';
import { closeSnapshot, openSnapshot } from './snapshot.ts';
import { giveTurn } from './turns.ts';
import { forgetUnsynced } from './unsynced.ts';
import { WriteQueue, untilFree } from './write-queue.ts';

/**
 * Owns the connections to the store file: one that writes, one that reads, so that a read never
 * sees half of a transaction of its own process.
 *
 * The file itself must not be opened by other means while a connection is open in this process:
 * closing any descriptor of it would drop SQLite's POSIX locks (sqlite.org/howtocorrupt.html, 2.2).
 */
export class Database {
  readonly #path: string;
  readonly #options: DatabaseOptions;
  readonly #queue = new WriteQueue();
  readonly #log: LogBound;
  /** Of the first writing connection: another file at its path is never written to. */
  #files: OpenFiles | undefined;
  #writer: Connection | undefined;
  #reader: Connection | undefined;
  /** Each with a state of the store that it keeps. */
  readonly #snapshots = new Set<Connection>();
  /** No call is taken any more; those before are still done. */
  #closing = false;
  #closed = false;
  /** Reads, and jobs on other handles, that are under way. */
  #calls = 0;
  /** A damaged page was met: more writes could spread the damage. */
  #damaged = false;
  /** Connections that were dropped after a BUSY, for tests and diagnosis. */
  dropped = 0;

  constructor(path: string, options: DatabaseOptions) {
    this.#path = path;
    this.#options = options;
    this.#log = new LogBound(path);
  }

  get path(): string {
    return this.#path;
  }

  get readOnly(): boolean {
    return this.#options.readOnly;
  }

  /** The file is sealed with a key. */
  get encrypted(): boolean {
    return this.#options.encryptionKey !== undefined;
  }

  /**
   * Runs `job` on the reading connection; it sees every write that was acknowledged before, and one
   * state of the store from its first statement to its last, whatever others commit meanwhile.
   */
  async read<T>(job: (reader: Reader) => T): Promise<T> {
    this.#queue.refuseInside();
    this.#refuseClosing();
    return this.#during(async () => {
      const wait = giveTurn();
      if (wait) await wait;
      return untilFree(() => this.#readOnce(job));
    });
  }

  #readOnce<T>(job: (reader: Reader) => T): T {
    const connection = this.#readConnection();
    connection.begin('deferred');
    try {
      return job(new Reader(connection));
    } finally {
      // Nothing was written; and the state that was seen is let go whatever became of the job.
      connection.rollBack();
      this.#damaged ||= connection.damaged;
      if (connection.poisoned) this.#dropReader();
    }
  }

  /**
   * Runs `job` with a {@link read} that sees one and the same state of the store until `job` is done.
   * Meanwhile the log keeps that state, and grows by what is written.
   */
  async snapshot<T>(job: (read: Database['read']) => Promise<T>): Promise<T> {
    this.#queue.refuseInside();
    this.#refuseClosing();
    const connection = await untilFree(() => this.#takeSnapshot());
    const reader = new Reader(connection);
    try {
      return await job(async (one) => {
        this.#queue.refuseInside();
        const wait = giveTurn();
        if (wait) await wait;
        this.#refuseClosing();
        return one(reader);
      });
    } finally {
      this.#damaged ||= connection.damaged;
      this.#dropSnapshot(connection);
    }
  }

  /** Like {@link read}, at once, for a caller that cannot wait. @throws `BusyError` */
  readNow<T>(job: (reader: Reader) => T): T {
    return job(new Reader(this.#readConnection()));
  }

  /**
   * Runs `job` in one transaction: all of it is on disk when the promise resolves, none of it when
   * it rejects. `job` runs once; only the wait for the lock is repeated.
   *
   * @throws `BusyError` other processes, or other handles of this one, held the lock for 30 seconds
   * @throws `DamagedStoreError` this handle has met a damaged page, now or before
   * @throws `StorePathError` the file was removed or replaced while it was open
   */
  async write<T>(stamper: Stamper, job: (transaction: Transaction) => T | Promise<T>): Promise<T> {
    if (this.#options.readOnly) throw new ReadOnlyError('the store was opened read-only');
    this.#refuseClosing();
    return this.#queue.add(async () => {
      if (this.#damaged) {
        throw new DamagedStoreError(`${this.#path} is damaged; nothing more is written to it`);
      }
      const connection = await untilFree(() => this.#begin());
      const transaction = new Transaction(connection, stamper);
      try {
        const result = await job(transaction);
        transaction.finish();
        this.#files?.refuseLost();
        connection.commit();
        this.#log.committed(connection);
        return result;
      } catch (error) {
        connection.rollBack();
        throw error;
      } finally {
        transaction.end();
        this.#damaged ||= connection.damaged;
        if (connection.poisoned) this.#dropWriter();
      }
    });
  }

  /** Runs `job` alone in this process, outside a transaction, for statements that need that. */
  async exclusive<T>(job: (connection: Connection) => T): Promise<T> {
    this.#refuseClosing();
    return this.#queue.add(() => untilFree(() => this.#onWriter(job)));
  }

  /** A number that changes when somebody else commits: another process, or another handle. */
  async foreignCommits(): Promise<number> {
    return this.exclusive((connection) => Number(connection.row('pragma data_version')?.[0]));
  }

  /**
   * Like {@link read}, on a connection of its own: checks of the search index see what a connection
   * has cached of it, and report a sound one as damaged once others have written.
   */
  async readFresh<T>(job: (reader: Reader) => T): Promise<T> {
    return thenClose(new Database(this.#path, this.#options), (one) => one.read(job));
  }

  /** Runs `job` on a handle of its own that takes much at once; what it writes is on disk once settled. */
  async bulk<T>(job: (database: Database) => Promise<T>): Promise<T> {
    this.#refuseClosed();
    const database = new Database(this.#path, { ...this.#options, bulk: true });
    return this.#during(() => thenClose(database, job));
  }

  /**
   * Brings everything that was committed to the disk: a commit that waits for it takes the whole log
   * along. A checkpoint would not do, as readers of other programs can keep it from beginning.
   */
  async settle(): Promise<void> {
    await this.exclusive((connection) => {
      connection.exec('pragma synchronous = full');
      try {
        // SQLite writes nothing, and waits for nothing, where nothing changes.
        const change = 'update device set clock_counter = clock_counter + 1';
        connection.exec(`begin immediate; ${change}; commit`);
      } catch (error) {
        // Nothing of it may stay open; where nothing was, nothing happens.
        if (!(error instanceof BusyError)) connection.poisoned = true;
        throw error;
      } finally {
        connection.exec(`pragma synchronous = ${synchronousOf(this.#options)}`);
      }
    });
    if (this.#options.durability === 'full') forgetUnsynced(this.#path);
  }

  /** @throws `ConflictError` called from within a transaction of this handle, which would wait for itself */
  refuseInside(): void {
    this.#queue.refuseInside();
  }

  /** Waits for the calls under way and closes; later calls reject with `ClosedError`. */
  async close(): Promise<void> {
    this.refuseInside();
    this.#closing = true;
    await this.#queue.idle();
    while (this.#calls > 0) await nextTurn();
    this.#closed = true;
    for (const connection of this.#snapshots) this.#dropSnapshot(connection);
    // As SQLite does when the last connection closes: this driver closes only at garbage collection, and
    // a copy of the file alone would lack what is in the log.
    this.#files?.dropReplacedLog();
    if (this.#writer) foldLog(this.#writer, 'truncate');
    this.#reader?.close();
    this.#writer?.close();
    this.#reader = undefined;
    this.#writer = undefined;
  }

  async #during<T>(call: () => Promise<T>): Promise<T> {
    this.#calls++;
    try {
      return await call();
    } finally {
      this.#calls--;
    }
  }

  #begin(): Connection {
    return this.#onWriter((connection) => {
      connection.begin('immediate');
      this.#files?.begun();
      return connection;
    });
  }

  /** A connection that failed is not used again: see {@link Connection.poisoned}. */
  #onWriter<T>(job: (connection: Connection) => T): T {
    const connection = this.#writeConnection();
    try {
      return job(connection);
    } finally {
      this.#damaged ||= connection.damaged;
      if (connection.poisoned) this.#dropWriter();
    }
  }

  #writeConnection(): Connection {
    this.#refuseClosed();
    if (this.#writer) return this.#writer;
    this.#writer = openConnection(this.#path, this.#options);
    if (this.#files) this.#files.reopened();
    else this.#files = new OpenFiles(this.#path);
    return this.#writer;
  }

  #readConnection(): Connection {
    this.#refuseClosed();
    this.#reader ??= openConnection(this.#path, this.#options);
    return this.#reader;
  }

  #takeSnapshot(): Connection {
    this.#refuseClosed();
    const connection = openSnapshot(this.#path, this.#options);
    this.#snapshots.add(connection);
    return connection;
  }

  #dropSnapshot(connection: Connection): void {
    if (this.#snapshots.delete(connection)) closeSnapshot(connection);
  }

  #dropWriter(): void {
    this.dropped++;
    this.#writer?.close();
    this.#writer = undefined;
  }

  #dropReader(): void {
    this.dropped++;
    this.#reader?.close();
    this.#reader = undefined;
  }

  #refuseClosing(): void {
    if (this.#closing) throw new ClosedError('the store is closed');
  }

  #refuseClosed(): void {
    if (this.#closed) throw new ClosedError('the store is closed');
  }
}

async function thenClose<T>(database: Database, job: (one: Database) => Promise<T>): Promise<T> {
  return job(database).finally(() => database.close());
}
