import { setImmediate } from 'node:timers/promises';
import { loadBody, type BodyColumns } from '../../db/bodies.ts';
import type { Value } from '../../db/connection.ts';
import type { Database } from '../../db/database.ts';
import type { Reader } from '../../db/reader.ts';
import type { ExportCounter, ExportProgress } from './export-report.ts';
import type { ExportTarget } from './export-target.ts';

/** Rows read at once; bodies are read one by one. */
const PAGE_ROWS = 200;
/** Files are written synchronously, so others get a turn at least this often. */
const TURN_MS = 20;

/** What every part of an export shares. */
export interface ExportContext {
  /** Runs a job on the one state of the store that the export is of. */
  readonly read: Database['read'];
  readonly target: ExportTarget;
  readonly counter: ExportCounter;
  /** Only this session, and what belongs to it. */
  readonly session: string | undefined;
  readonly onProgress: ((progress: ExportProgress) => void) | undefined;
}

export interface RowQuery<T> {
  readonly kind: string;
  readonly columns: readonly (keyof T & string)[];
  /** From `from` on, with a condition: more are added with `and`. */
  readonly from: string;
  readonly params?: readonly Value[];
  /** Columns that give the order, together unique. */
  readonly key: string | readonly string[];
}

/** Leaves a part of a row, whose body is too large to be written at once, for after the view. */
export type Later = (rest: () => Promise<void>) => void;

/**
 * Calls `job` with each row in the order of its key, page by page, so that others can go on. What it
 * leaves for `later` is done before the next row.
 */
export async function eachRow<T extends object>(
  context: ExportContext,
  query: RowQuery<T>,
  job: (reader: Reader, row: T, later: Later) => void,
): Promise<void> {
  const keys = typeof query.key === 'string' ? [query.key] : query.key;
  const rest = `order by ${keys.join(', ')} limit ${PAGE_ROWS}`;
  const next = `${query.from} and (${keys.join(', ')}) > (${keys.map(() => '?').join(', ')}) ${rest}`;
  let after: readonly Value[] | undefined;
  for (;;) {
    const left: (() => Promise<void>)[] = [];
    after = await context.read((reader) => {
      const params = query.params ?? [];
      const rows = after
        ? reader.list<T>(query.columns, next, [...params, ...after])
        : reader.list<T>(query.columns, `${query.from} ${rest}`, params);
      const last = writeRows(rows, (row) => {
        job(reader, row, (rest) => left.push(rest));
        return left.length > 0;
      });
      if (!last || (rows.length < PAGE_ROWS && last === rows.at(-1))) return undefined;
      return keys.map((key) => last[key as keyof T] as Value);
    });
    for (const rest of left) await rest();
    const { counter, target } = context;
    context.onProgress?.({ kind: query.kind, records: counter.records, files: target.files });
    if (!after) return;
    await setImmediate();
  }
}

/** Writes rows until the turn is over, or one says so; returns the last that was written. */
function writeRows<T>(rows: readonly T[], write: (row: T) => boolean): T | undefined {
  const endsAt = performance.now() + TURN_MS;
  let last: T | undefined;
  for (const row of rows) {
    last = row;
    if (write(row) || performance.now() > endsAt) break;
  }
  return last;
}

/** The body of a row, as exact JSON text. */
export function bodyOf(reader: Reader, table: string, id: string, key = 'id'): string {
  return loadBody(reader, bodyColumns(reader, table, id, key));
}

/** Where the body of a row stands; of a row that is gone in none of the two. */
export function bodyColumns(reader: Reader, table: string, id: string, key = 'id'): BodyColumns {
  const from = `from ${table} where ${key} = ?`;
  const row = reader.first<BodyColumns>(['body', 'body_hash'], from, [id]);
  return row ?? { body: null, body_hash: null };
}

/** The condition that a row of a table with deletions is there. */
export function live(alias: string): string {
  return `${alias}.deleted_at is null and ${alias}.purged_at is null`;
}

/** The condition that the owner of a row is there. */
export function ownedBy(table: string, reference: string): string {
  return `exists (select 1 from ${table} owner where owner.id = ${reference} and ${live('owner')})`;
}

/** Counts what was deleted and so is not exported. */
export async function countDeleted(
  context: ExportContext,
  kind: string,
  table: string,
): Promise<void> {
  const count = await context.read((reader) =>
    reader.number(`select count(*) from ${table} where deleted_at is not null`),
  );
  context.counter.skip(kind, 'deleted', count);
}
