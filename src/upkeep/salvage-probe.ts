import type { Connection } from '../db/connection.ts';
import { DamagedStoreError } from '../errors.ts';
import { TABLES } from '../model/registers.ts';
import type { ExpectedTable, SchemaEntry } from './expected-schema.ts';
import type { Tree } from './salvage-trees.ts';

/** Some rows of a tree. */
export interface Sample {
  readonly tree: Tree;
  readonly rows: readonly SampleRow[];
}

interface SampleRow {
  /** What SQLite's `typeof` says of each column. */
  readonly types: readonly string[];
  /** The beginnings of the first two columns. */
  readonly first: readonly string[];
}

/** More than any table has. */
const COLUMNS = 40;
const ROWS = 50;
/** Trees that are declared at once. */
const BATCH = 500;

const columns = Array.from({ length: COLUMNS }, (_, i) => `c${i}`);
const SELECT = [
  columns.map((column) => `typeof(${column})`).join(` || ',' || `),
  ...['c0', 'c1'].map((column) => `cast(substr(cast(${column} as blob), 1, 100) as blob)`),
].join(', ');

/**
 * Says what tables there are, in place of what was said before. The connection reads them as they are
 * declared, whatever rows their trees hold.
 */
export function declare(connection: Connection, entries: readonly SchemaEntry[]): void {
  connection.exec('pragma writable_schema = on; begin; delete from sqlite_schema;');
  const insert =
    'insert into sqlite_schema (type, name, tbl_name, rootpage, sql) values (?, ?, ?, ?, ?)';
  for (const { type, name, table, root, sql } of entries) {
    connection.run(insert, [type, name, table, root, sql]);
  }
  connection.exec('commit; pragma writable_schema = reset');
}

/** A tree as a table of which only the number of columns is known. */
export function probe({ root, kind }: Tree): SchemaEntry {
  const name = `tree_${root}`;
  const list = columns.join(', ');
  const sql =
    kind === 'table'
      ? `create table ${name} (${list})`
      : `create table ${name} (${list}, primary key (c0)) without rowid`;
  return { type: 'table', name, table: name, root, sql };
}

/** Calls `look` with some rows of each tree, while it is declared. */
export function sampleTrees(
  connection: Connection,
  trees: readonly Tree[],
  look: (sample: Sample) => void,
): void {
  for (let start = 0; start < trees.length; start += BATCH) {
    const some = trees.slice(start, start + BATCH);
    declare(connection, some.map(probe));
    for (const tree of some) look({ tree, rows: sampleRows(connection, tree) });
  }
}

/** From its beginning, or, where that is damaged, from its end. */
function sampleRows(connection: Connection, { root, kind }: Tree): SampleRow[] {
  for (const order of ['asc', 'desc']) {
    const by = kind === 'table' ? 'rowid' : 'c0';
    const sql = `select ${SELECT} from tree_${root} order by ${by} ${order} limit ${ROWS}`;
    const rows = readable(() => connection.rows(sql));
    if (!rows) continue;
    return rows.map(([types, ...first]) => ({
      types: String(types).split(','),
      first: first.map((bytes) => Buffer.from((bytes ?? []) as Uint8Array).toString()),
    }));
  }
  return [];
}

/** What can be read, undefined where damage is in the way. */
export function readable<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof DamagedStoreError) return undefined;
    throw error;
  }
}

const OURS: ReadonlySet<string> = new Set(TABLES.map(({ name }) => name));
const KINDS_OF_ENTRY = new Set(['table', 'index', 'trigger', 'view']);

/** Whether most of the rows may be rows of that table. */
export function fits({ tree, rows }: Sample, table: ExpectedTable): boolean {
  return tree.kind === table.kind && mostOf(rows, (row) => isRowOf(row, table));
}

/** Whether a tree is a part of SQLite's own table of tables. */
export function isOfSchema({ tree, rows }: Sample): boolean {
  return (
    tree.kind === 'table' &&
    mostOf(
      rows,
      ({ types, first }) =>
        KINDS_OF_ENTRY.has(first[0] ?? '') && types[3] === 'integer' && types[5] === 'null',
    )
  );
}

function mostOf(rows: readonly SampleRow[], test: (row: SampleRow) => boolean): boolean {
  return rows.filter(test).length > rows.length / 2;
}

function isRowOf({ types, first }: SampleRow, { columns }: ExpectedTable): boolean {
  // A row that is older than the last columns of its table lacks them, which reads as null.
  const typed = types.every((type, i) => (columns[i]?.types ?? ['null']).includes(type));
  const [body, hash, named] = ['body', 'body_hash', 'table_name'].map((name) =>
    columns.findIndex((column) => column.name === name),
  ) as [number, number, number];
  if (body >= 0 && (types[body] === 'null') === (types[hash] === 'null')) return false;
  return typed && (named < 0 || OURS.has(first[named] ?? ''));
}
