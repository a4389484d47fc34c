import { createHash } from 'node:crypto';
import { InvalidInputError, NotFoundError } from '../errors.ts';
import type { Value } from '../db/connection.ts';
import type { Reader } from '../db/reader.ts';
import { mainRegister, type MutableTable } from '../model/table-kinds.ts';

export interface Page<T> {
  items: T[];
  /** Give it back as `cursor` for the next page; `null` at the end. */
  nextCursor: string | null;
}

export interface Condition {
  /** SQL with a `?` for each of `params`. */
  readonly sql: string;
  readonly params?: readonly Value[];
  /** What stands for it in a cursor where it is not the same for every page; empty: nothing does. */
  readonly identity?: string;
}

export interface Listing {
  readonly table: string;
  readonly columns: readonly string[];
  readonly where: readonly Condition[];
  /**
   * Alternatives of which no row meets two, each with `where` on an index in the order of the list:
   * they are merged as they are read.
   */
  readonly either?: readonly Condition[] | undefined;
  /** The sort column, indexed together with the tie-break after the columns of `where`. */
  readonly sort: string;
  readonly descending: boolean;
  /** The unique column that breaks ties; `id` unless told. */
  readonly tie?: string;
  readonly limit: number;
  readonly cursor?: string | null | undefined;
}

/**
 * A row comes from the hub register by register; until it is known what it is, it is no record to show.
 *
 * @param register - by default the main one
 */
export function hasCome(table: MutableTable, register = mainRegister(table)): Condition {
  return { sql: `${register}_version <> ''` };
}

/** One page of a list, read in index order. `columns` must hold the sort column and the tie-break. */
export function readPage<T extends object>(reader: Reader, listing: Listing): Page<T> {
  const { sort, descending, limit, cursor, tie = 'id' } = listing;
  const column = sort.split(' ')[0] ?? sort;
  const conditions = [...listing.where];
  if (cursor !== undefined && cursor !== null) {
    conditions.push({
      sql: `(${sort}, ${tie}) ${descending ? '<' : '>'} (?, ?)`,
      params: decodeCursor(cursor, listing),
    });
  }
  const order = descending ? 'desc' : 'asc';
  const arms = listing.either?.map((arm) => [...conditions, arm]) ?? [conditions];
  const sources = arms.map((arm) => {
    const where = arm.map((condition) => condition.sql).join(' and ');
    return `from ${listing.table} ${where ? `where ${where}` : ''}`;
  });
  const rows = reader.list<Record<string, Value>>(
    listing.columns,
    `${sources.join(` union all select ${listing.columns.join(', ')} `)}
     order by ${sort} ${order}, ${tie} ${order} limit ?`,
    [...arms.flat().flatMap((condition) => condition.params ?? []), limit + 1],
  );
  const items = rows.slice(0, limit);
  const last = rows.length > limit ? items.at(-1) : undefined;
  return {
    items: items as T[],
    nextCursor: last ? encodeCursor(listing, [last[column] as Value, last[tie] as Value]) : null,
  };
}

function encodeCursor(listing: Listing, place: readonly Value[]): string {
  return Buffer.from(JSON.stringify([identityOf(listing), ...place])).toString('base64url');
}

function decodeCursor(cursor: string, listing: Listing): Value[] {
  let parts: unknown;
  try {
    parts = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
  } catch (error) {
    throw new InvalidInputError('cursor: not one that a list returned', { cause: error });
  }
  const usable = (part: unknown) => typeof part === 'string' || typeof part === 'number';
  if (!Array.isArray(parts) || parts.length !== 3 || !usable(parts[1]) || !usable(parts[2])) {
    throw new InvalidInputError('cursor: not one that a list returned');
  }
  if (parts[0] !== identityOf(listing)) throw foreignCursor();
  return [parts[1], parts[2]];
}

export function foreignCursor(): InvalidInputError {
  return new InvalidInputError('cursor: it belongs to another list, or one with other options');
}

/** Tells a list from others: the table, the order, and what is asked for. */
function identityOf({ table, sort, where }: Listing): string {
  const asked = where
    .map(({ sql, params = [], identity }) => identity ?? [sql, ...params.map(String)])
    .filter((each) => each !== '');
  const text = JSON.stringify([table.replace(/ indexed by .*/, ''), sort, asked]);
  return createHash('sha256').update(text).digest('base64url').slice(0, 8);
}

/** Conditions of `--since` and `--until`: both inclusive, in unix milliseconds. */
export function between(
  column: string,
  since: number | undefined,
  until: number | undefined,
): Condition[] {
  const conditions: Condition[] = [];
  // An age, such as seven days, is another time for every page.
  const identity = '';
  if (since !== undefined) conditions.push({ sql: `${column} >= ?`, params: [since], identity });
  if (until !== undefined) conditions.push({ sql: `${column} <= ?`, params: [until], identity });
  return conditions;
}

/** Unwraps a row that must exist. @throws `NotFoundError` */
export function found<T>(row: T | undefined, kind: string, id: string): T {
  if (row === undefined) throw new NotFoundError(kind, id);
  return row;
}
