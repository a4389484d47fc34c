import * as z from 'zod';
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

const columnSchema = z.union([z.string(), z.int(), z.null()]);
const hashSchema = z.string().regex(/^[0-9a-f]{64}$/);

const payloadSchema = z.object({
  i: z.string().min(1).max(4096),
  c: z.record(z.string().regex(/^[a-z][a-z0-9_]{0,63}$/), columnSchema),
  t: z.string().optional(),
  h: z
    .object({ hash: hashSchema, size: z.int().min(0), root: z.string().max(4200).optional() })
    .optional(),
  d: z.string().max(200).optional(),
  b: z.array(z.string().max(400)).max(64).optional(),
  x: z.literal(1).optional(),
});

/** What a payload says. @throws `SealError` it is no payload, whoever sealed it */
export function parsePayload(json: string): Payload {
  const parsed = payloadSchema.safeParse(parseOrUndefined(json));
  if (!parsed.success) throw new SealError('damaged', 'the payload is not one of this protocol');
  if (parsed.data.t !== undefined && parseOrUndefined(parsed.data.t) === undefined) {
    throw new SealError('damaged', 'the body is not JSON');
  }
  return parsed.data as Payload;
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
