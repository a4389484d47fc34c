import type { Database } from '../../db/database.ts';
import type { Outcome } from '../../db/import-row.ts';
import type { BodyPlace } from '../../db/large-bodies.ts';
import type { Reader } from '../../db/reader.ts';
import type { Stamper, Transaction } from '../../db/transaction.ts';
import type { ArtifactEntry, FileEntry, HomeEntry, RecordEntry } from '../../legacy/home-entry.ts';
import { refusedByStore } from '../../legacy/problem.ts';
import { readHome } from '../../legacy/read-home.ts';
import type { LegacyHome } from '../../legacy/resolve-homes.ts';
import { indexAll } from '../../upkeep/repair.ts';
import { isDerivedId, legacyId } from '../export/legacy-names.ts';
import { applyOrphan, applyRecord } from './apply.ts';
import { importArtifact } from './import-artifact.ts';
import { isKnown } from './known-parents.ts';
import { linkedTask } from './link-clashes.ts';
import { Marks } from './marks.ts';
import { placeAmongHomes } from './place-among-homes.ts';
import { HomeContext, shortId, type HomePlace, type ImportRecord } from './record.ts';
import { isOfOneRecord, tryPart } from './one-by-one.ts';
import { unmarked } from './take-mark.ts';
import { isLargeEntry, prepareLarge, type LargeEntry } from './prepare-large.ts';
import { isPurged } from './purged.ts';
import { recordPlaces } from './record-places.ts';
import { Stopped, refuseStopped, stoppedError } from './stop.ts';
import { ReportBuilder, type ImportProgress, type ImportReport } from './report.ts';

export interface ImportOptions {
  /** Counts what would come in and writes nothing. */
  dryRun?: boolean | undefined;
  /** Ends it after the write under way. */
  signal?: AbortSignal | undefined;
  onProgress?: ((progress: ImportProgress) => void) | undefined;
}

/** What only this program sets. */
interface ImportSettings extends ImportOptions {
  /** From how many bytes on a record is taken apart; a measured default. */
  largeBytes?: number | undefined;
}

/** One transaction takes at most this: other processes wait for it. */
const BATCH_RECORDS = 500;
const BATCH_CHARACTERS = 2_000_000;

type Applied = Outcome | 'orphaned';
/** What became of a record; an error where the store refused it. */
type Result = readonly [record: RecordEntry, outcome: Applied | Error];

/** Rolls a transaction back that was only tried. */
class DryRun extends Error {}

/**
 * Imports legacy homes, one after the other: the first one's records win over equal ones of the
 * others. Reads only; writes in short transactions, each with the marks of the files that it
 * finished, so that an interrupted import goes on where it was.
 */
export async function importHomes(
  database: Database,
  stamper: Stamper,
  homes: readonly LegacyHome[],
  options: ImportSettings,
): Promise<ImportReport> {
  const report = new ReportBuilder();
  await database.bulk(async (bulk) => {
    try {
      await importAll(bulk, stamper, homes, report, options);
    } catch (error) {
      if (!(error instanceof Stopped)) throw error;
      if (!options.dryRun) await bulk.settle();
      throw stoppedError(report.build(), options);
    }
    if (!options.dryRun) await bulk.settle();
  });
  return report.build();
}

async function importAll(
  bulk: Database,
  stamper: Stamper,
  homes: readonly LegacyHome[],
  report: ReportBuilder,
  options: ImportSettings,
): Promise<void> {
  for (const home of homes) {
    report.home(home.root);
    const place = await placeAmongHomes(bulk, stamper, home.root, homes[0]?.root, options);
    const marks = await Marks.load(bulk, home.root);
    await new HomeImport(bulk, stamper, home, place, marks, report, options).run();
  }
  if (options.dryRun) return;
  await recordPlaces(bulk, stamper);
  const progress = { home: '', kind: 'search index', bytes: 0 };
  await indexAll(bulk, stamper, ({ indexed }) => {
    options.onProgress?.({ ...progress, records: indexed });
    refuseStopped(options);
  });
}

class HomeImport {
  readonly #database: Database;
  readonly #stamper: Stamper;
  readonly #home: LegacyHome;
  readonly #report: ReportBuilder;
  readonly #options: ImportSettings;
  readonly #context: HomeContext;
  readonly #marks: Marks;
  #batch: (RecordEntry | FileEntry)[] = [];
  #characters = 0;
  #records = 0;
  #bytes = 0;
  /** Files of which the store refused a record: they are read again. */
  readonly #failed = new Set<string>();

  constructor(
    database: Database,
    stamper: Stamper,
    home: LegacyHome,
    place: HomePlace,
    marks: Marks,
    report: ReportBuilder,
    options: ImportSettings,
  ) {
    this.#database = database;
    this.#stamper = stamper;
    this.#home = home;
    this.#report = report;
    this.#options = options;
    this.#marks = marks;
    this.#context = new HomeContext(place, marks);
  }

  async run(): Promise<void> {
    for (const one of this.#marks.renamed()) this.#context.rename(one.kind, one.id, one.storeId);
    const database = this.#database;
    const entries = readHome(this.#home, {
      mark: (file) => this.#marks.find(file),
      known: (kind, id) => database.readNow((reader) => isKnown(reader, kind, id)),
      store: database.path,
      largeBytes: this.#options.largeBytes,
    });
    for await (const entry of entries) {
      refuseStopped(this.#options);
      await this.#take(entry);
    }
    await this.#flush();
  }

  async #take(entry: HomeEntry): Promise<void> {
    switch (entry.type) {
      case 'problem':
        this.#report.problem(problemOf(entry));
        return;
      case 'artifact':
        if (!this.#options.dryRun) await this.#takeArtifact(entry);
        this.#bytes += entry.size;
        return;
      case 'record': {
        const record = unmarked(entry, this.#context);
        if (isLargeEntry(record)) {
          await this.#takeLarge(record);
          return;
        }
        this.#batch.push(record);
        this.#characters += entry.raw.length;
        break;
      }
      case 'file':
        this.#bytes += entry.file.size;
        this.#progress(entry);
        if (entry.outcome === 'unchanged') this.#skip(entry);
        else this.#batch.push(entry);
    }
    if (this.#batch.length >= BATCH_RECORDS || this.#characters >= BATCH_CHARACTERS) {
      await this.#flush();
    }
  }

  /** In a transaction of its own, and at once: no second one stays in memory. */
  async #takeLarge(entry: LargeEntry): Promise<void> {
    await this.#flush();
    const database = this.#database;
    const isPurgedNow = (reader: Reader) => isPurged(reader, entry as ImportRecord, this.#context);
    const isWritten = !this.#options.dryRun && !(await database.read(isPurgedNow));
    const place: BodyPlace = {
      read: (job) => database.read(job),
      write: (job) => database.write(this.#stamper, job),
    };
    // Its text is stored now, so that its links have to be in it.
    const linked = { ...entry, raw: linkedTask(entry as ImportRecord, this.#context).raw };
    this.#batch.push(await prepareLarge(linked, place, isWritten));
    await this.#flush();
  }

  async #takeArtifact(entry: ArtifactEntry): Promise<void> {
    // Its task may wait still, and get another id than its own.
    if (entry.owner === 'task') await this.#flush();
    const kind = entry.owner === 'task' ? 'tasks' : 'sessions';
    const ownerId = this.#context.idOf(kind, entry.ownerId);
    const isSpelled = isDerivedId(ownerId) && legacyId(ownerId) === entry.ownerId;
    const path = isSpelled
      ? entry.path.replace(`/${entry.ownerId}/`, `/${shortId(ownerId)}/`)
      : entry.path;
    const artifact = { ...entry, ownerId, path };
    const outcome = await importArtifact(this.#database, this.#stamper, artifact, this.#context);
    if (outcome !== undefined) return;
    this.#report.problem({
      path: entry.path,
      kind,
      class: 'anomaly',
      reason: 'changing',
      message: 'The file changed while it was read; the next import takes it.',
    });
  }

  /** A file of an earlier import: its records stand. */
  #skip(entry: FileEntry): void {
    this.#report.outcome(entry.file.kind, 'unchanged', entry.records);
    this.#report.ignored(entry.file.kind, entry.ignored);
  }

  async #flush(): Promise<void> {
    const batch = this.#batch;
    if (batch.length === 0) return;
    this.#batch = [];
    this.#characters = 0;
    let results: Result[];
    try {
      results = await this.#write(batch, (_, apply) => apply());
    } catch (error) {
      if (!isOfOneRecord(error)) throw error;
      results = await this.#write(batch, tryPart);
    }
    for (const [{ kind, path, line }, outcome] of results) {
      if (!(outcome instanceof Error)) this.#report.outcome(kind, outcome);
      else this.#report.problem(problemOf(refusedByStore({ kind, path, line }, outcome)));
    }
    this.#records += results.length;
  }

  /** @param attempt - does what is given, or says what became of it */
  async #write(
    batch: readonly (RecordEntry | FileEntry)[],
    attempt: (transaction: Transaction, apply: () => Applied) => Applied | Error,
  ): Promise<Result[]> {
    const results: Result[] = [];
    this.#context.beginBatch();
    try {
      await this.#database.write(this.#stamper, (transaction) => {
        for (const entry of batch) {
          if (entry.type === 'file') {
            this.#mark(transaction, entry);
            continue;
          }
          const outcome = attempt(transaction, () => this.#apply(transaction, entry));
          if (outcome instanceof Error) this.#failed.add(entry.path);
          results.push([entry, outcome]);
        }
        if (this.#options.dryRun) throw new DryRun();
      });
    } catch (error) {
      if (!(error instanceof DryRun)) throw error;
    }
    this.#context.endBatch();
    return results;
  }

  #apply(transaction: Transaction, entry: RecordEntry): Applied {
    const record = linkedTask(entry as ImportRecord, this.#context);
    if (entry.orphan !== undefined) {
      applyOrphan(transaction, record, this.#context);
      return 'orphaned';
    }
    return applyRecord(transaction, record, this.#context);
  }

  #mark(transaction: Transaction, entry: FileEntry): void {
    const { kind, path } = entry.file;
    const isWhole = !this.#failed.has(path) && !this.#context.staysOut(kind, entry.ids);
    this.#marks.save(transaction, entry, isWhole, (id) => this.#context.idOf(kind, id));
  }

  #progress(entry: FileEntry): void {
    this.#options.onProgress?.({
      home: this.#home.root,
      kind: entry.file.kind,
      records: this.#records,
      bytes: this.#bytes,
    });
  }
}

function problemOf(entry: Extract<HomeEntry, { type: 'problem' }>) {
  const { type: _type, line, ...problem } = entry;
  return line === undefined ? problem : { ...problem, line };
}
