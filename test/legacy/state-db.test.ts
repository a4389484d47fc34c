import { readFileSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'libsql';
import { describe, expect, it } from 'vitest';
import { homeOf, readAll, reasons } from './legacy-home.ts';
import { tempFolder } from '../support/temp-store.ts';
import { legacyHome } from '../support/legacy-home.ts';

const SCHEMA = `
  create table threads (id text primary key, rollout_path text, preview text not null,
    ephemeral integer not null, model_provider text not null, created_at integer not null,
    updated_at integer not null, status text not null, path text, cwd text not null,
    cli_version text not null, source text not null, title text, archived integer not null default 0);
  create table messages (id integer primary key autoincrement, thread_id text not null,
    role text not null, content text not null, item_json text, created_at integer not null);
  create table notes (id integer primary key);
  insert into threads values ('t1', null, 'p', 0, 'd', 1, 2, 'idle', null, '/', '1', 'api', null, 0),
    ('t2', null, 'p', 0, 'd', 1, 2, 'idle', null, '/', '1', 'api', null, 0);`;

/** What is said of the table that no version of the old program has. */
const NOTES = 'state.threads ignore later_format';

function stateHome(sql: string): string {
  const dir = tempFolder();
  const database = new Database(join(dir, 'state.db'));
  database.exec(SCHEMA + sql);
  database.close();
  return dir;
}

describe('state.db', () => {
  it('is left alone: same bytes, no side files, no copy that stays', async () => {
    const { home: dir } = legacyHome('--seed', '21', '--faults');
    const names = () => readdirSync(dir).sort();
    const before = names();
    const [bytes, wal] = [readFileSync(join(dir, 'state.db')), statSync(join(dir, 'state.db-wal'))];
    const folder = tempFolder();
    const { records } = await readAll(dir, { store: join(folder, 'store.db') });
    expect(records.some((record) => record.id === 'thread-only-in-wal')).toBe(true);
    expect(names()).toEqual(before);
    expect(readFileSync(join(dir, 'state.db')).equals(bytes)).toBe(true);
    expect(statSync(join(dir, 'state.db-wal')).mtimeMs).toBe(wal.mtimeMs);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('makes one chain of each thread of version 0', async () => {
    const row = (id: number, thread: string, at: number) =>
      `insert into messages values (${id}, '${thread}', 'user', 'x', null, ${at});`;
    const dir = stateHome(row(1, 't1', 50) + row(2, 't2', 1) + row(3, 't1', 10) + row(4, 't1', 50));
    const reading = await readAll(dir);
    const { records } = reading;
    expect(reasons(reading)).toEqual([NOTES]);
    const parents = records
      .filter((record) => record.kind === 'state.messages')
      .map(({ id, value }) => [id, (value as { parent_entry_id: number | null }).parent_entry_id]);
    expect(parents).toEqual([
      ['3', null],
      ['1', 3],
      ['4', 1],
      ['2', null],
    ]);
    expect(
      records.filter((record) => record.kind === 'state.threads').map((r) => r.value),
    ).toMatchObject([
      { id: 't1', current_leaf_id: 4 },
      { id: 't2', current_leaf_id: 2 },
    ]);
  });

  it('keeps a tree whose header says version 0', async () => {
    const dir = stateHome(`
      alter table threads add column current_leaf_id integer;
      alter table messages add column parent_entry_id integer;
      insert into messages values (1, 't1', 'user', 'x', null, 1, null), (2, 't1', 'user', 'x', null, 1, 1),
        (3, 't1', 'user', 'x', null, 1, 1);
      update threads set current_leaf_id = 2 where id = 't1';`);
    const { records } = await readAll(dir);
    const messages = records.filter((record) => record.kind === 'state.messages');
    expect(messages.map((m) => (m.value as { parent_entry_id: unknown }).parent_entry_id)).toEqual([
      null,
      1,
      1,
    ]);
    expect(records[0]?.value).toMatchObject({ id: 't1', current_leaf_id: 2 });
  });

  it('keeps texts with NUL and integers of 64 bits, and refuses what is no text', async () => {
    const dir = stateHome(`
      alter table messages add column parent_entry_id integer;
      insert into messages values
        (1, 't1', 'user', 'a' || char(0) || 'b', '{"a":1,"a":2}', 1, 9223372036854775807),
        (2, 't1', 'user', cast(x'ff' as text), null, 1, null),
        (3, 't1', 'user', x'00', null, 1, null),
        (4, 't1', 'user', 'x', '{"a":', 1, null),
        (5, 't1', 'user', 'x', null, 'soon', null),
        (6, 'gone', 'user', 'x', null, 1, null);`);
    const reading = await readAll(dir);
    const messages = reading.records.filter((record) => record.kind === 'state.messages');
    expect(messages.map((m) => m.id).sort()).toEqual(['1', '6']);
    const first = messages.find((m) => m.id === '1');
    expect(first?.value).toMatchObject({ content: 'a\0b', item_json: '{"a":1,"a":2}' });
    expect(first?.raw).toContain('"parent_entry_id":9223372036854775807');
    expect(reasons(reading)).toEqual([
      'state.messages orphan message_without_thread',
      'state.messages reject invalid_item_json',
      'state.messages reject invalid_utf8',
      'state.messages reject wrong_shape',
      'state.messages reject wrong_shape',
      NOTES,
    ]);
  });

  it('refuses a row with a time that is none of the years 0 to 9999, or an unsafe id', async () => {
    const like = (id: string, created: string, updated: string) =>
      `insert into threads values (${id}, null, 'p', 0, 'd', ${created}, ${updated}, 'idle', null, '/', '1', 'api', null, 0);`;
    const dir = stateHome(
      [
        like("'first'", '-62167219200', '253402300799'),
        like("'late'", '253402300800', '1'),
        like("'early'", '1', '-62167219201'),
        like("'milliseconds'", '1782643272000', '1'),
        like("'largest'", '9223372036854775807', '1'),
        like("'smallest'", '1', '-9223372036854775808'),
        like("'a' || char(0)", '1', '1'),
        like("printf('%.255c', 'x')", '1', '1'),
        like("printf('%.256c', 'x')", '1', '1'),
      ].join(''),
    );
    const reading = await readAll(dir);
    expect(reading.records.map(({ id }) => id?.slice(0, 9))).toEqual([
      ...['t1', 't2', 'first', 'xxxxxxxxx'],
    ]);
    expect(reasons(reading).filter((reason) => reason !== NOTES)).toEqual([
      ...Array<string>(5).fill('state.threads reject invalid_value'),
      ...Array<string>(2).fill('state.threads reject unsafe_id'),
    ]);
  });

  it('is one problem when it is damaged, a link, or no database', async () => {
    const { home: dir } = legacyHome('--seed', '22', '--sessions', '0', '--threads', '0');
    const file = join(dir, 'state.db');
    const bytes = readFileSync(file);
    const damaged = async (change: (bytes: Buffer) => Buffer) => {
      writeFileSync(file, change(Buffer.from(bytes)));
      const reading = await readAll(dir);
      return reasons(reading).filter((reason) => reason.startsWith('state.'));
    };
    expect(await damaged((b) => b.fill(0xaa, 4096))).toEqual(['state.threads reject damaged_db']);
    expect(
      await damaged(() =>
        Buffer.from('not a database, but long enough to be read as one'.repeat(99)),
      ),
    ).toEqual(['state.threads reject damaged_db']);
    expect(await damaged((b) => b.subarray(0, 5000))).toEqual(['state.threads reject damaged_db']);
    const link = homeOf({ 'sessions/notes.txt': '' });
    symlinkSync(file, join(link, 'state.db'));
    expect(reasons(await readAll(link))).toContain('state.threads reject symlink');
  });
});
