import { randomBytes } from 'node:crypto';
import { closeSync, chmodSync, existsSync, lstatSync, openSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { ulid } from 'ulid';
import { DamagedStoreError, DiskError, OlderSchemaError, StorePathError } from '../errors.ts';
import { Connection } from './connection.ts';
import { Database, type DatabaseOptions } from './database.ts';
import { makeFolder } from './make-folder.ts';
import { migrate, readMigrations, refuseNewer, schemaVersion, type Migration } from './migrate.ts';
import { verifyCopy } from './verify-copy.ts';

const APPLICATION_ID = 0x43_57_53_54; // "CWST"

/**
 * Opens the store at `path`, makes it when it is not there, and brings its schema up to date.
 *
 * @throws `StorePathError` a folder, a symbolic link, or a place that cannot be used
 * @throws `DamagedStoreError` no store, damaged, or another encryption key; the file is untouched
 * @throws `NewerSchemaError` made by a newer version, and not opened read-only
 * @throws `OlderSchemaError` made by an older version, and opened read-only
 */
export async function openDatabase(
  path: string,
  options: DatabaseOptions,
  now: () => number,
  migrations: readonly Migration[] = readMigrations(),
): Promise<Database> {
  const isNew = checkPath(path, options.readOnly);
  const database = new Database(path, options);
  try {
    if (options.readOnly) {
      await database.read((reader) => {
        const version = reader.number('pragma user_version');
        if (version === 0) throw notAStore(path);
        if (version < migrations.length) throw new OlderSchemaError(version, migrations.length);
      });
    } else {
      await prepare(database, { isNew, encryptionKey: options.encryptionKey, now, migrations });
    }
  } catch (error) {
    await database.close();
    if (!(error instanceof DiskError)) throw error;
    throw new StorePathError(`the store ${path} cannot be opened`, { cause: error });
  }
  return database;
}

interface Preparation {
  readonly isNew: boolean;
  readonly encryptionKey: string | undefined;
  readonly now: () => number;
  readonly migrations: readonly Migration[];
}

async function prepare(database: Database, preparation: Preparation): Promise<void> {
  const { isNew, encryptionKey, now, migrations } = preparation;
  const current = await database.exclusive((connection) => {
    refuseForeign(connection, database.path);
    refuseNewer(connection, migrations);
    return schemaVersion(connection);
  });
  if (current === migrations.length) return;
  if (!isNew && current > 0) {
    await keepFormer(
      database,
      current,
      `${database.path}.before-v${migrations.length}`,
      encryptionKey,
    );
  }
  await database.exclusive((connection) => {
    connection.exec('begin immediate');
    try {
      upgrade(connection, migrations, now());
      connection.exec('commit');
    } catch (error) {
      connection.exec('rollback');
      throw error;
    }
  });
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
  if (copied === version) renameSync(copy, target);
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

/** A database that others made is never migrated over. */
function refuseForeign(connection: Connection, path: string): void {
  const application = Number(connection.row('pragma application_id')?.[0] ?? 0);
  if (application === APPLICATION_ID) return;
  const tables = Number(connection.row('select count(*) from sqlite_master')?.[0] ?? 0);
  if (tables > 0) throw notAStore(path);
}

function notAStore(path: string): DamagedStoreError {
  return new DamagedStoreError(`${path} is a database, but not a store of codewhale-store`);
}

/** A verified copy of the whole file, made by SQLite itself. */
export async function backUp(
  database: Database,
  target: string,
  encryptionKey: string | undefined,
): Promise<void> {
  rmSync(target, { force: true });
  closeSync(openSync(target, 'wx', 0o600));
  // `vacuum into` wants an empty file or none; the empty one already has its mode.
  await database.exclusive((connection) => {
    connection.run('vacuum into ?', [target]);
  });
  chmodSync(target, 0o600);
  verifyCopy(target, encryptionKey);
}

function look(file: string) {
  try {
    return lstatSync(file, { throwIfNoEntry: false });
  } catch (error) {
    throw new StorePathError(`${file} cannot be looked at`, { cause: error });
  }
}

/** @returns true when the file was made anew */
function checkPath(path: string, readOnly: boolean): boolean {
  for (const file of [path, `${path}-wal`, `${path}-shm`]) {
    const stat = look(file);
    if (!stat) continue;
    if (stat.isSymbolicLink()) {
      throw new StorePathError(`${file} is a symbolic link; give the real path of the store`);
    }
    if (!stat.isFile()) throw new StorePathError(`${file} is not a file`);
  }
  if (existsSync(path)) return false;
  if (readOnly) throw new StorePathError(`there is no store at ${path}`);
  try {
    makeFolder(dirname(path), 0o700);
    // Made before SQLite sees it: the log beside it gets the same mode.
    closeSync(openSync(path, 'wx', 0o600));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') {
      if (existsSync(path)) return false;
    }
    throw new StorePathError(`the store cannot be made at ${path}`, { cause: error });
  }
  return true;
}
