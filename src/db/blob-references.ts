import type { Reader } from './reader.ts';

/** Every table and column that refers to a blob. */
export const BODY_TABLES = [
  'sessions',
  'session_messages',
  'session_checkpoints',
  'offline_queue',
  'threads',
  'thread_messages',
  'thread_checkpoints',
  'jobs',
  'goals',
  'runtime_threads',
  'runtime_turns',
  'runtime_items',
  'runtime_events',
  'tasks',
  'automations',
  'automation_runs',
  'triggers',
  'audit_log',
  'legacy_records',
  'artifacts',
  'conflicts',
  'imported_bodies',
] as const;

const REFERRED = BODY_TABLES.map(
  (table) => `select body_hash from ${table} where body_hash is not null and body_hash <> ''`,
).join(' union all ');

/** Hashes of blobs that nothing refers to. */
export function unreferencedBlobs(reader: Reader): string[] {
  return reader
    .list<{ hash: string }>(['hash'], `from blobs where hash not in (${REFERRED})`)
    .map((row) => row.hash);
}

/** Hashes that a row refers to and that are not there. */
export function missingBlobs(reader: Reader): string[] {
  return reader
    .list<{ hash: string }>(
      ['distinct body_hash as hash'],
      `from (${REFERRED}) where body_hash not in (select hash from blobs)`,
    )
    .map((row) => row.hash);
}
