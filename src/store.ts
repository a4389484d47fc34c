import * as z from 'zod';
import { buildAreas, type Areas } from './areas/areas.ts';
import { ID_KINDS, resolveId, type IdKind } from './areas/resolve-id.ts';
import { runInside } from './areas/run-inside.ts';
import type { Runner } from './areas/runner.ts';
import { SeenLeaves } from './areas/seen-leaves.ts';
import { Search, type SearchOptions, type SearchResult } from './areas/search.ts';
import { ChangeSignal } from './db/change-signal.ts';
import type { Database } from './db/database.ts';
import { defaultPath } from './db/default-path.ts';
import { openDatabase } from './db/open.ts';
import type { Stamper, Transaction } from './db/transaction.ts';
import { checkedClock } from './model/time.ts';
import { knownIdSchema, pathSchema, validate } from './model/validate.ts';
import { homesAt, resolveHomes } from './legacy/resolve-homes.ts';
import { Sync } from './sync/sync.ts';
import type { ExportReport } from './transfer/export/export-report.ts';
import { exportSchema, exportStore, type ExportOptions } from './transfer/export/export-store.ts';
import { importHomes, type ImportOptions } from './transfer/import/import-homes.ts';
import type { ImportReport } from './transfer/import/report.ts';
import { backup, type BackupResult } from './upkeep/backup.ts';
import { checkStore, type CheckResult } from './upkeep/check.ts';
import { prune, pruneSchema, type PruneOptions, type PruneResult } from './upkeep/prune.ts';
import { purge, type PurgeResult } from './upkeep/purge.ts';
import { repairStore, type RepairProgress } from './upkeep/repair.ts';
import { readStats, type Stats } from './upkeep/stats.ts';
import { vacuum, type VacuumResult } from './upkeep/vacuum.ts';
import { fullPath } from './model/full-path.ts';

/** Where messages for a person who looks after the program go. No content, no secrets. */
export interface Logger {
  debug?(message: string): void;
  warn?(message: string): void;
}

const optionsSchema = z.strictObject({
  path: pathSchema.optional(),
  readOnly: z.boolean().default(false),
  durability: z.enum(['full', 'normal']).default('full'),
  encryptionKey: z.string().min(1).optional(),
  clock: z.custom<() => number>((value) => typeof value === 'function').optional(),
  logger: z.custom<Logger>((value) => typeof value === 'object').optional(),
});

const jobSchema = z.custom<unknown>((value) => typeof value === 'function', {
  error: 'a function that gets the handle',
});

/** A function that is told how far a long call is; typed where it is declared. */
const progressSchema = z.custom<(progress: never) => void>((value) => typeof value === 'function', {
  error: 'a function that is told how far it is',
});

const importSchema = z.strictObject({
  dryRun: z.boolean().optional(),
  signal: z.instanceof(AbortSignal, { error: 'an AbortSignal' }).optional(),
  onProgress: progressSchema.optional(),
});

export interface StoreOptions {
  /** The store file; by default {@link defaultPath}. Made when it is not there. */
  path?: string;
  /** Refuses every write, and opens stores of newer versions too. */
  readOnly?: boolean;
  /** `full` (default): an acknowledged write survives power loss. `normal`: a crash of the process. */
  durability?: 'full' | 'normal';
  /** Encrypts the file at rest. The same key is needed to open it again. */
  encryptionKey?: string;
  /** Unix milliseconds from 0 to 2^48 - 1; for tests. */
  clock?: () => number;
  logger?: Logger;
}

/**
 * Opens a store, and makes it when it is not there.
 *
 * @throws `StorePathError` a folder, a symbolic link, or a place that cannot be used
 * @throws `DamagedStoreError` no store, damaged, or another encryption key; the file is untouched
 * @throws `NewerSchemaError` made by a newer version, and not opened read-only
 * @throws `OlderSchemaError` made by an older version, and opened read-only
 */
export async function openStore(options: StoreOptions = {}): Promise<Store> {
  const checked = validate(optionsSchema, options, 'options');
  const path = fullPath(checked.path ?? defaultPath());
  const now = checkedClock(checked.clock ?? Date.now);
  const { encryptionKey, durability, readOnly, logger } = checked;
  const onStatement = logger?.debug?.bind(logger);
  const settings = { durability, encryptionKey, readOnly, onStatement };
  const database = await openDatabase(path, settings, now);
  return new Store(database, { now }, { encryptionKey, durability });
}

/** What a store goes on with after its file is open. */
interface StoreSettings {
  readonly encryptionKey?: string | undefined;
  readonly durability?: 'full' | 'normal';
}

/** One open store. Every method is safe beside other processes that use the same file. */
export class Store implements Areas {
  readonly #database: Database;
  readonly #stamper: Stamper;
  readonly #seen = new SeenLeaves();
  readonly #changes: ChangeSignal;
  readonly #encryptionKey: string | undefined;
  readonly #search: Search;
  readonly audit: Areas['audit'];
  readonly automations: Areas['automations'];
  readonly checkpoints: Areas['checkpoints'];
  readonly events: Areas['events'];
  readonly goals: Areas['goals'];
  readonly jobs: Areas['jobs'];
  readonly offlineQueue: Areas['offlineQueue'];
  readonly runtime: Areas['runtime'];
  readonly sessions: Areas['sessions'];
  readonly tasks: Areas['tasks'];
  readonly threads: Areas['threads'];
  readonly triggers: Areas['triggers'];
  /** Off unless it is turned on: no socket is opened, nothing is queued. */
  readonly sync: Sync;

  /** Use {@link openStore}. */
  constructor(database: Database, stamper: Stamper, settings: StoreSettings = {}) {
    this.#database = database;
    this.#stamper = stamper;
    this.#changes = new ChangeSignal(database.path);
    const { encryptionKey, durability = 'full' } = settings;
    this.#encryptionKey = encryptionKey;
    const runner: Runner = {
      read: (job) => database.read(job),
      write: (job) => this.#write(job),
    };
    this.#search = new Search(runner);
    const areas = buildAreas(runner, this.#seen, this.#changes);
    this.audit = areas.audit;
    this.automations = areas.automations;
    this.checkpoints = areas.checkpoints;
    this.events = areas.events;
    this.goals = areas.goals;
    this.jobs = areas.jobs;
    this.offlineQueue = areas.offlineQueue;
    this.runtime = areas.runtime;
    this.sessions = areas.sessions;
    this.tasks = areas.tasks;
    this.threads = areas.threads;
    this.triggers = areas.triggers;
    this.sync = new Sync({ database, now: stamper.now, encryptionKey }, durability, () => {
      this.#changes.wake();
    });
  }

  /** The store file. */
  get path(): string {
    return this.#database.path;
  }

  /**
   * Runs several calls as one: all of them are on disk when it resolves, none when it rejects.
   * Other writers of every process wait meanwhile, so keep it to a few milliseconds.
   *
   * A call through the handle that rejects has written nothing; a job that catches that goes on from
   * there. But where the disk failed, or was so full that SQLite gave all of it up, every further
   * call rejects with that error, and so does this one.
   *
   * @param job - gets the areas of the store; using the store itself inside rejects
   */
  async transaction<T>(job: (tx: Areas) => T | Promise<T>): Promise<T> {
    validate(jobSchema, job, 'transaction');
    const seen = new SeenLeaves(this.#seen);
    const result = await this.#write((transaction) => runInside(transaction, seen, job));
    seen.keep();
    return result;
  }

  /** Finds sessions, messages, tasks and thread items by their words; see {@link Search.find}. */
  async search(query: string, options: SearchOptions = {}): Promise<SearchResult> {
    return this.#search.find(query, options);
  }

  /**
   * The full id for an id or the beginning of one.
   *
   * @throws `NotFoundError`, `AmbiguousIdError`
   */
  async resolveId(kind: IdKind, prefix: string): Promise<string> {
    const checked = validate(z.enum(ID_KINDS), kind, 'kind');
    const begin = validate(z.string(), prefix, 'prefix');
    return this.#database.read((reader) => resolveId(reader, checked, begin));
  }

  /**
   * Imports legacy homes; without `homes` those of this machine. They are only read. A second
   * import takes what is new or grown since.
   *
   * @throws `StoppedError` the signal of the options was aborted; what is in stays, and the same call goes on
   * @throws `HomeNotFoundError` a given path does not exist or is no folder; nothing was imported
   */
  async import(homes?: readonly string[], options: ImportOptions = {}): Promise<ImportReport> {
    const given = validate(z.array(pathSchema).optional(), homes, 'homes');
    validate(importSchema, options, 'import');
    await this.#refuseClosed();
    const found = given === undefined ? resolveHomes(process.env) : homesAt(given);
    return importHomes(this.#database, this.#stamper, found, options);
  }

  /**
   * Writes the store, or one session of it, into an empty folder: as a legacy home that the old
   * program reads, as a line a record, or as readable transcripts. All of it is of the moment at which
   * the call began; the log of the store grows by what is written meanwhile.
   *
   * @throws `ConflictError` the folder is not empty and `force` is not set, or is a symbolic link
   */
  async export(dir: string, options: ExportOptions): Promise<ExportReport> {
    const folder = validate(pathSchema, dir, 'folder');
    return exportStore(this.#database, folder, validate(exportSchema, options, 'export'));
  }

  /**
   * Counts rows and bytes. Reads every page of the file, and holds the calling thread meanwhile:
   * seconds on gigabytes.
   */
  async stats(): Promise<Stats> {
    const { pendingRows } = await this.sync.status();
    return readStats(this.#database, pendingRows);
  }

  /**
   * Looks for damage and leftovers; changes nothing. Reads every page of the file, and holds the
   * calling thread meanwhile: on gigabytes, run `codewhale-store doctor` in a process of its own.
   */
  async check(): Promise<CheckResult> {
    await this.#refuseClosed();
    return checkStore(this.#database, this.#stamper.now());
  }

  /**
   * Rebuilds what is derived (search index, unused blobs, file modes), fails the tasks whose worker
   * stopped, then checks.
   *
   * @throws `DamagedStoreError` more is damaged: close the store, and see `rebuildStore`
   */
  async repair(onProgress?: (progress: RepairProgress) => void): Promise<CheckResult> {
    validate(progressSchema.optional(), onProgress, 'progress');
    await repairStore(this.#database, this.#stamper, onProgress);
    return this.check();
  }

  /**
   * Writes a verified, consistent copy. Holds the calling thread meanwhile: on gigabytes, run
   * `codewhale-store backup` in a process of its own.
   *
   * @throws `ConflictError` the file exists already
   */
  async backup(file: string): Promise<BackupResult> {
    return backup(this.#database, validate(pathSchema, file, 'file'), this.#encryptionKey);
  }

  /** Deletes what is archived or finished and older than a time; it can be restored. */
  async prune(options: PruneOptions): Promise<PruneResult> {
    return prune(this.#database, this.#stamper, validate(pruneSchema, options, 'prune'));
  }

  /** Empties a session, thread, task or automation for good. */
  async purge(id: string): Promise<PurgeResult> {
    return purge(this.#database, this.#stamper, validate(knownIdSchema, id, 'id'));
  }

  /**
   * Gives unused space back to the disk. Holds the calling thread meanwhile, and writers of other
   * processes wait: for more than 30 seconds they get a `BusyError`. On gigabytes, run
   * `codewhale-store vacuum` in a process of its own while nobody writes.
   */
  async vacuum(): Promise<VacuumResult> {
    return vacuum(this.#database, this.#stamper);
  }

  /**
   * Stops the worker, waits for the writes under way and closes the file.
   *
   * @throws `ConflictError` inside a transaction of this store; nothing was stopped
   */
  async close(): Promise<void> {
    this.#database.refuseInside();
    this.#changes.close();
    await this.sync.stop();
    await this.#database.close();
  }

  /** For what reads through connections of its own. @throws `ClosedError` */
  async #refuseClosed(): Promise<void> {
    await this.#database.read(() => undefined);
  }

  async #write<T>(job: (transaction: Transaction) => T | Promise<T>): Promise<T> {
    const result = await this.#database.write(this.#stamper, job);
    this.#changes.wake();
    return result;
  }
}
