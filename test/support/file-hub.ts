import Driver from 'libsql';
import { ClosedError, HubTooLargeError } from '../../src/errors.ts';
import { statementFailure } from '../../src/sync/hub/hub-failure.ts';
import type { Hub, HubRow, HubStatement, HubValue } from '../../src/sync/hub/hub.ts';
import { textAsBytes, textFromBytes } from '../../src/sync/hub/text-as-bytes.ts';

export interface FileHubOptions {
  readonly path: string;
  /** The hub's clock in milliseconds, in place of the one of the machine. */
  readonly now?: () => number;
}

/** The one expression by which our statements ask for the hub's clock: seconds as REAL. */
const CLOCK = `unixepoch('subsec')`;
/** sqld's own limits, in bytes. */
const VALUE_BYTES_MAX = 5_000_000;
const ANSWER_BYTES_MAX = 10_000_000;

/**
 * The hub as a local libSQL file: the very statements that go to sqld, in one transaction, with its
 * limits of size. It differs in this: text that is not UTF-8 is read with U+FFFD in it, where sqld
 * fails the whole request.
 */
export class FileHub implements Hub {
  readonly #driver: Driver.Database;
  readonly #now: (() => number) | undefined;
  #closed = false;

  constructor({ path, now }: FileHubOptions) {
    this.#driver = new Driver(path, { timeout: 5000 });
    this.#driver.exec('pragma journal_mode = wal; pragma synchronous = off');
    this.#now = now;
  }

  // Rejects, never throws, like every other way to the hub.
  // eslint-disable-next-line @typescript-eslint/require-await
  async run(statements: readonly HubStatement[], mode: 'read' | 'write'): Promise<HubRow[][]> {
    if (this.#closed) throw new ClosedError('the connection to the hub is closed');
    try {
      this.#driver.exec(mode === 'write' ? 'begin immediate' : 'begin');
      const rows = statements.map((statement) => this.#all(statement));
      refuseLong(rows);
      this.#driver.exec('commit');
      return rows;
    } catch (error) {
      if (this.#driver.inTransaction) this.#driver.exec('rollback');
      throw error instanceof Error && 'code' in error && String(error.code).startsWith('SQLITE_')
        ? statementFailure(String(error.code), error.message)
        : error;
    }
  }

  close(): void {
    if (!this.#closed) this.#driver.close();
    this.#closed = true;
  }

  #all({ sql, params }: HubStatement): HubRow[] {
    if (params.some((value) => bytesOf(value) > VALUE_BYTES_MAX)) {
      throw new HubTooLargeError('a parameter passes the limit of the hub');
    }
    const clock = this.#now && `${String(this.#now())} / 1000.0`;
    const text = clock ? sql.replaceAll(CLOCK, `(${clock})`) : sql;
    const values = params.map(bindable);
    const statement = this.#driver.prepare(text);
    if (!statement.reader) {
      statement.run(values);
      return [];
    }
    const columns = statement.columns().length;
    const read = (sql: string) => this.#driver.prepare(sql).raw().all(values) as HubValue[][];
    // What `returning` brings cannot be wrapped, and is of our own making.
    if (/^\s*(select|with)\b/i.test(text))
      return read(textAsBytes(text, columns)).map(textFromBytes);
    return read(text).map((row) => row.map(plain));
  }
}

/** The driver binds every number as REAL, sqld a whole one as INTEGER. */
function bindable(value: HubValue): HubValue | bigint {
  if (value instanceof Uint8Array) return Buffer.from(value);
  return typeof value === 'number' && Number.isSafeInteger(value) ? BigInt(value) : value;
}

function plain(value: HubValue): HubValue {
  return value instanceof Uint8Array ? new Uint8Array(value) : value;
}

function refuseLong(answers: readonly HubRow[][]): void {
  const bytes = answers.flat(2).reduce<number>((sum, value) => sum + bytesOf(value), 0);
  if (bytes > ANSWER_BYTES_MAX)
    throw new HubTooLargeError('the answer passes the limit of the hub');
}

function bytesOf(value: HubValue): number {
  if (typeof value === 'string') return Buffer.byteLength(value);
  return value instanceof Uint8Array ? value.byteLength : 8;
}
