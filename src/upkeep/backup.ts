import { randomBytes } from 'node:crypto';
import { existsSync, linkSync, lstatSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { ulid } from 'ulid';
import * as z from 'zod';
import { takeIdentity } from '../db/identity.ts';
import { fileFailure } from '../db/file-failure.ts';
import { fileSize } from '../db/file-facts.ts';
import { Database } from '../db/database.ts';
import { makeFolder } from '../db/make-folder.ts';
import { readMigrations } from '../db/migrate.ts';
import type { DatabaseOptions } from '../db/open-connection.ts';
import type { Transaction } from '../db/transaction.ts';
import { backUp, openDatabase } from '../db/open.ts';
import { isForeign } from '../db/store-file.ts';
import { renameDurably, syncFolder } from '../db/sync-folder.ts';
import { verifyCopy } from '../db/verify-copy.ts';
import { Connection } from '../db/connection.ts';
import { releaseClosed } from '../db/release.ts';
import {
  BusyError,
  ConflictError,
  DamagedStoreError,
  DatabaseError,
  StoreError,
  StorePathError,
} from '../errors.ts';
import { automations, runtimeTurns, tasks, triggers } from '../model/registers.ts';
import { checkedClock } from '../model/time.ts';
import type { MutableTable } from '../model/table-kinds.ts';
import { pathSchema, validate } from '../model/validate.ts';
import { fullPath } from '../model/full-path.ts';

export interface BackupResult {
  file: string;
  bytes: number;
}

/**
 * Writes a consistent copy of the whole store to `file` and reads it back. Whatever happens meanwhile,
 * what has the name of the backup is a whole one.
 *
 * @throws `ConflictError` the file exists already; a backup never replaces another one
 */
export async function backup(
  database: Database,
  file: string,
  encryptionKey: string | undefined,
): Promise<BackupResult> {
  const target = fullPath(file);
  const partial = nameOfOwn(target, 'partial');
  try {
    refuseExisting(target);
    await backUp(database, partial, encryptionKey);
    giveName(partial, target);
    syncFolder(dirname(target));
  } catch (error) {
    if (error instanceof StoreError) throw error;
    throw fileFailure(`the backup ${target} cannot be written`, error);
  } finally {
    for (const suffix of ['', '-journal']) removeMade(partial + suffix);
  }
  return { file: target, bytes: fileSize(target) };
}

/** The name of a file while it is made: of this call only, whoever else makes one for the same place. */
function nameOfOwn(target: string, suffix: 'partial' | 'restoring'): string {
  return `${target}.${randomBytes(4).toString('hex')}.${suffix}`;
}

/** Where there could be no such file, its name is an error for `rmSync`, and no reason to hide the first one. */
function removeMade(path: string): void {
  if (existsSync(path)) rmSync(path);
}

/** Never in place of what another process has put there meanwhile. */
function giveName(partial: string, target: string): void {
  try {
    linkSync(partial, target);
  } catch {
    refuseExisting(target);
    // Not every file system has second names.
    renameSync(partial, target);
  }
}

function refuseExisting(target: string): void {
  if (!lstatSync(target, { throwIfNoEntry: false })) return;
  throw new ConflictError(`${target} exists already; give another name`);
}

const restoreSchema = z.strictObject({
  encryptionKey: z.string().min(1).optional(),
  clock: z.custom<() => number>((value) => typeof value === 'function').optional(),
});

export interface RestoreOptions {
  encryptionKey?: string | undefined;
  clock?: (() => number) | undefined;
}

export interface RestoreResult {
  path: string;
  /** Where the file that stood there is kept; null when there was none. */
  replaced: string | null;
  /** New: a restored store is another device, so that no sync mistakes it for its former self. */
  deviceId: string;
}

/**
 * Puts a backup in the place of the store at `path`. The file that stood there is kept beside it.
 * No process may have the store open.
 *
 * @throws `StorePathError` there is no such file, or what stands at the path never was a store; nothing was changed
 * @throws `DamagedStoreError` the backup is none, or needs another key; nothing was changed
 * @throws `BusyError` another program has the store open; nothing was changed
 * @throws `FileSystemError` the path cannot be written
 */
export async function restoreStore(
  file: string,
  path: string,
  options: RestoreOptions = {},
): Promise<RestoreResult> {
  const checked = validate(restoreSchema, options, 'options');
  const source = fullPath(validate(pathSchema, file, 'file'));
  const target = fullPath(validate(pathSchema, path, 'path'));
  refuseNoBackup(source, checked.encryptionKey);
  try {
    refuseForeign(target);
    return await putInPlace(source, target, checked);
  } catch (error) {
    if (error instanceof StoreError) throw error;
    throw fileFailure(`the store ${target} cannot be written`, error);
  }
}

async function putInPlace(
  source: string,
  target: string,
  { encryptionKey, clock: given = Date.now }: RestoreOptions,
): Promise<RestoreResult> {
  const clock = checkedClock(given);
  const settings = { durability: 'full', encryptionKey, readOnly: false } as const;
  const fresh = nameOfOwn(target, 'restoring');
  const deviceId = ulid(clock());
  makeFolder(dirname(target), 0o700);
  try {
    await copyTo(fresh, source, settings);
    await becomeDevice(fresh, deviceId, settings, clock);
    await releaseClosed();
    if (existsSync(target)) refuseUsed(target, encryptionKey);
    // A connection to the former file, when it is let go of, may remove the log of the next one.
    await releaseClosed();
    const replaced = setAside(target, clock());
    renameDurably(fresh, target);
    return { path: target, replaced, deviceId };
  } finally {
    for (const suffix of ['', '-journal', '-wal', '-shm']) removeMade(fresh + suffix);
  }
}

async function copyTo(fresh: string, source: string, settings: DatabaseOptions): Promise<void> {
  const reading = new Database(source, { ...settings, readOnly: true });
  try {
    await backUp(reading, fresh, settings.encryptionKey);
  } finally {
    await reading.close();
  }
}

function refuseNoBackup(source: string, encryptionKey: string | undefined): void {
  if (!existsSync(source)) throw new StorePathError(`there is no backup at ${source}`);
  // A pipe would be waited for, and nothing could end that.
  if (!statSync(source).isFile()) throw new StorePathError(`${source} is not a file`);
  try {
    verifyCopy(source, encryptionKey);
  } catch (error) {
    const none = error instanceof DamagedStoreError || error instanceof DatabaseError;
    if (!none) throw error;
    throw new DamagedStoreError(
      `${source} is not a backup of a store, is damaged, or is encrypted with another key`,
      { cause: error, hint: NO_BACKUP_HINT },
    );
  }
}

/** Nobody wants a diary replaced. @throws `StorePathError` */
function refuseForeign(target: string): void {
  if (!isForeign(target)) return;
  throw new StorePathError(`${target} was never a store, and is not replaced`, {
    hint: 'Give the path of the store; if that is right, move the file away first.',
  });
}

const NO_BACKUP_HINT =
  'Give a file that "codewhale-store backup" made, and its key if it has one. The store is as it was.';

/** What a device runs: the register and the column that say whose it is, and what is not over. */
const WORK: readonly [MutableTable, string, 'owner' | 'device', string][] = [
  [tasks, 'lifecycle', 'owner', `status in ('queued', 'running') and purged_at is null`],
  [automations, 'schedule', 'owner', 'purged_at is null'],
  [runtimeTurns, 'lifecycle', 'owner', `status in ('queued', 'in_progress')`],
  // A trigger may fire on the device that made it.
  [triggers, 'details', 'device', `status = 'pending'`],
];

/**
 * Gives the copy an identity of its own, and takes over the work of its former self: that is not
 * there any more to do it. Folds the log in, so that the file can be renamed.
 */
export async function becomeDevice(
  file: string,
  deviceId: string,
  settings: DatabaseOptions,
  clock: () => number,
): Promise<void> {
  const database = await openDatabase(file, settings, clock);
  try {
    await database.write({ now: clock }, (transaction) => {
      const former = transaction.device;
      takeIdentity(transaction, deviceId, null);
      for (const work of WORK) takeOver(transaction, work, former);
    });
  } finally {
    await database.close();
    // What it was before an upgrade stays in what it was copied from.
    removeMade(`${file}.before-v${readMigrations().length}`);
  }
}

/** What was said since the backup, that work was paused, ended or given away, is not unsaid by it. */
function takeOver(
  transaction: Transaction,
  [table, register, column, open]: (typeof WORK)[number],
  former: string,
): void {
  const rows = transaction.list<{ id: string }>(
    ['id'],
    `from ${table.name} where ${column} = ? and ${open}`,
    [former],
  );
  for (const { id } of rows) transaction.takeOver(table, id, register, column);
}

/** Moves the store that stands at `path` away, log and all; returns its new name. */
function setAside(path: string, now: number): string | null {
  if (!existsSync(path)) return null;
  const kept = nameToKeep(path, 'replaced', now);
  for (const suffix of ['-wal', '-shm']) {
    if (existsSync(path + suffix)) renameSync(path + suffix, kept + suffix);
  }
  giveSecondName(path, kept);
  // Before another file takes the path: the log that was beside it would be read into that.
  syncFolder(dirname(path));
  return kept;
}

/** So that there is a store at the path all the time: what is missing is made anew, empty. */
function giveSecondName(path: string, kept: string): void {
  try {
    linkSync(path, kept);
  } catch (error) {
    if (existsSync(kept)) throw error;
    // Not every file system has second names.
    renameSync(path, kept);
  }
}

/** A name beside a store that nothing has, for a file that is kept: with the time in it. */
export function nameToKeep(path: string, why: 'damaged' | 'replaced', now: number): string {
  const time = new Date(now).toISOString().replaceAll(/[-:]/g, '').replace('.', '');
  const name = `${path}.${why}-${time}`;
  for (let number = 1; ; number++) {
    const numbered = number === 1 ? name : `${name}.${number}`;
    if (!existsSync(numbered)) return numbered;
  }
}

/**
 * Folds the log into the file, where both can be read.
 *
 * @throws `BusyError` another program has the store open
 */
export function refuseUsed(path: string, encryptionKey: string | undefined): void {
  try {
    const connection = new Connection(path, { busyWaitMs: 1000, encryptionKey, readOnly: false });
    // Leaving WAL mode folds the log in and needs every other connection to be closed.
    connection.exec('pragma journal_mode = delete');
    connection.close();
  } catch (error) {
    if (error instanceof BusyError) {
      throw new BusyError('another program has the store open; close it first', { cause: error });
    }
    // A damaged store is what restoring is for: it is kept as it is, with its log.
    if (!(error instanceof StoreError)) throw error;
  }
}
