import type Libsql from 'libsql';
import { Driver } from './driver.ts';
import {
  BusyError,
  ClosedError,
  DamagedStoreError,
  DatabaseError,
  DiskError,
  DiskFullError,
  ReadOnlyError,
  StoreError,
} from '../errors.ts';

// Why the native package and not `@libsql/client`, which stands on it: measured on Node 20.20 (one
// row, WAL, FULL, medians of 500), a transaction takes 1.03 ms through the client and 0.56 ms here,
// where one append and fsync of a plain file takes 0.51 ms; the client prepares every statement anew;
// and a statement of it that meets SQLITE_BUSY stays open and poisons its connection. The same holds
// here for *prepared* statements, never for exec('begin immediate') (100 BUSYs, no lock, no descriptor
// left), which is why that is the only statement that ever waits for a lock.

export type Value = string | number | bigint | Uint8Array | null;

export interface ConnectionOptions {
  /** How long the driver itself waits for a lock, in milliseconds. It blocks the event loop. */
  readonly busyWaitMs: number;
  readonly encryptionKey?: string | undefined;
  readonly readOnly: boolean;
  /** Looks at the file as it is without its log, and takes no locks. */
  readonly withoutLog?: boolean;
  /** Called with the text of every statement, never with its parameters. */
  readonly onStatement?: ((sql: string) => void) | undefined;
}

type Use = 'run' | 'row' | 'rows';
const StatementCache = Map<string, Libsql.Statement>;

/** One connection with its prepared statements. Every error is a {@link StoreError}. */
export class Connection {
  /**
   * Not to be used again: a prepared statement met SQLITE_BUSY, and later writes here could report
   * success and not commit; or the disk failed, and what this connection has cached may be half read;
   * or a transaction could not be rolled back.
   */
  poisoned = false;
  /** A statement met a damaged page. */
  damaged = false;
  readonly #driver: Libsql.Database;
  /** A transaction was begun and not ended. */
  #begun = false;
  /** With what SQLite ended the transaction by itself, or this connection failed in it. */
  #lost: Error | undefined;
  /**
   * Prepared statements by their use. The driver's `get` does not reset a statement that `all` has
   * run: it answers for the former parameters (libsql 0.5.29). So no two ways of running share one.
   */
  readonly #statements = {
    run: new StatementCache(),
    row: new StatementCache(),
    rows: new StatementCache(),
  };
  readonly #onStatement: ((sql: string) => void) | undefined;

  readonly #path: string;

  constructor(path: string, options: ConnectionOptions) {
    this.#path = path;
    this.#onStatement = options.onStatement;
    try {
      this.#driver = new Driver(nameOf(path, options), {
        timeout: options.busyWaitMs,
        ...(options.encryptionKey === undefined ? {} : { encryptionKey: options.encryptionKey }),
      });
    } catch (error) {
      throw translate(error, path);
    }
  }

  exec(sql: string): void {
    this.#refuseLost();
    this.#send(sql);
  }

  /**
   * Begins a transaction. Where it is lost on the way (SQLite rolls back by itself when the disk is
   * full or fails), each further statement and its commit throw what it was lost with: they would be
   * on their own, and committed one by one.
   */
  begin(how: 'deferred' | 'immediate'): void {
    this.exec(`begin ${how}`);
    this.#begun = true;
  }

  commit(): void {
    this.exec('commit');
    this.#begun = false;
  }

  /** Ends the transaction, lost or not, whatever state it is in. */
  rollBack(): void {
    this.#begun = false;
    this.#lost = undefined;
    try {
      this.#send('rollback');
    } catch {
      // SQLite rolled back by itself, or cannot: the next transaction gets a new connection.
      this.poisoned = true;
    }
  }

  /** Runs one writing statement; returns how many rows it changed. */
  run(sql: string, params: readonly Value[] = []): number {
    return this.#guard('run', sql, (statement) => statement.run(params as Value[]).changes);
  }

  /** The first row as an array of values. Text is cut at a NUL byte: select such text as JSON. */
  row(sql: string, params: readonly Value[] = []): Value[] | undefined {
    return this.#guard(
      'row',
      sql,
      (statement) => statement.get(params as Value[]) as Value[] | undefined,
    );
  }

  /** All rows as arrays of values; the same warning holds. */
  rows(sql: string, params: readonly Value[] = []): Value[][] {
    return this.#guard('rows', sql, (statement) => statement.all(params as Value[]) as Value[][]);
  }

  close(): void {
    for (const cache of Object.values(this.#statements)) cache.clear();
    this.#driver.close();
  }

  #send(sql: string): void {
    this.#onStatement?.(sql);
    try {
      this.#driver.exec(sql);
    } catch (error) {
      throw this.#noted(error, false);
    }
  }

  #guard<T>(use: Use, sql: string, call: (statement: Libsql.Statement) => T): T {
    this.#refuseLost();
    this.#onStatement?.(sql);
    try {
      return call(this.#prepare(use, sql));
    } catch (error) {
      throw this.#noted(error, true);
    }
  }

  #refuseLost(): void {
    if (this.#lost) throw this.#lost;
  }

  #noted(error: unknown, prepared: boolean): Error {
    const translated = translate(error, this.#path);
    if (translated instanceof DiskError) this.poisoned = true;
    if (prepared && translated instanceof BusyError) this.poisoned = true;
    if (this.#begun && (this.poisoned || !this.#driver.inTransaction)) this.#lost = translated;
    // Not the search index where only its words do not fit: that is derived, and `repair` mends it.
    if (translated instanceof DamagedStoreError && codeOf(error) !== 'SQLITE_CORRUPT_VTAB') {
      this.damaged = true;
    }
    return translated;
  }

  #prepare(use: Use, sql: string): Libsql.Statement {
    const cache = this.#statements[use];
    let statement = cache.get(sql);
    if (!statement) {
      statement = this.#driver.prepare(sql);
      // `raw` is refused for statements that return nothing.
      if (statement.reader) statement.raw();
      cache.set(sql, statement);
    }
    return statement;
  }
}

/** No file at all. */
const IN_MEMORY = ':memory:';

/**
 * What the driver is to open. It makes no file: an empty one in the place of a store that was moved
 * away costs the log, which SQLite then takes for a leftover and deletes.
 *
 * Its own way to files, through a layer for ciphers, takes a read that failed for one that succeeded:
 * whatever was in memory then passes for the page, and is written back (libsql 0.5.29). SQLite's own
 * does not; but only the other can decrypt.
 */
function nameOf(path: string, options: ConnectionOptions): string {
  if (path === IN_MEMORY) return path;
  const flags = [options.readOnly ? 'mode=ro' : 'mode=rw'];
  if (options.withoutLog) flags.push('immutable=1');
  if (options.encryptionKey === undefined && process.platform !== 'win32') flags.push('vfs=unix');
  return `file:${encodeURI(path).replace(/[?#]/g, encodeURIComponent)}?${flags.join('&')}`;
}

/** Of codes that the driver has no name for, it gives the number: the lowest byte is the kind. */
const KINDS = new Map([
  [5, 'SQLITE_BUSY'],
  [8, 'SQLITE_READONLY'],
  [10, 'SQLITE_IOERR'],
  [11, 'SQLITE_CORRUPT'],
  [13, 'SQLITE_FULL'],
  [14, 'SQLITE_CANTOPEN'],
  [26, 'SQLITE_NOTADB'],
]);

function codeOf(error: unknown): string {
  if (!(error instanceof Error) || !('code' in error)) return '';
  const code = String(error.code);
  const number = /^UNKNOWN_SQLITE_ERROR_(\d+)$/.exec(code)?.[1];
  return number === undefined ? code : (KINDS.get(Number(number) & 0xff) ?? 'SQLITE_UNKNOWN');
}

/** The driver's errors in this library's words. Messages of SQLite name tables, never content. */
function translate(error: unknown, path: string): Error {
  if (error instanceof StoreError || !(error instanceof Error)) {
    return error instanceof Error ? error : new DatabaseError(String(error));
  }
  const code = codeOf(error);
  const options = { cause: error };
  if (code.startsWith('SQLITE_BUSY') || code.startsWith('SQLITE_LOCKED')) {
    return new BusyError(
      'the store is locked by another process, or another store object of this one',
      options,
    );
  }
  if (code.startsWith('SQLITE_READONLY')) {
    return new ReadOnlyError('the store cannot be written', options);
  }
  if (code.startsWith('SQLITE_FULL')) return new DiskFullError('the disk is full', options);
  if (code.startsWith('SQLITE_IOERR') || code.startsWith('SQLITE_CANTOPEN')) {
    return new DiskError(`the operating system failed to read or write ${path}`, options);
  }
  if (code.startsWith('SQLITE_NOTADB') || code.startsWith('SQLITE_CORRUPT')) {
    return new DamagedStoreError(
      'the file is not a store, is damaged, or is encrypted with another key',
      options,
    );
  }
  if (error.message.includes('connection is not open')) {
    return new ClosedError('the store is closed', options);
  }
  if (error.message.startsWith('ConnectionFailed')) {
    return new DiskError('the store file cannot be opened', options);
  }
  if (code.startsWith('SQLITE_')) return new DatabaseError(error.message, options);
  return error;
}
