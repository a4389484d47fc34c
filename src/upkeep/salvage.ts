import { existsSync } from 'node:fs';

import * as z from 'zod';
import { Connection } from '../db/connection.ts';
import { fileSize } from '../db/file-facts.ts';
import { readMigrations, type Migration } from '../db/migrate.ts';
import { openDatabase } from '../db/open.ts';
import { APPLICATION_ID } from '../db/page-format.ts';
import { releaseClosed } from '../db/release.ts';
import { refuseOddFiles, refuseUnwritable } from '../db/store-file.ts';
import { verifyCopy } from '../db/verify-copy.ts';
import { BusyError, NewerSchemaError, StoreError, StorePathError } from '../errors.ts';
import { TABLES } from '../model/registers.ts';
import { checkedClock } from '../model/time.ts';
import { pathSchema, validate } from '../model/validate.ts';
import { newUlid } from '../areas/new-id.ts';
import { becomeDevice, nameToKeep, refuseUsed } from './backup.ts';
import { readEntries } from './expected-schema.ts';
import { closeToOthers, rebuildDerived } from './repair.ts';
import { salvageBlobs, settleLostBodies } from './salvage-bodies.ts';
import {
  copyStore,
  fingerprint,
  keepStore,
  mendCopy,
  removeStore,
  replaceStore,
} from './salvage-copy.ts';
import { standInForLost } from './salvage-parents.ts';
import { findPlaces } from './session-places.ts';
import { nothingLeft, partsOf } from './salvage-schema.ts';
import { DAMAGED } from './salvage-attempt.ts';
import { ROWID_MAX } from './salvage-by-rowid.ts';
import { salvageTable, sharedColumns, type SavedTable } from './salvage-rows.ts';
import { fullPath } from '../model/full-path.ts';

export type { SavedTable } from './salvage-rows.ts';

export interface RebuildOptions {
  encryptionKey?: string | undefined;
  clock?: (() => number) | undefined;
  onProgress?: ((progress: RebuildProgress) => void) | undefined;
}

export interface RebuildProgress {
  /** The table that is read. */
  readonly table: string;
  /** Rows of it that are saved so far. */
  readonly saved: number;
}

export interface RebuildResult {
  path: string;
  /** The damaged file as it was; its log lies beside it as `-wal`. */
  kept: string;
  /** New, as that of a restored store. */
  deviceId: string;
  /** Those that had rows, or of which it cannot be told. */
  tables: SavedTable[];
  /**
   * Trees of pages that look like those of a table and are not read: which pages are free is not known,
   * so that they may hold what was deleted. 0 unless the list of tables and that of free pages are lost.
   */
  leftOut: number;
}

const optionsSchema = z.strictObject({
  encryptionKey: z.string().min(1).optional(),
  clock: z.custom<() => number>((value) => typeof value === 'function').optional(),
  onProgress: z
    .custom<(progress: RebuildProgress) => void>((value) => typeof value === 'function')
    .optional(),
});

/**
 * Made anew, or of no use to a store that begins anew. What was read of a home is forgotten, so that the
 * next import looks at every file again and brings back what was lost.
 */
const LEFT_OUT = new Set(['device', 'import_sources', 'search_docs', 'sync_status', 'task_leases']);

/**
 * Makes a new store of what can be read of a damaged one and puts it in its place. The damaged file
 * is copied aside first, log and all, and stays. With sync on, the next exchange reads everything
 * from the hub again: what was lost here and lies there comes back.
 *
 * Where the pages are damaged that say which tables there are, the trees of the tables are looked for
 * in all pages, and told from each other by their place and their rows. What was deleted stays so.
 *
 * Needs free space for three times the size of the store. No process may have it open.
 *
 * @throws `StorePathError` nothing is there, or it is no file
 * @throws `ReadOnlyError` this user may not write it
 * @throws `DamagedStoreError` no store, another encryption key, or an encrypted one that does not say which
 *   tables it has: nothing can be read, nothing changed
 * @throws `NewerSchemaError` made by a newer version of this library; nothing was changed
 * @throws `BusyError` another program has the store open or writes it; nothing was changed
 */
export async function rebuildStore(
  path: string,
  options: RebuildOptions = {},
): Promise<RebuildResult> {
  const target = fullPath(validate(pathSchema, path, 'path'));
  const { clock: given = Date.now, ...rest } = validate(optionsSchema, options, 'options');
  const clock = checkedClock(given);
  refuseOddFiles(target);
  // Connections that this process has closed, and only now lets go of, tidy their logs away.
  await releaseClosed();
  if (fileSize(target) === 0 && fileSize(`${target}-wal`) === 0) {
    throw new StorePathError(`there is no store at ${target}, or an empty file`);
  }
  if (existsSync(target)) refuseUnwritable(target);
  const before = fingerprint(target);
  const kept = nameToKeep(target, 'damaged', clock());
  // Under this name until it is needed: a run that is killed leaves no copy that the next one does not remove.
  const copy = `${target}.keeping`;
  const work = `${target}.salvaging`;
  const fresh = `${target}.rebuilding`;
  for (const made of [copy, work, fresh]) removeStore(made);
  try {
    copyStore(target, copy);
    copyStore(copy, work);
    const leftOut = await mendCopy(work, rest.encryptionKey);
    const made = await rebuild({ work, fresh, clock, ...rest });
    if (fingerprint(target) !== before) throw new BusyError(`${target} was written meanwhile`);
    if (existsSync(target)) refuseUsed(target, rest.encryptionKey);
    keepStore(copy, kept);
    // A connection to the damaged file, when it is let go of, may remove the log of the new one.
    await releaseClosed();
    replaceStore(fresh, target);
    closeToOthers(target);
    return { path: target, kept, ...made, leftOut };
  } finally {
    for (const made of [copy, work, fresh]) removeStore(made);
  }
}

interface Rebuilding {
  readonly work: string;
  readonly fresh: string;
  readonly encryptionKey?: string | undefined;
  readonly clock: () => number;
  readonly onProgress?: ((progress: RebuildProgress) => void) | undefined;
}

async function rebuild(job: Rebuilding): Promise<Pick<RebuildResult, 'deviceId' | 'tables'>> {
  const { work, fresh, encryptionKey, clock } = job;
  const settings = { durability: 'full', encryptionKey, readOnly: false } as const;
  const stamper = { now: clock };
  const migrations = schemaOf(work, encryptionKey);
  await (await openDatabase(fresh, settings, clock, migrations)).close();
  const tables = await withBoth(job, (connection) => copyTables(connection, job));
  const deviceId = newUlid(clock());
  await becomeDevice(fresh, deviceId, settings, clock);
  await withBoth(job, (connection) => {
    salvageBlobs(connection, stamper);
  });
  const database = await openDatabase(fresh, settings, clock);
  try {
    await settleLostBodies(database, stamper, tables);
    await standInForLost(database, stamper);
    const sessions = await database.read((reader) => reader.rows('select id from sessions'));
    await findPlaces(
      database,
      stamper,
      sessions.map(([id]) => String(id)),
    );
    await rebuildDerived(database, stamper);
  } finally {
    await database.close();
  }
  await releaseClosed();
  verifyCopy(fresh, encryptionKey);
  return { deviceId, tables: tables.filter(({ saved, lost }) => saved > 0 || lost !== 0) };
}

/** The migrations that the damaged store has had, where it can be told; else all. */
function schemaOf(work: string, encryptionKey: string | undefined): Migration[] {
  const known = readMigrations();
  const connection = new Connection(work, { busyWaitMs: 1000, encryptionKey, readOnly: false });
  try {
    connection.exec('pragma writable_schema = on');
    const number = (sql: string) => readable(() => Number(connection.rows(sql)[0]?.[0] ?? 0)) ?? 0;
    const held = readable(() => readEntries(connection)) ?? [];
    const ours = new Set(TABLES.map(({ name }) => name));
    const found = held.filter(({ name }) => ours.has(name)).length;
    const isOurs = number('pragma application_id') === APPLICATION_ID;
    if (found === 0 || (!isOurs && found < ours.size / 2)) throw nothingLeft();
    const version =
      number('select max(number) from migrations') || number('pragma user_version') || known.length;
    if (version > known.length) throw new NewerSchemaError(version, known.length);
    return known.slice(0, version);
  } finally {
    connection.close();
  }
}

/** What can be read, undefined where it cannot. */
function readable<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof StoreError) return undefined;
    throw error;
  }
}

/** Works on the new store with the damaged one beside it. */
async function withBoth<T>(
  { work, fresh, encryptionKey }: Rebuilding,
  job: (connection: Connection) => Promise<T> | T,
): Promise<T> {
  const connection = new Connection(fresh, { busyWaitMs: 1000, encryptionKey, readOnly: false });
  try {
    // With the first, tables are read although others are lost, or the end of the file. The new store
    // is brought to the disk as a whole, when it is whole.
    connection.exec(`pragma writable_schema = on;
      pragma foreign_keys = off;
      pragma synchronous = off;
      pragma temp_store = memory;`);
    connection.run(`attach ? as ${DAMAGED}`, [work]);
    const result = await job(connection);
    connection.exec('pragma synchronous = full');
    connection.rows('pragma main.wal_checkpoint(truncate)');
    return result;
  } finally {
    connection.close();
  }
}

async function copyTables(connection: Connection, job: Rebuilding): Promise<SavedTable[]> {
  const there = new Set(
    connection.rows('select name from main.sqlite_master').map(([name]) => String(name)),
  );
  const held = readEntries(connection, `${DAMAGED}.sqlite_schema`).map(({ name }) => name);
  const saved: SavedTable[] = [];
  for (const { name } of TABLES) {
    if (LEFT_OUT.has(name) || !there.has(name)) continue;
    const tell = (rows: number) => job.onProgress?.({ table: name, saved: rows });
    saved.push(await salvageTable(connection, name, partsOf(name, held), tell));
  }
  // Numbers are not given twice, also where the rows that had them are lost.
  readable(() =>
    connection.run(`update main.sqlite_sequence set seq = max(seq, coalesce(
      (select max(d.seq) from ${DAMAGED}.sqlite_sequence d where d.name = sqlite_sequence.name
        and typeof(d.seq) = 'integer' and d.seq <= ${ROWID_MAX}), 0))`),
  );
  goOnAsDevice(connection, there.has('sync_state'));
  return saved;
}

/** Clock and keys of the device that this store was, and, with sync on, everything from the start. */
function goOnAsDevice(connection: Connection, syncs: boolean): void {
  const columns = sharedColumns(connection, 'device')
    .filter((name) => name !== 'machine' && name !== 'capturing')
    .join(', ');
  readable(() =>
    connection.run(`update main.device set (${columns}) = (select ${columns} from ${DAMAGED}.device)
      where exists (select 1 from ${DAMAGED}.device)`),
  );
  if (!syncs) return;
  connection.run(
    'update main.device set capturing = coalesce((select enabled from main.sync_state), 0)',
  );
  // As if the hub had begun a new epoch: it is offered every row, since notes of some may be lost.
  connection.run(`update main.sync_state set epoch = 0, epoch_token = ''`);
}
