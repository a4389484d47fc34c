import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { Connection } from '../db/connection.ts';
import { fileSize } from '../db/file-facts.ts';
import { readMigrations } from '../db/migrate.ts';
import { APPLICATION_ID, blankFirstPage, PAGE_SIZE } from '../db/page-format.ts';
import { DamagedStoreError, DatabaseError } from '../errors.ts';
import {
  expectedSchema,
  readEntries,
  type ExpectedSchema,
  type SchemaEntry,
} from './expected-schema.ts';
import { assignTrees, type Assignment } from './salvage-assign.ts';
import { declare } from './salvage-probe.ts';
import type { Trees } from './salvage-trees.ts';

/** Between the name of a table and the number of a part of it. */
const PART = '~';

/**
 * Says anew, in a copy of a damaged store without a log, which tables there are and where they begin,
 * unless it still says so. Free pages are left alone: what was deleted stays so.
 *
 * @returns how many trees are left out, since they may hold what was deleted
 * @throws `DamagedStoreError` there is nothing of a store in it
 */
export function mendSchema(path: string, trees: Trees): number {
  if (isSound(path, trees)) return 0;
  blankFirst(path);
  const connection = new Connection(path, { busyWaitMs: 1000, readOnly: false });
  try {
    connection.exec('pragma journal_mode = off; pragma synchronous = off');
    const expected = expectedSchema(readMigrations().length);
    const assignment = assignTrees(connection, trees, expected);
    if (!isStore(trees, expected, assignment)) {
      throw nothingLeft();
    }
    declare(connection, entriesOf(trees, expected, assignment));
    connection.exec(`pragma application_id = ${APPLICATION_ID}`);
    return assignment.leftOut;
  } finally {
    connection.close();
  }
}

/** The names of the parts of a table, the table itself among them. */
export function partsOf(table: string, names: readonly string[]): string[] {
  return names.filter((name) => name === table || name.startsWith(table + PART));
}

/** That nothing of a store can be read in a file, and what to do. */
export function nothingLeft(): DamagedStoreError {
  return new DamagedStoreError(
    'nothing of a store can be read in the file, or its encryption key is another one; it stays as it is',
    {
      hint: 'Restore a backup. Or move the file and its -wal away and begin anew: `sync enable` brings what the hub has, `import` what the old homes have.',
    },
  );
}

/** Whether it still says of every table where it is, and none has lost pages that lead to others. */
function isSound(path: string, trees: Trees): boolean {
  // As it is: it has no log, and nothing may come to lie beside it.
  const options = { busyWaitMs: 1000, readOnly: true, withoutLog: true };
  let connection: Connection | undefined;
  try {
    connection = new Connection(path, options);
    connection.exec('pragma writable_schema = on');
    const version = connection.row('select max(number) from migrations')?.[0];
    const held = new Map(readEntries(connection).map((entry) => [entry.name, entry]));
    const { tables } = expectedSchema(Number(version));
    const roots = new Set<number>();
    return [...tables.values()].every(({ name, sql, kind }) => {
      const { root = 0, sql: heldSql } = held.get(name) ?? {};
      const tree = trees.byRoot.get(root);
      const isRoot = tree ? tree.kind === kind && !tree.broken : !trees.kindOf(root);
      return heldSql === sql && isRoot && roots.size < roots.add(root).size;
    });
  } catch (error) {
    // Tables that SQLite does not know make its statements fail.
    if (error instanceof DamagedStoreError || error instanceof DatabaseError) return false;
    throw error;
  } finally {
    connection?.close();
  }
}

/** Leaves of the first page nothing, and of a last one that was cut off. */
function blankFirst(path: string): void {
  const pages = Math.floor(fileSize(path) / PAGE_SIZE);
  const fd = openSync(path, 'r+');
  try {
    ftruncateSync(fd, pages * PAGE_SIZE);
    writeSync(fd, blankFirstPage(pages), 0, PAGE_SIZE, 0);
  } finally {
    closeSync(fd);
  }
}

/** The rows of other programs may look like those of one or the other table. */
function isStore({ header }: Trees, { tables }: ExpectedSchema, { roots, entries }: Assignment) {
  if (roots.size === 0) return false;
  return (
    header?.applicationId === APPLICATION_ID ||
    entries.some(({ name, sql }) => sql !== null && sql === tables.get(name)?.sql) ||
    roots.has('device')
  );
}

function entriesOf(
  { byRoot }: Trees,
  { entries, tables }: ExpectedSchema,
  { roots, entries: left }: Assignment,
): SchemaEntry[] {
  const found = [...tables.values()].flatMap((table) =>
    (roots.get(table.name) ?? []).map((root, i) => partOf({ ...table, root }, i)),
  );
  // They tell how many rows there were.
  const indexes = left.filter(
    ({ type, table, root }) =>
      type === 'index' && roots.has(table) && byRoot.get(root)?.kind === 'index',
  );
  const sqls = new Map(entries.map(({ name, sql }) => [name, sql]));
  return [
    ...found,
    ...indexes.flatMap((entry) => {
      const sql = sqls.get(entry.name);
      return sql === undefined ? [] : [{ ...entry, sql }];
    }),
  ];
}

/** Of a tree that fell into parts each is a table of its own. */
function partOf(entry: SchemaEntry, number: number): SchemaEntry {
  if (number === 0) return entry;
  const name = `${entry.name}${PART}${number}`;
  const sql = (entry.sql as string).replace(/^create table \S+/i, `create table "${name}"`);
  return { ...entry, name, table: name, sql };
}
