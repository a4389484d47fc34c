import { createHash } from 'node:crypto';
import { inflateRawSync } from 'node:zlib';
import type Driver from 'libsql';
import { withCopy } from './compare-state-db.ts';
import { firstDifference } from './lossless-json.ts';

/** What is of this device, of an import, or derived. */
const LOCAL = new Set([
  'device',
  'blobs',
  'blob_chunks',
  'import_homes',
  'import_sources',
  'imported_bodies',
  'search_docs',
  'task_leases',
  'workspaces',
  'sync_state',
  'sync_status',
  'sync_scans',
  'outbox',
  'parked',
  'ancestors',
  'conflicts',
  'clashes',
  'unknown_columns',
  'stale_roots',
]);
/** Columns that say where and when a row was written. */
const LOCAL_COLUMNS = new Set(['device', 'number', 'pulled']);
/** Tables whose order of rows means something. */
const ORDERS: Record<string, string> = {
  session_messages: 'session_id, number',
  thread_messages: 'thread_id, number',
  runtime_events: 'thread_id, seq',
  audit_log: 'number',
  session_leaves: 'session_id',
  thread_leaves: 'thread_id',
  offline_queue: 'session_id',
  legacy_records: 'kind, path, position, id',
};

/** Lines are compared in their order: those between them that were refused are gone. */
const PLACES: Record<string, ReadonlySet<string>> = {
  legacy_records: new Set(['id', 'position']),
};

/**
 * Compares what two store files hold, whoever wrote it and however it lies on the disk. Both stores
 * must be closed.
 *
 * @returns what differs, one sentence each; empty when nothing does
 */
export function compareStores(a: string, b: string): string[] {
  const [old, now] = [withCopy(a, dump), withCopy(b, dump)];
  const found: string[] = [];
  for (const table of new Set([...old.keys(), ...now.keys()])) {
    const [before, after] = [old.get(table) ?? [], now.get(table) ?? []];
    if (before.length !== after.length) {
      found.push(`${table}: ${before.length} rows against ${after.length}`);
    }
    for (let i = 0; i < Math.min(before.length, after.length); i++) {
      const [left = '', right = ''] = [before[i], after[i]];
      if (left !== right) {
        found.push(`${table} row ${i}: ${firstDifference(left, right)}`);
        break;
      }
    }
  }
  return found;
}

/** Table to its rows as text. */
function dump(db: Driver.Database): Map<string, string[]> {
  const tables = db
    .prepare(
      `select name from sqlite_master where type = 'table' and name not like 'sqlite_%'
       and name not like 'search_index%' and name not like '%migrations%' order by name`,
    )
    .all() as { name: string }[];
  const blobs = new Map<string, string>();
  return new Map(
    tables
      .filter(({ name }) => !LOCAL.has(name))
      .map(({ name }) => [name, dumpTable(db, name, blobs)]),
  );
}

function dumpTable(db: Driver.Database, table: string, blobs: Map<string, string>): string[] {
  const columns = (db.prepare(`pragma table_info(${table})`).all() as { name: string }[])
    .map(({ name }) => name)
    .filter((name) => !LOCAL_COLUMNS.has(name) && !name.endsWith('_version'))
    .filter((name) => !PLACES[table]?.has(name));
  // As JSON: the driver would cut texts at a NUL.
  const rows = db
    .prepare(
      `select json_array(${columns.join(', ')}) as row from ${table}
       order by ${ORDERS[table] ?? 'id'}`,
    )
    .all() as { row: string }[];
  return rows.map(({ row }) => {
    const values = JSON.parse(row) as unknown[];
    const at = columns.indexOf('body_hash');
    const hash = values[at];
    if (typeof hash === 'string') values[at] = contentOf(db, hash, blobs);
    return JSON.stringify(values.map(withoutCounter));
  });
}

/** The counter of the old event logs may rise on the way; `compareHomes` looks at it. */
function withoutCounter(value: unknown): unknown {
  return typeof value === 'string' && /^\{[^{]*"next_seq":\d+\}$/.test(value)
    ? value.replace(/\d+\}$/, '}')
    : value;
}

/** The hash of a blob, after its bytes were found to be those of it. */
function contentOf(db: Driver.Database, hash: string, blobs: Map<string, string>): string {
  const known = blobs.get(hash);
  if (known !== undefined) return known;
  const chunks = db
    .prepare('select codec, data from blob_chunks where hash = ? order by position')
    .all([hash]) as { codec: string; data: ArrayBuffer }[];
  const digest = createHash('sha256');
  for (const { codec, data } of chunks) {
    const bytes = Buffer.from(data);
    digest.update(codec === 'deflate' ? inflateRawSync(bytes) : bytes);
  }
  const content = digest.digest('hex');
  blobs.set(hash, content);
  return content;
}
