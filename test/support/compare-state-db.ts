import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Driver from 'libsql';

type Row = Record<string, unknown>;

const KEYS: Record<string, readonly string[]> = {
  checkpoints: ['thread_id', 'checkpoint_id'],
  thread_dynamic_tools: ['thread_id', 'position'],
  thread_goals: ['thread_id'],
};

/** Rows per table of `b`; each must be in `a` with the same values and the same types. */
export function compareState(a: string, b: string, found: string[]): Map<string, number> {
  const counts = new Map<string, number>();
  if (!existsSync(join(b, 'state.db'))) return counts;
  const [old, now] = [readState(join(a, 'state.db')), readState(join(b, 'state.db'))];
  for (const [table, rows] of now) {
    counts.set(table, rows.length);
    const keys = KEYS[table] ?? ['id'];
    const keyOf = (row: Row) => keys.map((key) => String(row[key])).join('/');
    const originals = new Map(old.get(table)?.map((row) => [keyOf(row), row]));
    for (const row of rows) {
      const original = originals.get(keyOf(row));
      for (const [column, value] of Object.entries(row)) {
        // A column that an old version did not have is empty.
        const before = original && !(column in original) ? 'null:' : original?.[column];
        if (before !== value) {
          found.push(`state.${table} ${keyOf(row)} ${column}: ${String(before)} ${String(value)}`);
        }
      }
    }
  }
  return counts;
}

/** All rows of a copy; values with their types, texts whole. */
function readState(file: string): Map<string, Row[]> {
  return withCopy(file, (db) => {
    const tables = db
      .prepare(`select name from sqlite_master where type = 'table' and name not like 'sqlite_%'`)
      .all() as { name: string }[];
    return new Map(
      tables.map(({ name }) => {
        const columns = db.prepare(`pragma table_info(${name})`).all() as { name: string }[];
        const values = columns.map(
          (column) =>
            `typeof(${column.name}) || ':' || ifnull(hex(cast(${column.name} as blob)), '') as ${column.name}`,
        );
        const rows = db.prepare(`select ${values.join(', ')} from ${name}`).all() as Row[];
        return [name, rows.map(decodeRow)];
      }),
    );
  });
}

function decodeRow(row: Row): Row {
  return Object.fromEntries(
    Object.entries(row).map(([column, value]) => {
      const [type = '', hex = ''] = String(value).split(':');
      return [column, `${type}:${Buffer.from(hex, 'hex').toString('utf8')}`];
    }),
  );
}

/** Opens a copy of a database with its log, so that the file itself is never touched. */
export function withCopy<T>(file: string, job: (db: Driver.Database) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'cws-copy-'));
  try {
    const copy = join(folder, 'copy.db');
    for (const suffix of ['', '-wal']) {
      if (existsSync(file + suffix)) copyFileSync(file + suffix, copy + suffix);
    }
    const db = new Driver(copy);
    try {
      return job(db);
    } finally {
      db.close();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
