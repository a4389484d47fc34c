import { SEARCHED_ITEMS } from '../areas/searched-items.ts';
import { BODY_TABLES, missingBlobs, unreferencedBlobs } from '../db/blob-references.ts';
import { isWholeBlob } from '../db/bodies.ts';
import type { Database } from '../db/database.ts';
import { fileFailure, isSystemError } from '../db/file-failure.ts';
import { networkFileSystem, openToOthers } from '../db/file-facts.ts';
import { readMigrations } from '../db/migrate.ts';
import type { Reader } from '../db/reader.ts';
import { DamagedStoreError } from '../errors.ts';
import { brokenBodies, garbledRows } from './salvage-bodies.ts';
import { leftovers } from './leftovers.ts';
import { misplacedSessions } from './session-places.ts';
import { versionsAhead } from './versions-ahead.ts';
import { pendingDocs } from '../db/search-index.ts';

export interface Check {
  name: string;
  ok: boolean;
  /** One sentence: what was found, and what to do about it. */
  detail: string;
}

export interface CheckResult {
  ok: boolean;
  checks: Check[];
}

/** Records whose parent is not there: kept and never shown; a sync may still bring the parent. */
const ORPHANS = [
  ['messages without a session', 'session_messages', 'session_id', 'sessions'],
  ['messages without a thread', 'thread_messages', 'thread_id', 'threads'],
  ['turns without a thread', 'runtime_turns', 'thread_id', 'runtime_threads'],
  ['items without a turn', 'runtime_items', 'turn_id', 'runtime_turns'],
  ['events without a thread', 'runtime_events', 'thread_id', 'runtime_threads'],
  ['runs without an automation', 'automation_runs', 'automation_id', 'automations'],
] as const;

const ORPHANS_ADVICE =
  '. They are kept and not shown: "sync now" brings the parents that the hub has, "import" those of the ' +
  'old homes, "restore" those of a backup. Where none of them has a parent any more, nothing is to be ' +
  'done: they do no harm';

/** Looks for damage and leftovers. Reads the whole file; changes nothing. */
export async function checkStore(database: Database, now: number): Promise<CheckResult> {
  const checks = await database.readFresh((reader) => {
    const lines: string[] = [];
    return [
      guarded('integrity', () => {
        lines.push(...reader.rows('pragma integrity_check').map((row) => String(row[0])));
        return integrity(lines);
      }),
      guarded('foreign keys', () => foreignKeys(reader)),
      guarded('orphans', () => orphans(reader)),
      guarded('search index', () => searchIndex(reader, lines)),
      guarded('blobs', () => blobs(reader)),
      guarded('contents', () => contents(reader)),
      guarded('schema', () => schema(reader)),
      guarded('leases', () => leases(reader, now)),
      guarded('clocks', () => clocks(reader, now)),
    ];
  });
  checks.push(...besideStore(database.path, now));
  return { ok: checks.every((check) => check.ok), checks };
}

/** @throws `FileSystemError` the system does not say: this process may open no further file, for one */
function besideStore(path: string, now: number): Check[] {
  try {
    return [permissions(path), fileSystem(path), leftovers(path, now)];
  } catch (error) {
    if (!isSystemError(error)) throw error;
    throw fileFailure(`what lies beside the store ${path} cannot be looked at`, error);
  }
}

/** A check that meets a damaged page says so; the others go on. */
function guarded(name: string, check: () => Check): Check {
  try {
    return check();
  } catch (error) {
    if (!(error instanceof DamagedStoreError)) throw error;
    return result(name, ['it stopped at a damaged page; run doctor --repair'], '');
  }
}

function result(name: string, problems: readonly string[], fine: string, advice = ''): Check {
  if (problems.length === 0) return { name, ok: true, detail: fine };
  const shown = problems.slice(0, 3).join('; ');
  const more = problems.length > 3 ? `; and ${problems.length - 3} more` : '';
  return { name, ok: false, detail: shown + more + advice };
}

/** The search index is derived: what is wrong with it is no damage, and `repair` mends it. */
const aboutSearch = (line: string) => line.includes('main.search_index');

function integrity(lines: readonly string[]): Check {
  const problems = lines.filter((line) => line !== 'ok' && !aboutSearch(line));
  return result('integrity', problems, 'every page and index is sound');
}

function foreignKeys(reader: Reader): Check {
  const rows = reader.rows('pragma foreign_key_check');
  return result(
    'foreign keys',
    rows.map((row) => `${String(row[0])} row ${String(row[1])}`),
    'no broken reference',
  );
}

function orphans(reader: Reader): Check {
  const problems = ORPHANS.flatMap(([what, child, column, parent]) => {
    const count = reader.number(
      `select count(*) from ${child} where ${column} not in (select id from ${parent})`,
    );
    return count === 0 ? [] : [`${count} ${what}`];
  });
  return result('orphans', problems, 'every record has its parent', ORPHANS_ADVICE);
}

function searchIndex(reader: Reader, lines: readonly string[]): Check {
  const problems = lines.filter(aboutSearch);
  const expected = reader.number(`select
    (select count(*) from sessions where purged_at is null) +
    (select count(*) from session_messages where body is not 'null') +
    (select count(*) from tasks where purged_at is null)`);
  const noted = reader.number(`select count(*) from search_docs where kind <> 'item'`);
  const items = reader.number(`select count(*) from (${SEARCHED_ITEMS}) a where not exists (
    select 1 from search_docs d where d.kind = 'item' and d.ref_id = a.ref_id)`);
  const indexed = reader.number('select count(*) from search_index');
  const pending = pendingDocs(reader);
  const docs = reader.number('select count(*) from search_docs where indexed = 1');
  if (noted < expected) problems.push(`${expected - noted} records are not in the index`);
  if (items > 0) problems.push(`${items} thread items are not in the index`);
  if (indexed !== docs) problems.push(`the index holds ${indexed} texts, ${docs} are expected`);
  if (pending > 0) problems.push(`${pending} imported records wait to be indexed`);
  return result(
    'search index',
    problems.map((text) => `${text}; run doctor --repair`),
    'complete',
  );
}

function blobs(reader: Reader): Check {
  const problems = missingBlobs(reader).map((hash) => `the blob ${hash} is missing`);
  for (const [hash] of reader.rows('select hash from blobs')) {
    if (!isWholeBlob(reader, String(hash)))
      problems.push(`the blob ${String(hash)} is damaged; run doctor --repair`);
  }
  const unused = unreferencedBlobs(reader).length;
  const fine =
    unused === 0 ? 'all there and sound' : `all sound; ${unused} unused, vacuum drops them`;
  return result('blobs', problems, fine);
}

/** What stands in the rows has no checksum; many changed bytes leave it no text or no JSON, though. */
function contents(reader: Reader): Check {
  const problems = BODY_TABLES.flatMap((table) => {
    const count = new Set([...garbledRows(reader, table), ...brokenBodies(reader, table)]).size;
    return count === 0 ? [] : [`${count} rows of ${table} are garbled; run doctor --repair`];
  });
  const miscounted = misplacedSessions(reader).length;
  if (miscounted > 0) {
    problems.push(`${miscounted} sessions count their messages wrong; run doctor --repair`);
  }
  return result('contents', problems, 'every record can be read');
}

function schema(reader: Reader): Check {
  const known = readMigrations();
  const version = reader.number('pragma user_version');
  const problems =
    version === known.length ? [] : [`schema version ${version}, expected ${known.length}`];
  const applied = new Map(
    reader.rows('select number, checksum from migrations').map(([n, sum]) => [Number(n), sum]),
  );
  for (const migration of known) {
    if (applied.get(migration.number) === migration.checksum) continue;
    problems.push(`migration ${migration.number} differs from the one of this version`);
  }
  return result('schema', problems, `version ${version}`);
}

function leases(reader: Reader, now: number): Check {
  // Of what was handed over meanwhile a lease may be left.
  const expired = reader.number(
    `select count(*) from task_leases l join tasks t on t.id = l.task_id
     where l.expires_at < ? and t.status = 'running' and t.owner = (select id from device)`,
    [now],
  );
  const problems =
    expired === 0
      ? []
      : [
          `${expired} tasks are held by workers that stopped; "doctor --repair", or store.tasks.recover(), ` +
            'ends them as failed: they are not run twice',
        ];
  return result('leases', problems, 'no worker is overdue');
}

/** What the hub took while its clock was ahead, as that of the machine was: see {@link versionsAhead}. */
function clocks(reader: Reader, now: number): Check {
  const { count, untilMs } = versionsAhead(reader, now);
  const problems =
    count === 0
      ? []
      : [
          `${count} changes were made while the clocks of a machine and of the hub were ahead; later edits of the same ` +
            `may stay on their machine until ${new Date(untilMs).toISOString()}. With all clocks right, put an empty hub ` +
            'in the place of yours and run "sync now" on every machine; "sync conflicts" shows what lost then',
        ];
  return result('clocks', problems, 'no change is ahead of its time');
}

function permissions(path: string): Check {
  return result('permissions', openToOthers(path), 'only the owner can read the store');
}

function fileSystem(path: string): Check {
  const network = networkFileSystem(path);
  const problems =
    network === undefined
      ? []
      : [`the store lies on ${network}, where locks may fail; move it to a local disk`];
  return result('file system', problems, 'a local one');
}
