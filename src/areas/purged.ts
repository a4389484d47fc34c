import type { Reader } from '../db/reader.ts';
import { NotFoundError } from '../errors.ts';

/** What can be purged, and how it is called. */
const KINDS = {
  sessions: 'session',
  threads: 'thread',
  runtime_threads: 'runtime thread',
  tasks: 'task',
  automations: 'automation',
} as const;

/**
 * Of a record that was emptied for good there is only the mark, for other devices: nothing to show.
 *
 * @throws `NotFoundError` it was purged
 */
export function refusePurged(reader: Reader, table: keyof typeof KINDS, id: string): void {
  const sql = `select count(*) from ${table} where id = ? and purged_at is not null`;
  if (reader.number(sql, [id]) > 0) throw new NotFoundError(KINDS[table], id, { purged: true });
}

/** The condition for records that are deleted and can be brought back. */
export const RESTORABLE = 'deleted_at is not null and purged_at is null';
