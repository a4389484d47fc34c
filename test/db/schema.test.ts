import { readFileSync } from 'node:fs';
import Driver from 'libsql';
import { describe, expect, it } from 'vitest';
import { readMigrations } from '../../src/db/migrate.ts';
import { BODY_TABLES } from '../../src/db/blob-references.ts';
import { IMMUTABLE_TABLES, MUTABLE_TABLES, TABLES } from '../../src/model/registers.ts';
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

/** The columns whose change a trigger looks at, in order of the alphabet. */
function guardedBy(trigger: string): string[] {
  return [...trigger.matchAll(/new\.(\w+) is not old\.\1\b/g)]
    .map((match) => match[1] as string)
    .sort();
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
    for (const table of MUTABLE_TABLES) {
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
        expect(guardedBy(sql)).toEqual([...governed].sort());
        expect(sql).toContain(`new.${register}_version <= old.${register}_version`);
      }
      const governed = Object.values(table.registers).flat();
      expect(new Set(governed).size, `${table.name}: a column of one register`).toBe(
        governed.length,
      );
      const derived = ['updated_at', 'message_count'];
      for (const name of names) {
        if (name.endsWith('_version') || governed.includes(name)) continue;
        expect(['id', 'device', ...derived], `${table.name}.${name}`).toContain(name);
      }
    }
  });

  it('guards every column that an immutable table declares, and has no other that is sent', async () => {
    const { all, columns } = await openSchema();
    for (const table of IMMUTABLE_TABLES) {
      const local = ['number', 'pulled', ...(table.name === 'runtime_events' ? ['seq'] : [])];
      const sent = ['id', 'device', ...table.columns];
      expect(columns(table.name).sort(), table.name).toEqual([...sent, ...local].sort());
      const trigger = all('trigger').find((row) => row.name === `${table.name}_immutable`);
      expect(guardedBy(trigger?.sql ?? ''), table.name).toEqual(sent.sort());
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
    for (const forged of [`body = '"forged"'`, `body = 'null'`, `role = 'system'`]) {
      expect(() => {
        driver.exec(`update session_messages set ${forged}`);
      }).toThrow(/IMMUTABLE: session_messages/);
    }
    driver.exec('update session_messages set pulled = 7');
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
