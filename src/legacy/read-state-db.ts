import { lstatSync } from 'node:fs';
import { copySqlite, DamagedCopyError, type SqliteCopy } from '../db/sqlite-copy.ts';
import { stateTables, type StateTable } from './check/state-tables.ts';
import type { FileEntry, HomeEntry, RecordEntry, SourceFile } from './home-entry.ts';
import { unchangedFile, type HomeReader } from './home-reader.ts';
import { parseStateRow } from './parse-state-row.ts';
import { problem, rejection } from './problem.ts';

/**
 * Reads the rows of state.db from a private copy, table by table. Each table counts as a file of its
 * own, `state.db:TABLE`, with the hash of the whole database.
 */
export async function* readStateDb(reader: HomeReader, file: string): AsyncGenerator<HomeEntry> {
  const where = { kind: 'state.threads', path: reader.show(file) } as const;
  const stats = lstatSync(file, { throwIfNoEntry: false });
  if (stats === undefined) return;
  if (stats.isSymbolicLink()) {
    yield problem(where, 'reject', 'symlink');
    return;
  }
  const copy = await copySqlite(file, reader.hooks.store);
  if (typeof copy === 'string') {
    if (copy !== 'missing') yield problem(where, 'reject', copy);
    return;
  }
  try {
    yield* readTables(reader, where.path, copy);
  } finally {
    copy.close();
  }
}

function* readTables(reader: HomeReader, path: string, copy: SqliteCopy): Generator<HomeEntry> {
  const { size, sha256, mtimeMs } = copy;
  let healthy: boolean | undefined;
  for (const table of stateTables) {
    const { kind, name } = table;
    const source: SourceFile = { path: `${path}:${name}`, kind, size, sha256, mtimeMs };
    const mark = reader.hooks.mark(source);
    if (mark !== undefined && !(name === 'threads' && lacksTools(reader, source, path, copy))) {
      for (const id of mark.ids) reader.ids(kind).add(id);
      yield unchangedFile(source, mark);
      continue;
    }
    healthy ??= copy.damage() === undefined;
    if (!healthy) {
      yield problem({ kind: 'state.threads', path }, 'reject', 'damaged_db');
      return;
    }
    try {
      yield* readTable(reader, table, source, copy);
    } catch (error) {
      if (!(error instanceof DamagedCopyError)) throw error;
      yield problem({ kind, path: source.path }, 'reject', 'damaged_db');
    }
  }
  for (const name of laterTables(copy)) {
    yield problem({ kind: 'state.threads', path: `${path}:${name}` }, 'ignore', 'later_format');
  }
}

const KNOWN_TABLES = new Set(stateTables.map(({ name }) => name));

/** Tables that only a later version has. */
function laterTables(copy: SqliteCopy): string[] {
  const sql = `select name from sqlite_master where type = 'table' and name not glob 'sqlite_*' order by name`;
  return Array.from(copy.rows(sql), ([name]) => String(name)).filter(
    (name) => !KNOWN_TABLES.has(name),
  );
}

/** Tools that have not come in yet need the rows of their threads beside them. */
function lacksTools(
  reader: HomeReader,
  source: SourceFile,
  path: string,
  copy: SqliteCopy,
): boolean {
  const name = 'thread_dynamic_tools';
  const tools: SourceFile = { ...source, kind: `state.${name}`, path: `${path}:${name}` };
  return reader.hooks.mark(tools) === undefined && copy.columns(name).length > 0;
}

function* readTable(
  reader: HomeReader,
  table: StateTable,
  source: SourceFile,
  copy: SqliteCopy,
): Generator<HomeEntry> {
  const { kind } = table;
  const names = copy.columns(table.name);
  if (names.length === 0) return;
  const where = { kind, path: source.path };
  const ended: FileEntry = {
    type: 'file',
    file: source,
    outcome: 'read',
    records: 0,
    orphaned: 0,
    failed: 0,
    ignored: 0,
    ids: [],
  };
  const { sql, columns } = selectRows(table, names, copy);
  for (const [types, ...values] of copy.rows(sql)) {
    const row = parseStateRow(table, columns, (types as Buffer).toString(), values);
    if ('refusal' in row) {
      ended.failed++;
      yield rejection(where, row.refusal);
      continue;
    }
    const { id, raw, value, anomaly } = row;
    const orphan =
      table.orphan !== undefined && !reader.has('state.threads', value['thread_id'])
        ? table.orphan
        : undefined;
    const record: RecordEntry = {
      type: 'record',
      ...where,
      id,
      raw,
      value,
      ...(orphan === undefined ? {} : { orphan }),
      ...(anomaly === undefined ? {} : { anomaly }),
      mtimeMs: source.mtimeMs,
      home: reader.home.root,
    };
    if (kind === 'state.threads') {
      reader.ids(kind).add(id);
      ended.ids.push(id);
    }
    ended[orphan === undefined ? 'records' : 'orphaned']++;
    yield record;
    if (orphan !== undefined) yield problem(where, 'orphan', orphan);
  }
  yield ended;
}

/**
 * The query for all rows of a table: the types of the columns as one word, then the columns.
 *
 * Version 0 knew no message tree. Its upgrade made one chain of each thread, and so does this, but
 * not where a tree is there all the same (the header of a newer file was lost).
 */
function selectRows(
  table: StateTable,
  names: string[],
  copy: SqliteCopy,
): { sql: string; columns: string[] } {
  const columns = [...names];
  const expressions = names.map(quoted);
  let order = 'rowid';
  const added = ADDED[table.name];
  if (added !== undefined && !columns.includes(added.column)) {
    columns.push(added.column);
    expressions.push(added.sql);
  }
  if (copy.userVersion() === 0 && !hasTree(copy)) {
    const derived = DERIVED[table.name];
    if (derived !== undefined) {
      const at = columns.indexOf(derived.column);
      columns.splice(at < 0 ? columns.length : at, 1, derived.column);
      expressions.splice(at < 0 ? expressions.length : at, 1, derived.sql);
      order = derived.order;
    }
  }
  const types = expressions.map((one) => `substr(typeof(${one}), 1, 1)`).join(' || ');
  const values = expressions.map(
    (one) => `case typeof(${one}) when 'text' then cast(${one} as blob) else ${one} end`,
  );
  const sql = `select cast(${types} as blob), ${values.join(', ')} from ${quoted(table.name)} order by ${order}`;
  return { sql, columns };
}

/** What an upgrade adds to rows of versions that lack it: a copy of the home may be upgraded already. */
const ADDED: Partial<Record<string, { column: string; sql: string }>> = {
  thread_goals: { column: 'continuation_count', sql: '0' },
};

const DERIVED: Partial<Record<string, { column: string; sql: string; order: string }>> = {
  threads: {
    column: 'current_leaf_id',
    sql: '(select max(m.id) from messages as m where m.thread_id = threads.id)',
    order: 'rowid',
  },
  messages: {
    column: 'parent_entry_id',
    sql: '(lag(id) over (partition by thread_id order by created_at, id))',
    order: 'thread_id, created_at, id',
  },
};

function hasTree(copy: SqliteCopy): boolean {
  if (!copy.columns('messages').includes('parent_entry_id')) return false;
  const sql = 'select 1 from messages where parent_entry_id is not null limit 1';
  return Array.from(copy.rows(sql)).length > 0;
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
