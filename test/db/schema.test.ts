import { readFileSync } from 'node:fs';
import Driver from 'libsql';
import { describe, expect, it } from 'vitest';
import { readMigrations } from '../../src/db/migrate.ts';
import { BODY_TABLES } from '../../src/db/bodies.ts';
import { TABLES } from '../../src/model/registers.ts';
import { tempStore } from '../support/temp-store.ts';

interface Named {
  name: string;
  sql: string;
}

async function openSchema() {
  const store = await tempStore();
  const driver = new Driver(store.path);
  const all = (type: string) =>
    driver
      .prepare(
        `select name, sql from sqlite_master where type = ? and sql is not null order by name`,
      )
      .all(type) as Named[];
  const columns = (table: string) =>
    (driver.prepare(`select name from pragma_table_info(?)`).all(table) as Named[]).map(
      (row) => row.name,
    );
  return { all, columns };
}

describe('the schema', () => {
  it('is the committed one, so that a change shows in a diff (vitest -u writes it)', async () => {
    const { all } = await openSchema();
    const dump = ['table', 'index', 'trigger']
      .flatMap((type) => all(type))
      .map((row) => `${row.sql};\n`)
      .join('\n');
    await expect(dump).toMatchFileSnapshot('schema.sql');
  });

  it('has a column and a version for everything that the registers declare, and no more', async () => {
    const { all, columns } = await openSchema();
    const triggers = new Set(all('trigger').map((row) => row.name));
    for (const table of TABLES) {
      if (table.kind !== 'mutable') continue;
      const names = new Set(columns(table.name));
      const expected = Object.keys(table.registers).map((register) => `${register}_version`);
      expect([...names].filter((name) => name.endsWith('_version')).sort()).toEqual(
        expected.sort(),
      );
      for (const [register, governed] of Object.entries(table.registers)) {
        for (const column of governed) expect(names, `${table.name}.${column}`).toContain(column);
        const trigger = `${table.name}_${register}_version`;
        expect(triggers).toContain(trigger);
        const sql = all('trigger').find((row) => row.name === trigger)?.sql ?? '';
        for (const column of governed) expect(sql).toContain(`new.${column} is not old.${column}`);
      }
      const governed = new Set(Object.values(table.registers).flat());
      const derived = ['id', 'device', 'updated_at', 'legacy_id', 'message_count'];
      const identity = [
        'thread_id',
        'checkpoint_id',
        'scope',
        'owner_id',
        'kind',
        'path',
        'position',
      ];
      for (const name of names) {
        if (name.endsWith('_version') || governed.has(name)) continue;
        expect([...derived, ...identity], `${table.name}.${name}`).toContain(name);
      }
    }
  });

  it('declares every table that the migrations make', async () => {
    const { all } = await openSchema();
    const made = all('table')
      .map((row) => row.name)
      .filter((name) => !/^(sqlite_|search_index|migrations$)/.test(name));
    expect(TABLES.map((table) => table.name).sort()).toEqual(made.sort());
  });

  it('knows every table with a body, so that no blob in use is swept', async () => {
    const { all, columns } = await openSchema();
    const withBody = all('table')
      .map((row) => row.name)
      .filter((name) => columns(name).includes('body_hash'));
    expect([...BODY_TABLES].sort()).toEqual(withBody.sort());
  });

  it('refuses a change of a register under its old version', async () => {
    const store = await tempStore();
    const { id } = await store.sessions.create({ title: 'a', workspace: '/w' });
    const driver = new Driver(store.path);
    expect(() => driver.prepare('update sessions set title = ? where id = ?').run('b', id)).toThrow(
      /VERSION: sessions.title/,
    );
  });

  it('refuses a change of an immutable row', async () => {
    const store = await tempStore();
    const { id } = await store.sessions.create({ title: 'a', workspace: '/w' });
    await store.sessions.appendMessages(id, [{ role: 'user', content: 'hi' }]);
    const driver = new Driver(store.path);
    expect(() => {
      driver.exec(`update session_messages set body = '"forged"'`);
    }).toThrow(/IMMUTABLE: session_messages/);
  });
});

describe('migrations', () => {
  it('have the same checksum whatever the line ends', () => {
    const [first] = readMigrations();
    const text = readFileSync('migrations/0001_create_store.sql', 'utf8');
    expect(first?.sql).toBe(text.replaceAll('\r\n', '\n'));
    expect(first?.checksum).toMatch(/^[0-9a-f]{64}$/);
  });
});
