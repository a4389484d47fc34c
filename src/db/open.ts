import { randomBytes } from 'node:crypto';
import { appendFileSync, closeSync, chmodSync, openSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { ulid } from 'ulid';
import {
  DamagedStoreError,
  DatabaseError,
  DiskError,
  OlderSchemaError,
  ReadOnlyError,
  StorePathError,
} from '../errors.ts';
import { Connection } from './connection.ts';
import { Database } from './database.ts';
import { fileFailure, isSystemError } from './file-failure.ts';
import type { DatabaseOptions } from './open-connection.ts';
import { APPLICATION_ID } from './page-format.ts';
import { migrate, readMigrations, refuseNewer, schemaVersion, type Migration } from './migrate.ts';
import { Reader } from './reader.ts';
import { renameDurably, syncFile, syncFolder } from './sync-folder.ts';
import {
  claimFile,
  finishFile,
  isText,
  isUnchangeable,
  refuseBadLog,
  refuseBlank,
  type StoreFile,
} from './store-file.ts';
import { verifyCopy } from './verify-copy.ts';

/**
 * Opens the store at `path`, makes it when it is not there, and brings its schema up to date.
 *
 * @throws `StorePathError` a folder, a symbolic link, or a place that cannot be used
 * @throws `DamagedStoreError` no store, damaged, or another encryption key; the file is untouched
 * @throws `NewerSchemaError` made by a newer version, and not opened read-only
 * @throws `OlderSchemaError` made by an older version, and opened read-only
 * @throws `FileSystemError` the operating system refused something on the way
 */
export async function openDatabase(
  path: string,
  options: DatabaseOptions,
  now: () => number,
  migrations?: readonly Migration[],
): Promise<Database> {
  try {
    return await openFile(path, options, now, migrations ?? readMigrations());
  } catch (error) {
    if (!isSystemError(error)) throw error;
    throw fileFailure(`the store ${path} cannot be opened`, error);
  }
}

async function openFile(
  path: string,
  options: DatabaseOptions,
  now: () => number,
  migrations: readonly Migration[],
): Promise<Database> {
  const file = claimFile(path, options.readOnly);
  refuseBadLog(path, options.encryptionKey, options.durability === 'full' && !options.readOnly);
  const withoutLog = options.readOnly && isUnchangeable(path);
  const database = new Database(path, { ...options, withoutLog });
  try {
    if (options.readOnly) {
      await database.read((reader) => {
        refuseOther(reader, path, file);
        const version = reader.number('pragma user_version');
        if (version < migrations.length) throw new OlderSchemaError(version, migrations.length);
      });
    } else {
      if (!file.isNew && !file.unfinished) await lookFirst(database, options, file);
      const { encryptionKey } = options;
      await prepare(database, { file, encryptionKey, now, migrations });
      finishFile(path);
    }
  } catch (error) {
    await database.close();
    throw named(error, path, options.readOnly);
  }
  return database;
}

/** Reads before anything is written: opening for writing alone changes the header of a foreign file. */
async function lookFirst(
  { path }: Database,
  options: DatabaseOptions,
  file: StoreFile,
): Promise<void> {
  const looking = new Database(path, { ...options, readOnly: true });
  try {
    await looking.read((reader) => {
      refuseOther(reader, path, file);
    });
  } finally {
    await looking.close();
  }
}

/** What the driver says of a file, with the name of the file. */
function named(error: unknown, path: string, readOnly: boolean): unknown {
  const options = { cause: error };
  if (readOnly && error instanceof ReadOnlyError) {
    return new StorePathError(
      `${path} cannot be read where its folder cannot be written, unless another program has it open; copy it, log and all, to a folder of yours`,
      options,
    );
  }
  if (error instanceof DiskError) {
    return new StorePathError(`the store ${path} cannot be opened`, options);
  }
  // Those of this file say more themselves.
  if (!(error instanceof DamagedStoreError) || error.cause === undefined) return error;
  if (isText(path)) return notAStore(path, 'a text', options);
  return new DamagedStoreError(
    `${path} is not a store, is damaged, or is encrypted with another key`,
    options,
  );
}

interface Preparation {
  readonly file: StoreFile;
  readonly encryptionKey: string | undefined;
  readonly now: () => number;
  readonly migrations: readonly Migration[];
}

async function prepare(database: Database, preparation: Preparation): Promise<void> {
  const { file, encryptionKey, now, migrations } = preparation;
  const current = await database.exclusive((connection) => {
    refuseOther(new Reader(connection), database.path, file);
    refuseNewer(connection, migrations);
    return schemaVersion(connection);
  });
  if (current === migrations.length) return;
  if (current > 0 && migrations.slice(current).some(({ addsOnly }) => !addsOnly)) {
    await keepFormer(
      database,
      current,
      `${database.path}.before-v${migrations.length}`,
      encryptionKey,
    );
  }
  await database.exclusive((connection) => {
    connection.begin('immediate');
    try {
      upgrade(connection, migrations, now());
      connection.commit();
    } catch (error) {
      connection.rollBack();
      throw error;
    }
  });
  // Also where later commits do not wait for the disk: there is a store from now on.
  await database.settle();
}

/** Copies the store as it was before the migration, unless another process has just done all that. */
async function keepFormer(
  database: Database,
  version: number,
  target: string,
  encryptionKey: string | undefined,
): Promise<void> {
  const copy = `${target}.${ulid()}`;
  await backUp(database, copy, encryptionKey);
  const connection = new Connection(copy, { busyWaitMs: 1000, encryptionKey, readOnly: true });
  const copied = schemaVersion(connection);
  connection.close();
  // A copy of the migrated store must not take the place of the one that is wanted.
  if (copied === version) renameDurably(copy, target);
  else rmSync(copy);
}

function upgrade(connection: Connection, migrations: readonly Migration[], now: number): void {
  const version = schemaVersion(connection);
  migrate(connection, migrations, now);
  if (version > 0) return;
  connection.exec(`pragma application_id = ${APPLICATION_ID}`);
  connection.run(
    `insert into device (only, store_id, id, content_key, clock_ms, clock_counter, created_at)
     values (1, ?, ?, ?, 0, 0, ?)`,
    [ulid(now), ulid(now), randomBytes(32).toString('base64url'), now],
  );
}

/** A database that others made is never migrated over, nor one of which the tables are lost. */
function refuseOther(reader: Reader, path: string, file: StoreFile): void {
  const application = reader.number('pragma application_id');
  const version = reader.number('pragma user_version');
  if (application !== APPLICATION_ID) {
    const tables = reader.number('select count(*) from sqlite_master');
    if (tables > 0 || application !== 0 || version > 0) throw notAStore(path, 'a database');
    refuseBlank(path, file);
    return;
  }
  try {
    if (reader.rows('select id from device').length > 0) return;
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error;
  }
  throw new DamagedStoreError(`${path} has lost the table of its device`);
}

function notAStore(path: string, what: string, options: ErrorOptions = {}): DamagedStoreError {
  return new DamagedStoreError(`${path} is ${what}, but not a store of codewhale-store`, {
    ...options,
    hint:
      'Check the path: there is nothing to repair. What lies in an old home, its state.db too, is taken over ' +
      'with "codewhale-store import HOME", into a store of its own.',
  });
}

/** More than one write of SQLite's: where that failed, this fails, and says why. */
const PROBE_BYTES = 1 << 20;

/**
 * A verified copy of the whole file, made by SQLite itself. It is on the disk when it resolves.
 *
 * @param target - a name that nothing has
 */
export async function backUp(
  database: Database,
  target: string,
  encryptionKey: string | undefined,
): Promise<void> {
  closeSync(openSync(target, 'wx', 0o600));
  // `vacuum into` wants an empty file or none; the empty one already has its mode.
  try {
    await database.exclusive((connection) => {
      connection.run('vacuum into ?', [target]);
    });
  } catch (error) {
    // SQLite says the same of a store that cannot be read and of a copy that cannot be written.
    if (error instanceof DiskError) appendFileSync(target, Buffer.alloc(PROBE_BYTES));
    throw error;
  }
  chmodSync(target, 0o600);
  syncFile(target);
  syncFolder(dirname(target));
  verifyCopy(target, encryptionKey);
}
