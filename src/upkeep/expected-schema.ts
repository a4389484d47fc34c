import { Connection } from '../db/connection.ts';
import { migrate, readMigrations } from '../db/migrate.ts';
import type { TreeKind } from '../db/page-format.ts';

/** A row of SQLite's own table of tables. */
export interface SchemaEntry {
  readonly type: string;
  readonly name: string;
  readonly table: string;
  readonly root: number;
  /** Null for the indexes that a table brings along. */
  readonly sql: string | null;
}

export interface ExpectedTable extends SchemaEntry {
  readonly kind: TreeKind;
  readonly columns: readonly ExpectedColumn[];
}

export interface ExpectedColumn {
  readonly name: string;
  /** What SQLite's `typeof` may say of it, `null` included where a row may lack it. */
  readonly types: readonly string[];
}

/** What a sound store says of its tables. */
export interface ExpectedSchema {
  readonly entries: readonly SchemaEntry[];
  /** Those that hold rows of ours, by name. */
  readonly tables: ReadonlyMap<string, ExpectedTable>;
  /** Where trees begin, in stores of this and of former versions, as made and as vacuumed. */
  readonly layouts: readonly ReadonlyMap<string, number>[];
}

/** Makes empty stores of all versions up to that one in memory, and reads what they say. */
export function expectedSchema(version: number): ExpectedSchema {
  const layouts: ExpectedSchema['layouts'][number][] = [];
  let expected: ExpectedSchema | undefined;
  for (let number = 1; number <= version; number++) {
    const connection = new Connection(':memory:', { busyWaitMs: 0, readOnly: false });
    try {
      migrate(connection, readMigrations().slice(0, number), 0);
      const entries = readEntries(connection);
      expected = { entries, tables: tablesOf(connection, entries), layouts };
      connection.exec('vacuum');
      for (const all of [entries, readEntries(connection)]) {
        layouts.push(new Map(all.map(({ name, root }) => [name, root])));
      }
    } finally {
      connection.close();
    }
  }
  return expected ?? { entries: [], tables: new Map(), layouts };
}

function tablesOf(connection: Connection, entries: readonly SchemaEntry[]) {
  const tables = entries.filter(
    ({ type, name, root }) => type === 'table' && root > 0 && !isOfSearch(name),
  );
  return new Map(
    tables.map((entry) => [entry.name, { ...entry, ...shapeOf(connection, entry.name) }]),
  );
}

const isOfSearch = (name: string) => name.startsWith('search_index');

const ENTRY = ['type', 'name', 'tbl_name', 'rootpage', 'sql'];

/**
 * Reads the table of tables, or another one as if it were that. Also of a damaged store: the driver
 * ends the process over a text that is no UTF-8.
 */
export function readEntries(
  connection: Connection,
  from = 'sqlite_schema',
  columns: readonly string[] = ENTRY,
): SchemaEntry[] {
  const [type, name, table, , sql] = columns.map((column) => `cast(${column} as blob)`);
  const number = `case typeof(${columns[3]}) when 'integer' then ${columns[3]} end`;
  const rows = connection.rows(`select ${type}, ${name}, ${table}, ${number}, ${sql} from ${from}`);
  const read = (bytes: unknown) => Buffer.from((bytes ?? []) as Uint8Array).toString();
  return rows.map(([type, name, table, root, sql]) => ({
    type: read(type),
    name: read(name),
    table: read(table),
    root: Number(root ?? 0),
    sql: sql === null ? null : read(sql),
  }));
}

/** Columns in the order in which they are stored. */
function shapeOf(connection: Connection, table: string): Omit<ExpectedTable, keyof SchemaEntry> {
  const byKey = connection.row('select wr from pragma_table_list(?)', [table])?.[0] === 1;
  const rows = connection.rows(
    `select name, lower(type), "notnull" = 0 and pk = 0 or dflt_value is not null, pk
     from pragma_table_info(?) order by ${byKey ? 'pk = 0, pk, cid' : 'cid'}`,
    [table],
  );
  const columns = rows.map(([name, type, optional, key]): ExpectedColumn => {
    // It is the number of the row itself.
    const isRowid = !byKey && Number(key) > 0 && type === 'integer';
    const stored = table === 'sqlite_sequence' ? SEQUENCE[String(name)] : String(type);
    const types = isRowid ? ['null'] : [stored as string, ...(optional ? ['null'] : [])];
    return { name: String(name), types };
  });
  return { kind: byKey ? 'index' : 'table', columns };
}

/** SQLite declares no types for it. */
const SEQUENCE: Readonly<Record<string, string>> = { name: 'text', seq: 'integer' };
