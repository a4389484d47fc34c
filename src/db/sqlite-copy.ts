import { createHash, type Hash } from 'node:crypto';
import {
  closeSync,
  mkdtempSync,
  openSync,
  readSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setImmediate, setTimeout } from 'node:timers/promises';
import { Driver } from './driver.ts';
import { fileFailure } from './file-failure.ts';

/** A value of a row: text comes as its bytes, see {@link SqliteCopy.rows}. */
export type SqliteValue = null | bigint | number | Buffer;

/** Why a database could not be copied. */
export type CopyFault = 'missing' | 'symlink' | 'unreadable' | 'changing';

/** The copy cannot be read on: it is damaged, though SQLite's quick check did not see it. */
export class DamagedCopyError extends Error {
  override readonly name = 'DamagedCopyError';
}

/**
 * A private copy of a database that another program may be writing. It has no name any more where it
 * lies: whatever becomes of this process, nothing of it stays.
 */
export interface SqliteCopy {
  /** Of the database and the log files beside it, in bytes. */
  size: number;
  sha256: string;
  mtimeMs: number;
  /** The damage that SQLite found, or that it is no database; undefined when it can be read. */
  damage(): string | undefined;
  userVersion(): number;
  /** The columns of a table, none when it does not exist. */
  columns(table: string): string[];
  /**
   * Rows of a query, a hundred at a time in memory. This driver cuts text at a NUL byte, so select
   * text as `cast(x as blob)`.
   *
   * @throws `DamagedCopyError`
   */
  rows(sql: string): Generator<SqliteValue[]>;
  /** Gives the copy up. */
  close(): void;
}

/** The write-ahead log, and the rollback journal of older versions: both may hold commits. */
const SIDE_FILES = ['-wal', '-journal'];
const PIECE_BYTES = 1 << 20;
const ATTEMPTS_MAX = 8;
const PAUSE_MS = 30;
/** File times advance in steps of up to 10 ms: a younger file may change without a sign of it. */
const SETTLED_MS = 15;

/**
 * Copies a database, with the logs that hold its latest commits, into a folder of its own, which is
 * gone when this returns. The copy is as clear as the original, also where the store is encrypted.
 *
 * The original is never opened as a database: that would write to it, or take its locks. When it
 * changes while it is copied, the copy is made again.
 *
 * @param store - the store that the copy is made beside
 * @throws `FileSystemError`, `DiskFullError` it cannot be made there
 */
export async function copySqlite(path: string, store: string): Promise<SqliteCopy | CopyFault> {
  const folder = makeFolderBeside(store);
  try {
    const file = join(folder, 'copy.db');
    const copied = await copySettled(path, file);
    return typeof copied === 'string' ? copied : { ...copied, ...opened(file) };
  } finally {
    // What SQLite has opened it keeps without its name.
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

/**
 * A folder for its owner only. The process is in its name: one that was killed while it copied left
 * its folder behind, which the next import removes. Until then `doctor` tells of it.
 */
function makeFolderBeside(store: string): string {
  try {
    for (const folder of foldersLeft(store)) rmSync(folder, { recursive: true, force: true });
    return mkdtempSync(`${store}.importing-${process.pid}-`);
  } catch (error) {
    throw fileFailure(`no copy of a database can be made in ${dirname(store)}`, error);
  }
}

/** Those of processes that are gone. */
function foldersLeft(store: string): string[] {
  const start = `${basename(store)}.importing-`;
  return readdirSync(dirname(store))
    .filter((entry) => entry.startsWith(start))
    .filter((entry) => isGone(Number.parseInt(entry.slice(start.length), 10)))
    .map((entry) => join(dirname(store), entry));
}

function isGone(pid: number): boolean {
  if (!(pid > 0)) return false;
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}

async function copySettled(
  from: string,
  to: string,
): Promise<Pick<SqliteCopy, 'size' | 'sha256' | 'mtimeMs'> | CopyFault> {
  for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
    const before = statSync(from, { throwIfNoEntry: false });
    if (before === undefined) return 'missing';
    if (!before.isFile()) return 'unreadable';
    const state = fingerprint(from);
    const hash = createHash('sha256');
    let size = 0;
    for (const suffix of ['', ...SIDE_FILES]) {
      await rm(to + suffix, { force: true });
      if (suffix !== '' && statSync(from + suffix, { throwIfNoEntry: false }) === undefined)
        continue;
      const copied = await copyFile(from + suffix, to + suffix, hash);
      if (typeof copied === 'string') return copied;
      size += copied;
      hash.update(`${suffix}:${size}`);
    }
    const { text, mtimeMs } = fingerprint(from);
    const age = Date.now() - mtimeMs;
    if (text === state.text && !(age >= 0 && age < SETTLED_MS)) {
      return { size, sha256: hash.digest('hex'), mtimeMs };
    }
    await setTimeout(PAUSE_MS * attempt);
  }
  return 'changing';
}

/**
 * Copies a file, for its owner only from the first byte on, and hashes it; returns its size. At once
 * where it is small, because its writer may rest for a moment only.
 */
async function copyFile(from: string, to: string, hash: Hash): Promise<number | CopyFault> {
  const source = inSource(() => openSync(from, 'r'));
  if (typeof source === 'string') return source;
  try {
    const target = inCopy(() => openSync(to, 'wx', 0o600));
    try {
      const piece = Buffer.allocUnsafe(PIECE_BYTES);
      for (let size = 0; ;) {
        const length = inSource(() => readSync(source, piece));
        if (length === 0 || typeof length === 'string') return length || size;
        const bytes = piece.subarray(0, length);
        hash.update(bytes);
        inCopy(() => {
          writeFileSync(target, bytes);
        });
        size += length;
        if (length === PIECE_BYTES) await setImmediate();
      }
    } finally {
      closeSync(target);
    }
  } finally {
    closeSync(source);
  }
}

/** A step of reading what is copied. */
function inSource(step: () => number): number | CopyFault {
  try {
    return step();
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'changing' : 'unreadable';
  }
}

/** A step of making the copy. */
function inCopy<T>(step: () => T): T {
  try {
    return step();
  } catch (error) {
    throw fileFailure('the copy of a database to import cannot be written', error);
  }
}

function fingerprint(path: string): { text: string; mtimeMs: number } {
  const stats = ['', ...SIDE_FILES].map((suffix) =>
    statSync(path + suffix, { throwIfNoEntry: false }),
  );
  return {
    text: stats.map((s) => (s ? [s.size, s.mtimeMs, s.ctimeMs, s.ino].join() : '-')).join(' '),
    mtimeMs: Math.max(...stats.map((s) => s?.mtimeMs ?? 0)),
  };
}

function opened(
  file: string,
): Pick<SqliteCopy, 'damage' | 'userVersion' | 'columns' | 'rows' | 'close'> {
  const database = new Driver(file);
  const query = (sql: string, ...parameters: string[]) =>
    database
      .prepare(sql)
      .raw()
      .safeIntegers()
      .iterate(...parameters) as Iterable<unknown[]>;
  // Nothing is ever asked again of files by their names: no log is looked for, no others are made.
  database.exec('pragma locking_mode = exclusive; pragma temp_store = memory');
  const fault = findFault('select count(*) from sqlite_master');
  return {
    damage: () => fault ?? findFault('pragma quick_check(1)', 'ok'),
    userVersion() {
      const [row] = query('pragma user_version');
      return Number(row?.[0] ?? 0);
    },
    columns(table) {
      return Array.from(query('select name from pragma_table_info(?)', table), (row) =>
        String(row[0]),
      );
    },
    *rows(sql) {
      try {
        for (const row of query(sql)) {
          yield row as SqliteValue[];
        }
      } catch (error) {
        throw new DamagedCopyError('a table of the copy cannot be read', { cause: error });
      }
    },
    close() {
      database.close();
    },
  };

  /** What is wrong where a query fails, or gives another first value than the one expected. */
  function findFault(sql: string, expected?: string): string | undefined {
    try {
      const [value] = Array.from(query(sql))[0] ?? [];
      return expected === undefined || value === expected ? undefined : String(value);
    } catch (error) {
      return String(error);
    }
  }
}
