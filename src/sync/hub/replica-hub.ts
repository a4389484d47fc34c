import type Libsql from 'libsql';
import { Driver } from '../../db/driver.ts';
import { lockFile } from '../../db/file-lock.ts';
import { closeSync, existsSync, openSync, rmSync } from 'node:fs';
import {
  ClosedError,
  HubBusyError,
  HubRefusedError,
  HubUnreachableError,
  StoreError,
} from '../../errors.ts';
import { CopyProcess } from './copy-process.ts';
import { HttpHub } from './http-hub.ts';
import { hubAddress, type HubAddress } from './hub-address.ts';
import { statementFailure } from './hub-failure.ts';
import type { TokenSource } from './hub-request.ts';
import type { Hub, HubRow, HubStatement, HubValue } from './hub.ts';
import { textAsBytes, textFromBytes } from './text-as-bytes.ts';

export interface ReplicaHubOptions {
  /** A disposable file: whatever is there and cannot be used is deleted. */
  readonly path: string;
  readonly url: string;
  readonly token: TokenSource;
  /** For the file at rest; a file under another key is made anew. */
  readonly encryptionKey?: string | undefined;
  /**
   * How long nothing new may come into the file, in milliseconds; by default 30,000. It comes in
   * pieces of 4 MB: a line that is slower than 140 KB/s is left to HTTP.
   */
  readonly silenceMs?: number;
}

const SILENCE_MS = 30_000;

const sideFiles = ['', '-client_wal_index', '-wal', '-shm', '-info'];
/** What the driver says of a file that it cannot go on with, and SQLite of a damaged one. */
const damaged = /wal_index|not a database|malformed|SQLITE_(CORRUPT|NOTADB)|Injector error/i;

/**
 * A copy of the hub in a local file, brought up to date by libSQL's embedded replica in a process of
 * its own: for reading many entries. It is a cache of what the hub says and may be deleted at any time.
 */
export class ReplicaHub implements Hub {
  readonly #path: string;
  readonly #address: HubAddress;
  readonly #encryptionKey: string | undefined;
  readonly #silenceMs: number;
  readonly #http: HttpHub;
  /** The one that the hub accepted last. */
  #token: string | undefined;
  #copying: { readonly process: CopyProcess; readonly token: string | undefined } | undefined;
  #reader: Libsql.Database | undefined;
  #unlock: (() => void) | undefined;
  #underWay = false;
  #closed = false;

  /** @throws `InvalidInputError` the address cannot be one of a hub */
  constructor({ path, url, token, encryptionKey, silenceMs = SILENCE_MS }: ReplicaHubOptions) {
    this.#path = path;
    this.#address = hubAddress(url);
    this.#encryptionKey = encryptionKey;
    this.#silenceMs = silenceMs;
    this.#http = new HttpHub({ url, token: async () => (this.#token = await token()) });
  }

  /**
   * Makes this the only one that uses the file: two that bring it up to date at once spoil it for
   * each other. Others are let in when it is closed.
   *
   * @returns false while another thread or process has it
   */
  take(): boolean {
    this.#refuseClosed();
    this.#unlock ??= lockFile(`${this.#path}-lock`);
    return this.#unlock !== undefined;
  }

  /**
   * Copies what the hub has and the file has not. A file that is broken or incomplete is deleted
   * and made anew.
   *
   * @throws what `Hub.run` throws: go on over HTTP; `HubBusyError` while the hub compacts its log
   */
  async sync(): Promise<void> {
    if (!this.take()) throw new HubBusyError('somebody else uses the copy of the hub');
    // The native client says no more than "timeout" after three seconds, and ends its process over a
    // malformed token. So ask over HTTP first: it tells what is wrong.
    await this.#http.run([], 'read');
    this.#refuseClosed();
    this.#underWay = true;
    try {
      await this.#bringUpToDate();
    } catch (error) {
      throw this.#closed ? closedError() : syncFailure(error, this.#address.host);
    } finally {
      this.#underWay = false;
      if (this.#closed) this.#release();
    }
  }

  /**
   * As of the last {@link sync}; `read` only. A file whose damage shows only now is made anew.
   *
   * @throws what {@link sync} throws where it cannot be made anew; `HubBusyError` the copy is as
   *   damaged then: go on over HTTP
   */
  async run(statements: readonly HubStatement[], mode: 'read' | 'write'): Promise<HubRow[][]> {
    this.#refuseClosed();
    if (mode === 'write')
      throw new Error('a replica is for reading: it would send this to the hub');
    if (!this.#reader) throw new Error('sync() the replica before reading it');
    try {
      return read(this.#reader, statements);
    } catch (error) {
      if (!isDamaged(error)) throw readFailure(error);
    }
    // A hub that was put back to an older state and went on spoils the copy without a word.
    this.remove();
    await this.sync();
    try {
      return read(this.#reader, statements);
    } catch (error) {
      if (!isDamaged(error)) throw readFailure(error);
      throw new HubBusyError('the copy of the hub is damaged however new it is', undefined, {
        cause: error,
      });
    }
  }

  close(): void {
    this.#closed = true;
    this.#http.close();
    this.#drop();
    // Nobody else is let at the file before the process that writes it is gone.
    if (!this.#underWay) this.#release();
  }

  /** Deletes the file and all that lies beside it; the next {@link sync} copies everything. */
  remove(): void {
    this.#drop();
    for (const name of sideFiles) rmSync(this.#path + name, { force: true });
  }

  async #bringUpToDate(): Promise<void> {
    try {
      await this.#copy();
    } catch (error) {
      if (!isDamaged(error)) throw error;
      this.remove();
      await this.#copy();
    }
  }

  async #copy(): Promise<void> {
    const known = existsSync(this.#path);
    if (!known) this.#makeFiles();
    if (this.#copying?.token !== this.#token) this.#drop();
    this.#copying ??= { process: this.#copyProcess(), token: this.#token };
    await this.#copying.process.copy();
    this.#refuseClosed();
    this.#reader ??= this.#openReader();
    if (known) refuseEmpty(this.#reader);
  }

  /** For their mode; and the driver opens the one only where it finds the other. */
  #makeFiles(): void {
    for (const name of ['', '-client_wal_index']) {
      closeSync(openSync(this.#path + name, 'w', 0o600));
    }
  }

  #copyProcess(): CopyProcess {
    const options = {
      syncUrl: this.#address.base,
      ...(this.#token === undefined ? {} : { authToken: this.#token.trim() }),
      ...this.#atRest(),
    };
    return new CopyProcess(this.#path, options, this.#silenceMs);
  }

  /** On the file alone: it sees what the other process has copied. */
  #openReader(): Libsql.Database {
    return new Driver(this.#path, { readonly: true, ...this.#atRest() });
  }

  #atRest(): { encryptionKey?: string } {
    return this.#encryptionKey === undefined ? {} : { encryptionKey: this.#encryptionKey };
  }

  #drop(): void {
    this.#reader?.close();
    this.#reader = undefined;
    void this.#copying?.process.end();
    this.#copying = undefined;
  }

  #release(): void {
    this.#unlock?.();
    this.#unlock = undefined;
  }

  #refuseClosed(): void {
    if (this.#closed) throw closedError();
  }
}

function closedError(): ClosedError {
  return new ClosedError('the replica of the hub is closed');
}

function read(driver: Libsql.Database, statements: readonly HubStatement[]): HubRow[][] {
  try {
    driver.exec('begin');
    const rows = statements.map((statement) => select(driver, statement));
    driver.exec('commit');
    return rows;
  } catch (error) {
    if (driver.inTransaction) driver.exec('rollback');
    throw error;
  }
}

function select(driver: Libsql.Database, { sql, params }: HubStatement): HubRow[] {
  const columns = driver.prepare(sql).columns().length;
  const values = params.map(bindable);
  const rows = driver.prepare(textAsBytes(sql, columns)).raw().all(values) as HubValue[][];
  return rows.map(textFromBytes);
}

/** The driver binds every number as REAL, the hub a whole one as INTEGER. */
function bindable(value: HubValue): HubValue | bigint {
  return typeof value === 'number' && Number.isSafeInteger(value) ? BigInt(value) : value;
}

/** A file that was cut to nothing is taken for one that is up to date. */
function refuseEmpty(driver: Libsql.Database): void {
  const [tables] = driver.prepare('select count(*) from sqlite_schema').raw().get() as [number];
  if (tables === 0) throw new Error('malformed: nothing in it');
}

function isDamaged(error: unknown): boolean {
  return error instanceof Error && damaged.test(`${codeOf(error)} ${error.message}`);
}

function codeOf(error: Error): string {
  return 'code' in error ? String(error.code) : '';
}

function syncFailure(error: unknown, host: string): Error {
  if (error instanceof StoreError) return error;
  if (error instanceof Error && /snapshot not found/i.test(error.message)) {
    return new HubBusyError(`${host} is compacting its log`, undefined, { cause: error });
  }
  return new HubUnreachableError(`the copy of ${host} could not be brought up to date`, {
    cause: error,
  });
}

function readFailure(error: unknown): Error {
  const code = error instanceof Error ? codeOf(error) : '';
  if (code.startsWith('SQLITE_')) return statementFailure(code, (error as Error).message);
  return new HubRefusedError('the copy of the hub cannot answer this', { cause: error });
}
