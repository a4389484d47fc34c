import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  lstatSync,
  openSync,
  readSync,
  rmSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { DamagedStoreError, ReadOnlyError, StoreError, StorePathError } from '../errors.ts';
import { Connection } from './connection.ts';
import { fileSize } from './file-facts.ts';
import { findLogDamage } from './log-file.ts';
import { makeFolder } from './make-folder.ts';
import { APPLICATION_ID, fileHeaderOf, PAGE_SIZE } from './page-format.ts';
import { isUnsynced } from './unsynced.ts';
import { syncFolder } from './sync-folder.ts';

/** What lies at the path of a store before it is opened. */
export interface StoreFile {
  /** It was made just now. */
  readonly isNew: boolean;
  /** Its making was begun and has not ended: it may be empty. */
  readonly unfinished: boolean;
}

/** Beside a store from before its file is made until its tables are in it. */
const markOf = (path: string) => `${path}.creating`;

/**
 * Makes the file where there is none, and refuses what cannot be a store, before SQLite sees it: that
 * takes an empty file for a new database, removes the log beside it, and follows symbolic links.
 *
 * @throws `StorePathError` a symbolic link, no file, not there and not to be made
 * @throws `DamagedStoreError` nothing is left of a store that was there
 * @throws `ReadOnlyError` the file may not be written
 */
export function claimFile(path: string, readOnly: boolean): StoreFile {
  refuseOddFiles(path);
  const mark = markOf(path);
  // Asked before the size: whoever makes the store removes it afterwards.
  const unfinished = existsSync(mark);
  if (existsSync(path)) {
    refuseUnreadable(path);
    if (!readOnly) refuseUnwritable(path);
    refuseEmpty(path, unfinished);
    return { isNew: false, unfinished };
  }
  if (fileSize(`${path}-wal`) > 0) {
    throw new DamagedStoreError(`${path} is gone, but its log ${path}-wal is still there`);
  }
  if (readOnly) throw new StorePathError(`there is no store at ${path}`);
  return { isNew: makeFile(path, mark), unfinished: true };
}

/** The store has its tables: from now on it is never empty. */
export function finishFile(path: string): void {
  rmSync(markOf(path), { force: true });
}

function makeFile(path: string, mark: string): boolean {
  try {
    makeFolder(dirname(path), 0o700);
    closeSync(openSync(mark, 'a', 0o600));
    // Made before SQLite sees it: the log beside it gets the same mode.
    closeSync(openSync(path, 'wx', 0o600));
    syncFolder(dirname(path));
    return true;
  } catch (error) {
    const raced = error instanceof Error && 'code' in error && error.code === 'EEXIST';
    if (raced && existsSync(path)) return false;
    throw new StorePathError(`the store cannot be made at ${path}`, { cause: error });
  }
}

/** SQLite would open it all the same, and refuse the first write. @throws `ReadOnlyError` */
export function refuseUnwritable(path: string): void {
  try {
    accessSync(path, constants.W_OK);
  } catch (error) {
    throw new ReadOnlyError(`${path} cannot be written by this user`, { cause: error });
  }
}

/** @throws `StorePathError` */
function refuseUnreadable(path: string): void {
  try {
    accessSync(path, constants.R_OK);
  } catch (error) {
    throw new StorePathError(`${path} cannot be read by this user`, {
      cause: error,
      hint: 'Work as the user whose store it is; if that is you, "chmod 600" gives you the file back.',
    });
  }
}

/** Whether a file is plain text, which nothing of a store becomes by damage or encryption. */
export function isText(path: string): boolean {
  const text = beginningOf(path).toString();
  // The last letter may be cut.
  return text !== '' && !/[^\P{Cc}\t\n\f\r]|\ufffd(?!$)/u.test(text);
}

/** Whether a file is a text, or the database of another program: nothing that a store could have become. */
export function isForeign(path: string): boolean {
  if (!look(path)?.isFile() || fileSize(path) === 0 || fileSize(`${path}-wal`) > 0) return false;
  const header = fileHeaderOf(beginningOf(path));
  return isText(path) || (header !== undefined && header.applicationId !== APPLICATION_ID);
}

function beginningOf(path: string): Buffer {
  const bytes = Buffer.alloc(PAGE_SIZE);
  const fd = openSync(path, 'r');
  try {
    return bytes.subarray(0, readSync(fd, bytes, 0, PAGE_SIZE, 0));
  } finally {
    closeSync(fd);
  }
}

const NO_STORE_HINT =
  'Close every program that has it open first. If there never was a store, remove the file. Else put a backup in its place with ' +
  '"codewhale-store restore FILE", or remove it and enable sync anew: the hub brings back what it holds.';

function refuseEmpty(path: string, unfinished: boolean): void {
  if (fileSize(path) > 0) return;
  if (fileSize(`${path}-wal`) > 0) {
    throw new DamagedStoreError(`${path} is empty, but its log ${path}-wal is still there`);
  }
  // Looked at once more: another process may just have finished making it.
  if (!unfinished && fileSize(path) === 0) {
    throw new DamagedStoreError(`${path} is empty: nothing is left of a store`, {
      hint: NO_STORE_HINT,
    });
  }
}

/** @throws `DamagedStoreError` a database without tables that nobody is just making */
export function refuseBlank(path: string, file: StoreFile): void {
  if (file.isNew || file.unfinished) return;
  throw new DamagedStoreError(`${path} holds no tables: nothing is left of a store`, {
    hint: NO_STORE_HINT,
  });
}

/**
 * Folders on the way may be symbolic links, such as a home on another disk; but not those that
 * somebody else made.
 */
function refuseForeignLinks(path: string): void {
  const user = process.getuid?.();
  for (let folder = dirname(path); folder !== dirname(folder); folder = dirname(folder)) {
    const stat = look(folder);
    if (!stat?.isSymbolicLink() || stat.uid === 0 || stat.uid === user) continue;
    throw new StorePathError(`${folder} is a symbolic link of another user; give the real path`);
  }
}

/** @throws `StorePathError` a symbolic link or no file where the store has, or would have, a file */
export function refuseOddFiles(path: string): void {
  refuseForeignLinks(path);
  for (const file of [path, `${path}-wal`, `${path}-shm`, markOf(path)]) refuseOddFile(file);
}

function refuseOddFile(file: string): void {
  const stat = look(file);
  if (!stat) return;
  if (stat.isSymbolicLink()) {
    throw new StorePathError(`${file} is a symbolic link; give the real path of the store`);
  }
  if (!stat.isFile()) throw new StorePathError(`${file} is not a file`);
}

function look(file: string) {
  try {
    return lstatSync(file, { throwIfNoEntry: false });
  } catch (error) {
    throw new StorePathError(`${file} cannot be looked at`, { cause: error });
  }
}

/**
 * Refuses a log that is not that of the file, or of which acknowledged commits would be dropped:
 * SQLite would put the pages of the one into the store, and overwrite the others.
 *
 * @param durable - commits of this store wait for the disk
 */
export function refuseBadLog(
  path: string,
  encryptionKey: string | undefined,
  durable: boolean,
): void {
  if (fileSize(`${path}-wal`) === 0) return;
  if (hasForeignLog(path, encryptionKey)) {
    throw new DamagedStoreError(`${path}-wal is not the log of this store`);
  }
  // The checksums of an encrypted log are of what it is without encryption.
  if (!durable || isUnsynced(path) || encryptionKey !== undefined) return;
  const damage = findLogDamage(`${path}-wal`);
  if (damage === undefined) return;
  throw new DamagedStoreError(
    `the log ${path}-wal is damaged after ${damage.sound} pages, before ${damage.commits} commits`,
  );
}

/** Whether the file is a store by itself and, read with its log, is none or another one. */
export function hasForeignLog(path: string, encryptionKey: string | undefined): boolean {
  const settings = { busyWaitMs: 1000, encryptionKey, readOnly: true };
  const alone = storeIdOf(path, { ...settings, withoutLog: true });
  // Of a store that has just been made, all may still be in the log.
  if (typeof alone !== 'string') return false;
  const together = storeIdOf(path, settings);
  return together === 'damaged' || (typeof together === 'string' && together !== alone);
}

function storeIdOf(
  path: string,
  options: ConstructorParameters<typeof Connection>[1],
): string | undefined {
  let connection: Connection | undefined;
  try {
    connection = new Connection(path, options);
    return connection.rows('select store_id from device')[0]?.[0] as string | undefined;
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    return error instanceof DamagedStoreError && !options.withoutLog ? 'damaged' : undefined;
  } finally {
    connection?.close();
  }
}

/**
 * Whether a file lies on a medium that nobody can write, and has no log: SQLite, which wants to make
 * files beside it, can then be told that nothing will change.
 */
export function isUnchangeable(path: string): boolean {
  try {
    accessSync(dirname(path), constants.W_OK);
  } catch (error) {
    const readOnlyMedium = error instanceof Error && 'code' in error && error.code === 'EROFS';
    return readOnlyMedium && fileSize(`${path}-wal`) === 0;
  }
  return false;
}
