import type { Reader } from '../db/reader.ts';
import type { Columns } from '../db/content.ts';
import { keptRoot, type KeptRow } from '../upkeep/kept-records.ts';

/** Whose deletion and purge a row follows: its root, by table and the column that names it. */
const ROOTS: ReadonlyMap<string, (row: Columns) => readonly [string, unknown] | undefined> =
  new Map(
    Object.entries({
      session_messages: (row: Columns) => ['sessions', row['session_id']] as const,
      thread_messages: (row: Columns) => ['threads', row['thread_id']] as const,
      thread_checkpoints: (row: Columns) => ['threads', row['thread_id']] as const,
      runtime_turns: (row: Columns) => ['runtime_threads', row['thread_id']] as const,
      runtime_events: (row: Columns) => ['runtime_threads', row['thread_id']] as const,
      automation_runs: (row: Columns) => ['automations', row['automation_id']] as const,
      goals: (row: Columns) => [GOAL_ROOTS[String(row['scope'])] ?? '', row['owner_id']] as const,
      artifacts: (row: Columns) =>
        [row['owner_kind'] === 'session' ? 'sessions' : 'tasks', row['owner_id']] as const,
      triggers: (row: Columns) => ['sessions', row['owner_session_id']] as const,
    }),
  );

const GOAL_ROOTS: Readonly<Record<string, string>> = {
  session: 'sessions',
  thread: 'threads',
  runtime: 'runtime_threads',
};

const ROOT_TABLES = new Set(['sessions', 'threads', 'runtime_threads', 'tasks', 'automations']);

export interface Root {
  readonly table: string;
  readonly id: string;
}

/** A record as text. */
export function rootKey({ table, id }: Root): string {
  return `${table}/${id}`;
}

/** What {@link rootKey} wrote; undefined where it is no root of this version. */
export function parseRoot(key: string): Root | undefined {
  const slash = key.indexOf('/');
  const table = key.slice(0, slash);
  return ROOT_TABLES.has(table) ? { table, id: key.slice(slash + 1) } : undefined;
}

/** The root of a row: itself, or the record that it belongs to; undefined where it has none. */
export function rootOf(reader: Reader, table: string, row: Columns): Root | undefined {
  if (ROOT_TABLES.has(table)) return { table, id: row['id'] as string };
  if (table === 'runtime_items') {
    const thread = reader.rows('select thread_id from runtime_turns where id = ?', [
      String(row['turn_id']),
    ])[0]?.[0];
    return typeof thread === 'string' ? { table: 'runtime_threads', id: thread } : undefined;
  }
  if (table === 'legacy_records') return keptRoot(reader, row as unknown as KeptRow);
  const [name, id] = ROOTS.get(table)?.(row) ?? [];
  return name && typeof id === 'string' ? { table: name, id } : undefined;
}

export function isPurged(reader: Reader, root: Root): boolean {
  const sql = `select count(*) from ${root.table} where id = ? and purged_at is not null`;
  return reader.number(sql, [root.id]) > 0;
}
