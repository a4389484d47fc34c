import type { Reader } from '../../db/reader.ts';
import { SealError } from '../../errors.ts';
import type { Column, Columns, Payload } from '../../db/content.ts';

/** What a column of the store takes. */
interface ColumnShape {
  readonly type: 'text' | 'integer';
  readonly nullable: boolean;
}

export type TableShape = ReadonlyMap<string, ColumnShape>;

/** The columns of the tables as the store has them, read once. */
export class Shapes {
  readonly #tables = new Map<string, TableShape>();
  readonly #inserts = new Map<string, string>();

  /** The statement that inserts so many rows; rows of a table have the same keys. */
  insertSql(table: string, row: object, rows: number): string {
    const key = `${table} ${rows}`;
    let sql = this.#inserts.get(key);
    if (sql === undefined) {
      const names = Object.keys(row);
      const values = `(${names.map(() => '?').join(', ')})`;
      sql = `insert into ${table} (${names.join(', ')}) values ${Array(rows).fill(values).join(', ')}`;
      this.#inserts.set(key, sql);
    }
    return sql;
  }

  of(reader: Reader, table: string): TableShape {
    let shape = this.#tables.get(table);
    if (!shape) {
      const rows = reader.rows('select name, type, "notnull" from pragma_table_info(?)', [table]);
      shape = new Map(
        rows.map(([name, type, notNull]) => [
          name as string,
          {
            type: String(type).toLowerCase() === 'integer' ? 'integer' : 'text',
            nullable: Number(notNull) === 0,
          } as const,
        ]),
      );
      this.#tables.set(table, shape);
    }
    return shape;
  }
}

/** The value of a column of which nothing has come: it stays until its register does. */
export function blank(shape: ColumnShape): Column {
  if (shape.nullable) return null;
  return shape.type === 'integer' ? 0 : '';
}

const HASH = /^[0-9a-f]{64}$/;
const COLUMN_NAME = /^[a-z][a-z0-9_]{0,63}$/;

// By hand: every entry comes through here, and a schema took a tenth of the time of a first pull.

/** What a payload says. @throws `SealError` it is no payload, whoever sealed it */
export function parsePayload(json: string): Payload {
  const payload = parseOrUndefined(json);
  if (!isPayload(payload)) {
    throw new SealError('damaged', 'the payload is not one of this protocol');
  }
  const fault = payload.t === undefined ? undefined : bodyFault(payload.t);
  if (fault) throw new SealError('damaged', fault);
  return payload;
}

/**
 * Whether other devices take what this one is about to send: by the checks that they make, but for
 * those that were made before anything was written here. A body was JSON then, and to parse all of it
 * again would take as long as to seal it.
 */
export function isTakenElsewhere(table: string, payload: Payload): boolean {
  if (!isPayload(payload) || isBeyondText(table, payload)) return false;
  return !Object.entries(payload.c).some(([name, value]) => isBeyondTime(name, value));
}

/** The longest text that JavaScript can hold is 2^29 characters less a few. */
const TEXT_BYTES_MAX = 500 << 20;

/** Only files are read piece by piece; any other body becomes one text. */
export function isBeyondText(table: string, { h }: Payload): boolean {
  return table !== 'artifacts' && (h?.size ?? 0) > TEXT_BYTES_MAX;
}

/** What is wrong with a body that travels inside its payload. */
function bodyFault(json: string): string | undefined {
  if (!json.isWellFormed() || parseOrUndefined(json) === undefined) return 'the body is not JSON';
  // What reads it would fail: SQLite at a depth of 1,000, JSON.stringify at some thousands.
  return isDeeper(json, DEPTH_MAX) ? 'the body is too deep' : undefined;
}

/** What this library writes and imports has at most 130 arrays and objects in each other. */
const DEPTH_MAX = 256;

/** Whether valid JSON is nested deeper than `max`. It does not recurse. */
function isDeeper(json: string, max: number): boolean {
  if (json.length <= 2 * max) return false;
  let depth = 0;
  let inString = false;
  for (let i = 0; i < json.length; i++) {
    const c = json[i];
    if (c === '\\') i++;
    else if (c === '"') inString = !inString;
    else if (inString) continue;
    else if (c === '[' || c === '{') {
      if (++depth > max) return true;
    } else if (c === ']' || c === '}') depth--;
  }
  return false;
}

function isVersions(value: unknown): boolean {
  return Array.isArray(value) && value.length <= 64 && value.every((v) => isText(v, 0, 400));
}

function isPayload(value: unknown): value is Payload {
  if (!isObject(value)) return false;
  const { i, c, t, h, d, b, a, x } = value;
  return (
    isText(i, 1, 4096) &&
    // Ids are read by statements that cut text at a NUL.
    !(i as string).includes('\0') &&
    isColumns(c) &&
    (t === undefined || typeof t === 'string') &&
    (h === undefined || isBodyRef(h)) &&
    (d === undefined || isText(d, 0, 200)) &&
    (b === undefined || isVersions(b)) &&
    (a === undefined || isVersions(a)) &&
    (x === undefined || x === 1)
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** SQLite would keep another text, and the hash of the content would no longer be its own. */
function isWellFormed(value: unknown): value is string {
  return typeof value === 'string' && value.isWellFormed();
}

function isText(value: unknown, min: number, max: number): boolean {
  return isWellFormed(value) && value.length >= min && value.length <= max;
}

/** A terabyte: the pieces of a larger one could not be counted. */
const BODY_BYTES_MAX = 2 ** 40;

function isBodyRef(value: unknown): boolean {
  if (!isObject(value)) return false;
  const { hash, size, root } = value;
  const sized = Number.isSafeInteger(size) && Number(size) >= 0 && Number(size) <= BODY_BYTES_MAX;
  const rooted = root === undefined || isText(root, 0, 4200);
  return sized && rooted && typeof hash === 'string' && HASH.test(hash);
}

function isColumns(value: unknown): boolean {
  if (!isObject(value)) return false;
  return Object.entries(value).every(([name, column]) => {
    const fits = isWellFormed(column) || column === null || Number.isSafeInteger(column);
    return fits && COLUMN_NAME.test(name);
  });
}

function parseOrUndefined(json: string): unknown {
  try {
    return JSON.parse(json) as unknown;
  } catch {
    return undefined;
  }
}

/** Columns that the store has and those that it does not, with each value as its column takes it. */
export function splitColumns(
  shape: TableShape,
  governed: readonly string[],
  columns: Columns,
): { known: Record<string, Column>; unknown: Record<string, Column> } {
  const known: Record<string, Column> = {};
  const unknown: Record<string, Column> = {};
  for (const name of governed) {
    const column = shape.get(name);
    if (!column || name === 'body' || name === 'body_hash') continue;
    const value = Object.hasOwn(columns, name) ? (columns[name] as Column) : blank(column);
    if (!fits(name, column, value))
      throw new SealError('damaged', `the column ${name} does not fit`);
    known[name] = value;
  }
  for (const [name, value] of Object.entries(columns)) {
    if (governed.includes(name)) continue;
    if (shape.has(name))
      throw new SealError('damaged', `the column ${name} is of another register`);
    unknown[name] = value;
  }
  return { known, unknown };
}

/** The farthest that a time can be written, unix milliseconds: ECMA-262, 21.4.1.1. */
const TIME_MAX = 8.64e15;

function isBeyondTime(name: string, value: Column): boolean {
  return typeof value === 'number' && name.endsWith('_at') && Math.abs(value) > TIME_MAX;
}

function fits(name: string, { type, nullable }: ColumnShape, value: Column): boolean {
  if (value === null) return nullable;
  if (isBeyondTime(name, value)) return false;
  return typeof value === (type === 'integer' ? 'number' : 'string');
}
