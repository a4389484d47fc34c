import { existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import Driver from 'libsql';
import { describe, expect, it } from 'vitest';
import { readMigrations } from '../../src/db/migrate.ts';
import { MUTABLE_TABLES } from '../../src/model/registers.ts';
import { clockOf, deviceOf } from '../../src/model/version.ts';
import { openStore, restoreStore } from '../../src/index.ts';
import { setupCli, type Cli } from '../cli/run-cli.ts';
import { tempFolder } from '../support/temp-store.ts';

/**
 * A store as version 0.1.0 left it, with rows in every table: a small imported home with two
 * artifacts, a record of every kind made through the API, one of them large, and a session, two
 * threads and a task that were purged.
 */
const GOLDEN = new URL('store-v1.db.gz', import.meta.url);

function goldenStore(path = join(tempFolder(), 'store.db')): string {
  writeFileSync(path, gunzipSync(readFileSync(GOLDEN)), { mode: 0o600 });
  return path;
}

type Rows = Record<string, unknown>[];

/** Columns of every table, as they are in the first version. */
function columnsOf(path: string): Map<string, string[]> {
  const driver = new Driver(path);
  const tables = driver
    .prepare(
      `select name from sqlite_master where type = 'table' and name not like 'sqlite_%'
       and name not like 'search_index%' and name <> 'migrations' order by name`,
    )
    .all() as { name: string }[];
  const columns = new Map(
    tables.map(({ name }) => {
      const found = driver.prepare('select name from pragma_table_info(?)').all(name);
      return [name, (found as { name: string }[]).map((column) => column.name)];
    }),
  );
  driver.close();
  return columns;
}

/**
 * All rows, as JSON text because the driver cuts texts at a NUL; without the counter of the clock, which
 * the commit at the end of an upgrade moves.
 */
function rowsOf(path: string, columns: ReadonlyMap<string, readonly string[]>): Map<string, Rows> {
  const driver = new Driver(path);
  const rows = new Map(
    [...columns].map(([table, names]) => {
      const kept = names.filter((name) => name !== 'clock_counter');
      const members = kept.map((name) =>
        name === 'data' ? `'data', hex(data)` : `'${name}', ${name}`,
      );
      const found = driver
        .prepare(
          `select json_object(${members.join(', ')}) as row from ${table} order by ${names[0]}, 1`,
        )
        .all() as { row: string }[];
      return [table, found.map(({ row }) => JSON.parse(row) as Record<string, unknown>)];
    }),
  );
  driver.close();
  return rows;
}

const PURGED = { sessions: 's2', threads: 't2', runtime_threads: 'rt2' };
/** Blank rows of what was purged, which the first version kept. */
const GONE: Readonly<Record<string, readonly [string, string]>> = {
  session_messages: ['session_id', PURGED.sessions],
  session_leaves: ['session_id', PURGED.sessions],
  thread_messages: ['thread_id', PURGED.threads],
  thread_leaves: ['thread_id', PURGED.threads],
  runtime_events: ['thread_id', PURGED.runtime_threads],
};

/** What the upgrade has to leave of the first version. */
function withoutBlanks(before: ReadonlyMap<string, Rows>): Map<string, Rows> {
  return new Map(
    [...before].map(([table, rows]) => {
      const [column, id] = GONE[table] ?? [];
      return [table, rows.filter((row) => column === undefined || row[column] !== id)];
    }),
  );
}

/** Two processes that open the store at once. */
async function openTwice(program: Cli, path: string): Promise<void> {
  const ends = await Promise.all([
    program.run('--db', path, 'session', 'list', '--json'),
    program.run('--db', path, 'session', 'list', '--json'),
  ]);
  for (const { code, stderr, stdout } of ends) {
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect((JSON.parse(stdout) as { items: unknown[] }).items).toHaveLength(2);
  }
}

describe('a store of version 1', () => {
  it('has rows in every table, purged ones included', () => {
    const rows = rowsOf(goldenStore(), columnsOf(goldenStore()));
    for (const [table, list] of rows) expect(list.length, table).toBeGreaterThan(0);
    for (const [table, [column, id]] of Object.entries(GONE)) {
      expect(
        rows.get(table)?.some((row) => row[column] === id),
        table,
      ).toBe(true);
    }
  });

  it('keeps every row but the blank ones of what was purged, and a copy of what it was', async () => {
    const path = goldenStore();
    const columns = columnsOf(path);
    const before = rowsOf(path, columns);
    const store = await openStore({ path });
    await store.close();
    expect(rowsOf(path, columns)).toEqual(withoutBlanks(before));
    expect(rowsOf(`${path}.before-v4`, columns)).toEqual(before);
    expect([...columnsOf(`${path}.before-v4`)]).toEqual([...columns]);
  });

  it('is migrated once by two processes that open it at once, and not again', async () => {
    const program = await setupCli();
    const path = goldenStore(join(program.folder, 'old.db'));
    const columns = columnsOf(path);
    const before = rowsOf(path, columns);
    await openTwice(program, path);
    const driver = new Driver(path);
    const applied = driver.prepare('select number, applied_at from migrations order by number');
    const first = applied.all();
    expect(first).toHaveLength(readMigrations().length);
    expect(rowsOf(path, columns)).toEqual(withoutBlanks(before));
    await openTwice(program, path);
    expect(applied.all()).toEqual(first);
    driver.close();
    expect(rowsOf(path, columns)).toEqual(withoutBlanks(before));
    expect(rowsOf(`${path}.before-v4`, columns)).toEqual(before);
  });

  it('leaves no copy of its own when it is restored from a backup', async () => {
    const folder = tempFolder();
    await restoreStore(goldenStore(), join(folder, 'store.db'));
    expect(readdirSync(folder)).toEqual(['store.db']);
  });

  it('is copied before its upgrade, but not before one that only adds', async () => {
    const path = goldenStore();
    await (await openStore({ path })).close();
    rmSync(`${path}.before-v4`);
    const driver = new Driver(path);
    driver.exec(`drop table imported_bodies; drop table ancestors;
      alter table device drop column former_ids;
      delete from migrations where number > 2; pragma user_version = 2`);
    driver.close();
    await (await openStore({ path })).close();
    expect(existsSync(`${path}.before-v4`)).toBe(false);
    expect([...columnsOf(path).keys()]).toEqual(
      expect.arrayContaining(['ancestors', 'imported_bodies']),
    );
  });

  it('is refused read-only, where it cannot be migrated, and left as it is', async () => {
    const path = goldenStore();
    const before = readFileSync(path);
    await expect(openStore({ path, readOnly: true })).rejects.toMatchObject({
      code: 'OLDER_SCHEMA',
      storeVersion: 1,
      supportedVersion: readMigrations().length,
    });
    expect(readFileSync(path).equals(before)).toBe(true);
  });

  it('can be restored from a backup', async () => {
    const path = join(tempFolder(), 'store.db');
    await restoreStore(goldenStore(), path);
    const store = await openStore({ path });
    expect((await store.sessions.list()).items).toHaveLength(2);
    await store.close();
  });

  it('has a version on every register, so that everything can be sent', async () => {
    const path = goldenStore();
    const store = await openStore({ path });
    await store.close();
    const driver = new Driver(path);
    for (const table of MUTABLE_TABLES) {
      for (const register of Object.keys(table.registers)) {
        const blank = driver
          .prepare(`select count(*) as count from ${table.name} where ${register}_version = ''`)
          .get() as { count: number };
        expect(blank.count, `${table.name}.${register}`).toBe(0);
      }
    }
    const files = driver.prepare('select modified_at, content_version from artifacts').all() as {
      modified_at: number;
      content_version: string;
    }[];
    expect(files).toHaveLength(2);
    for (const { modified_at: ms, content_version: version } of files) {
      expect(version).toMatch(/^[0-9a-f]{16}-import-[0-9a-f]{12}$/);
      expect(clockOf(version)).toEqual({ ms, counter: 0 });
      expect(deviceOf(version)).toBe('import');
    }
    driver.close();
  });

  it('is sound, can be read and searched, and keeps what was purged empty', async () => {
    const store = await openStore({ path: goldenStore() });
    const checks = (await store.check()).checks;
    const wrong = checks.filter(({ ok, name }) => !ok && name !== 'leases');
    expect(wrong).toEqual([]);
    const messages = (await store.sessions.messages('s1')).items;
    expect(messages.map((message) => message.role)).toEqual(['user', 'assistant']);
    expect((await store.search('walrus')).items).toHaveLength(1);
    expect((await store.search('secret')).items).toEqual([]);
    await expect(store.sessions.restore(PURGED.sessions)).rejects.toMatchObject({
      code: 'CONFLICT',
    });
    await store.close();
  });
});
