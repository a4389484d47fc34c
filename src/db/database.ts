import { setImmediate as nextTurn } from 'node:timers/promises';
import { BusyError, ClosedError, DamagedStoreError, ReadOnlyError } from '../errors.ts';
import type { Connection } from './connection.ts';
import { Connections } from './connections.ts';
import { LogBound } from './log-bound.ts';
import type { OpenFiles } from './open-files.ts';
import { synchronousOf, type DatabaseOptions } from './open-connection.ts';
import { Reader } from './reader.ts';
import { Transaction, type Stamper } from './transaction.ts';
import { giveTurn } from './turns.ts';
import { forgetUnsynced } from './unsynced.ts';
import { WriteQueue, untilFree } from './write-queue.ts';

/**
 * A handle to the store file: transactions that write, one after the other, and reads beside them.
 *
 * The file itself must not be opened by other means while a connection is open in this process:
 * closing any descriptor of it would drop SQLite's POSIX locks (sqlite.org/howtocorrupt.html, 2.2).
 */
export class Database {
  readonly #path: string;
  readonly #options: DatabaseOptions;
  readonly #queue = new WriteQueue();
  readonly #log: LogBound;
  readonly #connections: Connections;
  /** No call is taken any more; those before are still done. */
  #closing = false;
  /** Reads, and jobs on other handles, that are under way. */
  #calls = 0;
  /** A damaged page was met: more writes could spread the damage. */
  #damaged = false;

  /** @param files - that another handle of the store has open: this one opens no others */
  constructor(path: string, options: DatabaseOptions, files?: OpenFiles) {
    this.#path = path;
    this.#options = options;
    this.#connections = new Connections(path, options, files);
    this.#log = new LogBound(path);
  }

  get path(): string {
    return this.#path;
  }

  /** For what changes something elsewhere before it is written here. @throws `ReadOnlyError` */
  refuseReadOnly(): void {
    if (this.readOnly) throw new ReadOnlyError('the store was opened read-only');
  }

  get readOnly(): boolean {
    return this.#options.readOnly;
  }

  /** Connections that were dropped after a BUSY, for tests and diagnosis. */
  get dropped(): number {
    return this.#connections.dropped;
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
    const connection = this.#connections.reader();
    connection.begin('deferred');
    try {
      return job(new Reader(connection));
    } finally {
      // Nothing was written; and the state that was seen is let go whatever became of the job.
      connection.rollBack();
      this.#used(connection);
    }
  }

  /**
   * Runs `job` with a {@link read} that sees one and the same state of the store until `job` is done.
   * Meanwhile the log keeps that state, and grows by what is written.
   */
  async snapshot<T>(job: (read: Database['read']) => Promise<T>): Promise<T> {
    this.#queue.refuseInside();
    this.#refuseClosing();
    const connection = await untilFree(() => this.#connections.snapshot());
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
      this.#connections.dropSnapshot(connection);
    }
  }

  /** Like {@link read}, at once, for a caller that cannot wait. @throws `BusyError` */
  readNow<T>(job: (reader: Reader) => T): T {
    return job(new Reader(this.#connections.reader()));
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
    this.refuseReadOnly();
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
        this.#connections.files?.refuseLost();
        connection.commit();
        this.#log.committed(connection);
        return result;
      } catch (error) {
        connection.rollBack();
        throw error;
      } finally {
        transaction.end();
        this.#used(connection);
      }
    });
  }

  /**
   * Runs `job` alone in this process, outside a transaction, for statements that need that.
   *
   * @throws `StorePathError` the file was removed or replaced while it was open
   */
  async exclusive<T>(job: (connection: Connection) => T): Promise<T> {
    this.#refuseClosing();
    return this.#queue.add(() =>
      untilFree(() =>
        this.#onWriter((connection) => {
          this.#connections.files?.refuseLost();
          return job(connection);
        }),
      ),
    );
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
    const fresh = new Database(this.#path, this.#options, this.#connections.files);
    return thenClose(fresh, (one) => one.read(job));
  }

  /** Runs `job` on a handle of its own that takes much at once; what it writes is on disk once settled. */
  async bulk<T>(job: (database: Database) => Promise<T>): Promise<T> {
    this.#connections.refuseClosed();
    const options = { ...this.#options, bulk: true };
    const database = new Database(this.#path, options, this.#connections.files);
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
    this.#connections.close();
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
      this.#connections.files?.begun();
      return connection;
    });
  }

  #onWriter<T>(job: (connection: Connection) => T): T {
    const connection = this.#connections.writer();
    try {
      return job(connection);
    } finally {
      this.#used(connection);
    }
  }

  #used(connection: Connection): void {
    this.#damaged ||= connection.damaged;
    this.#connections.dropPoisoned(connection);
  }

  #refuseClosing(): void {
    if (this.#closing) throw new ClosedError('the store is closed');
  }
}

async function thenClose<T>(database: Database, job: (one: Database) => Promise<T>): Promise<T> {
  return job(database).finally(() => database.close());
}
