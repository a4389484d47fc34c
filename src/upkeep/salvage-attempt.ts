import type { Connection } from '../db/connection.ts';
import { BusyError, DiskFullError, StoreError } from '../errors.ts';

/** How the damaged store is named beside the new one, which is `main`. */
export const DAMAGED = 'damaged';

/** A table, or a part of one that fell into parts, and how its rows are copied. */
export interface Part {
  readonly table: string;
  /** Its name in the damaged store. */
  readonly from: string;
  /** Copies every row, unless conditions are added to it. */
  readonly insert: string;
}

/** What a statement returns, or undefined where damage keeps it from doing so. */
export function attempt<T>(statement: () => T): T | undefined {
  try {
    return statement();
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    // These say nothing of what is read.
    if (error instanceof DiskFullError || error instanceof BusyError) throw error;
    return undefined;
  }
}

/** How many rows there are, or undefined where damage keeps it from being told. */
export function count(connection: Connection, from: string): number | undefined {
  return attempt(() => Number(connection.rows(`select count(*) from ${from}`)[0]?.[0]));
}

/** The indexes of a table that have every row. */
export function indexesOf(connection: Connection, table: string): string[] {
  const sql = 'select name from pragma_index_list(?, ?) where partial = 0';
  const rows = attempt(() => connection.rows(sql, [table, DAMAGED])) ?? [];
  return rows.map(([name]) => String(name));
}
