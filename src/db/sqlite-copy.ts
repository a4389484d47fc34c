import { createHash } from 'node:crypto';
import { createReadStream, statSync } from 'node:fs';
import { chmod, copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type Libsql from 'libsql';
import { Driver } from './driver.ts';

/** A value of a row: text comes as its bytes, see {@link SqliteCopy.rows}. */
export type SqliteValue = null | bigint | number | Buffer;

/** Why a database could not be copied. */
export type CopyFault = 'missing' | 'symlink' | 'unreadable' | 'changing';

/** The copy cannot be read on: it is damaged, though SQLite's quick check did not see it. */
export class DamagedCopyError extends Error {
  override readonly name = 'DamagedCopyError';
}

/** A private copy of a database that another program may be writing. */
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
  /** Removes the copy. */
  close(): Promise<void>;
}

/** The write-ahead log, and the rollback journal of older versions: both may hold commits. */
const SIDE_FILES = ['-wal', '-journal'];
const ATTEMPTS_MAX = 8;
const PAUSE_MS = 30;
/** File times advance in steps of up to 10 ms: a younger file may change without a sign of it. */
const SETTLED_MS = 15;

/**
 * Copies a database, with the logs that hold its latest commits, into a folder of its own.
 *
 * The original is never opened as a database: that would write to it, or take its locks. When it
 * changes while it is copied, the copy is made again.
 */
export async function copySqlite(path: string): Promise<SqliteCopy | CopyFault> {
  const folder = await mkdtemp(join(tmpdir(), 'codewhale-store-'));
  const copied = await copySettled(path, join(folder, 'copy.db')).catch((error: unknown) => {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EACCES' || code === 'EPERM' || code === 'EISDIR') return 'unreadable' as const;
    if (code === 'ENOENT') return 'changing' as const;
    throw error;
  });
  if (typeof copied === 'string') {
    await rm(folder, { recursive: true, force: true });
    return copied;
  }
  return { ...copied, ...opened(join(folder, 'copy.db'), folder) };
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
      await copyFile(from + suffix, to + suffix);
      await chmod(to + suffix, 0o600);
      for await (const chunk of createReadStream(to + suffix)) {
        hash.update(chunk as Buffer);
        size += (chunk as Buffer).length;
      }
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
  folder: string,
): Pick<SqliteCopy, 'damage' | 'userVersion' | 'columns' | 'rows' | 'close'> {
  let database: Libsql.Database | undefined;
  const connection = () => (database ??= new Driver(file));
  const query = (sql: string, ...parameters: string[]) =>
    connection()
      .prepare(sql)
      .raw()
      .safeIntegers()
      .iterate(...parameters) as Iterable<unknown[]>;
  return {
    damage() {
      try {
        const [row] = query('pragma quick_check(1)');
        return row?.[0] === 'ok' ? undefined : String(row?.[0]);
      } catch (error) {
        return String(error);
      }
    },
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
    async close() {
      database?.close();
      await rm(folder, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}
