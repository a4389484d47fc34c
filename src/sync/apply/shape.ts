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

  /** The statement that inserts a row unless its id is taken; rows of a table have the same keys. */
  insertSql(table: string, row: object): string {
    let sql = this.#inserts.get(table);
    if (sql === undefined) {
      const names = Object.keys(row);
      sql = `insert into ${table} (${names.join(', ')}) values (${names.map(() => '?').join(', ')})
        on conflict (id) do nothing`;
      this.#inserts.set(table, sql);
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
  if (payload.t !== undefined && parseOrUndefined(payload.t) === undefined) {
    throw new SealError('damaged', 'the body is not JSON');
  }
  return payload;
}

function isPayload(value: unknown): value is Payload {
  if (!isObject(value)) return false;
  const { i, c, t, h, d, b, x } = value;
  return (
    isText(i, 1, 4096) &&
    isColumns(c) &&
    (t === undefined || typeof t === 'string') &&
    (h === undefined || isBodyRef(h)) &&
    (d === undefined || isText(d, 0, 200)) &&
    (b === undefined ||
      (Array.isArray(b) && b.length <= 64 && b.every((v) => isText(v, 0, 400)))) &&
    (x === undefined || x === 1)
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isText(value: unknown, min: number, max: number): boolean {
  return typeof value === 'string' && value.length >= min && value.length <= max;
}

function isBodyRef(value: unknown): boolean {
  if (!isObject(value)) return false;
  const { hash, size, root } = value;
  const sized = Number.isSafeInteger(size) && Number(size) >= 0;
  const rooted = root === undefined || isText(root, 0, 4200);
  return sized && rooted && typeof hash === 'string' && HASH.test(hash);
}

function isColumns(value: unknown): boolean {
  if (!isObject(value)) return false;
  return Object.entries(value).every(([name, column]) => {
    const fits = typeof column === 'string' || column === null || Number.isSafeInteger(column);
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
    if (!fits(column, value)) throw new SealError('damaged', `the column ${name} does not fit`);
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

function fits({ type, nullable }: ColumnShape, value: Column): boolean {
  if (value === null) return nullable;
  return typeof value === (type === 'integer' ? 'number' : 'string');
}
