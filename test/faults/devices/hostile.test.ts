import { describe, expect, it } from 'vitest';
import { HttpHub } from '../../../src/sync/hub/http-hub.ts';
import type { HubValue } from '../../../src/sync/hub/hub.ts';
import { startSqld, type Sqld } from '../../support/sqld.ts';
import { agree, device, enable, type Device } from './group.ts';

// Row 31 of the fault matrix: a device, or the owner of the hub, that writes what it likes.
async function attacked(): Promise<{
  sqld: Sqld;
  sql: (text: string, ...params: HubValue[]) => Promise<readonly (readonly HubValue[])[]>;
  a: Device;
  b: Device;
  id: string;
}> {
  const sqld = await startSqld();
  const a = await device('a');
  const b = await device('b');
  await enable(sqld.url, [a, b]);
  const { id } = await a.store.sessions.create({ title: 'mine', workspace: '/w' });
  await a.store.sessions.appendMessages(id, [{ role: 'user', content: 'hello' }]);
  await agree([a, b]);
  const hub = new HttpHub({ url: sqld.url, token: () => undefined });
  const sql = async (text: string, ...params: HubValue[]) =>
    (await hub.run([{ sql: text, params }], 'write'))[0] ?? [];
  return { sqld, sql, a, b, id };
}

const LAST = 'max(head, (select coalesce(max(seq), 0) from hub_entries))';
const HEAD = `(select ${LAST} + 1 from hub_meta)`;
const RAISE = `update hub_meta set head = ${LAST}`;

async function parkedReasons({ store }: Device): Promise<string[]> {
  return (await store.sync.parked()).map(({ reason }) => reason).sort();
}

describe('hostile rows on the hub', () => {
  it('that are unsealed, of wrong tables, broken, or replayed elsewhere are set aside', async () => {
    const { sql, a, b, id } = await attacked();
    const forge = `insert into hub_entries (seq, table_name, id, register, version, key_number, schema, payload)`;
    const version = 'ffff00000000ffff-01AAAAAAAAAAAAAAAAAAAAAAAA-000000000000';
    await sql(
      `${forge} values (${HEAD}, 'sessions', 'clear', 'title', ?, 0, 1, ?)`,
      version,
      Buffer.from('\0{"i":"clear","c":{"title":"forged"}}'),
    );
    await sql(`${forge} values (${HEAD}, 'sessions', 'x', 'title', '', 1, 1, x'')`);
    await sql(`${forge} values (${HEAD}, 'no_such_table', 'x', 'y', '', 1, 1, x'00')`);
    await sql(`${forge} values (${HEAD}, 'device', 'x', 'id', '', 1, 1, x'00')`);
    await sql(`${forge} values (${HEAD}, 'sessions', 'later', 'title', 'x', 1, 99, x'00')`);
    await sql(`${forge} values (${HEAD}, 'sessions', 'key', 'title', 'x', 77, 1, x'0011')`);
    await sql(
      `${forge} values (${HEAD}, 'sessions', cast(x'ff41' as text), 'title', 'x', 1, 1, x'00')`,
    );
    // A sealed payload under another id and a higher version.
    await sql(
      `${forge} select ${HEAD}, table_name, 'replayed', register, ?, key_number, schema, payload
       from hub_entries where table_name = 'sessions' and register = 'title' limit 1`,
      version,
    );
    await sql(RAISE);
    await b.store.tasks.create({ prompt: 'work goes on' });
    await b.sync();
    // None of them opens under a key of the group, whatever they say of themselves.
    // The one whose id is no text can be named by nobody, and is the id of nothing.
    expect(await parkedReasons(b)).toEqual(['damaged', ...Array<string>(7).fill('removed')]);
    await a.sync();
    expect(await parkedReasons(a)).toHaveLength(1);
    expect((await a.store.tasks.list()).items).toHaveLength(1);
    expect((await a.store.sessions.list()).items.map((one) => one.id)).toEqual([id]);
    expect((await a.store.sessions.get(id)).title).toBe('mine');
    expect((await a.store.sync.verify()).digest).toBe((await b.store.sync.verify()).digest);
  });

  it('that put an old payload under a new version change nothing', async () => {
    const { sql, a, b, id } = await attacked();
    await a.store.sessions.rename(id, 'newer');
    await agree([a, b]);
    await sql(
      `update hub_entries set seq = ${HEAD}, version = 'ffff' || substr(version, 5)
       where table_name = 'sessions' and register = 'title'`,
    );
    await sql(RAISE);
    for (const one of [a, b]) await one.sync();
    for (const { store } of [a, b]) expect((await store.sessions.get(id)).title).toBe('newer');
    // The version is part of what is sealed: it was taken off, and the good one sent again.
    expect(await parkedReasons(a)).toEqual([]);
    await agree([a, b]);
  });

  it('with values that the schema refuses are set aside, by whoever has the key', async () => {
    const sqld = await startSqld();
    const a = await device('a');
    await a.store.sync.enable(sqld.url, { name: 'a', encryption: false, pull: 'http' });
    const goal = {
      id: 'thread/t',
      version: '00000000000000ff-01AAAAAAAAAAAAAAAAAAAAAAAA-000000000000',
    };
    const payload = {
      i: goal.id,
      c: { scope: 'nonsense' },
      d: '01AAAAAAAAAAAAAAAAAAAAAAAA',
      t: '{}',
    };
    const hub = new HttpHub({ url: sqld.url, token: () => undefined });
    const insert = `insert into hub_entries values (1, 'goals', ?, 'state', ?, 0, 1, ?)`;
    const bytes = Buffer.concat([Buffer.of(0), Buffer.from(JSON.stringify(payload))]);
    await hub.run(
      [
        { sql: insert, params: [goal.id, goal.version, bytes] },
        { sql: 'update hub_meta set head = 1', params: [] },
      ],
      'write',
    );
    await a.sync();
    expect(await parkedReasons(a)).toEqual(['invalid']);
  });

  it('that are gone take nothing from a device', async () => {
    const { sql, a, b, id } = await attacked();
    const offline = await b.store.sessions.create({ title: 'not sent yet', workspace: '/w' });
    await sql('delete from hub_entries');
    for (const one of [b, a]) await one.sync();
    expect((await a.store.sessions.get(id)).title).toBe('mine');
    expect((await b.store.sessions.get(id)).title).toBe('mine');
    expect((await a.store.sessions.get(offline.id)).title).toBe('not sent yet');
  });

  it('with forged numbers do not make a device pass over what comes later', async () => {
    const { sql, a, b } = await attacked();
    await sql('update hub_meta set head = 9007199254740990');
    await sql(`insert into hub_commits (head, token) values (9007199254740990, 'forged')`);
    for (const one of [a, b]) await one.sync();
    await a.store.tasks.create({ prompt: 'still here' });
    await agree([a, b]);
    expect((await b.store.tasks.list()).items).toHaveLength(1);
  });

  it('of the other device are not readable without the key, and hold no word of content', async () => {
    const { sql, a } = await attacked();
    const canary = 'canary-8d1f';
    const { id } = await a.store.sessions.create({ title: canary, workspace: `/home/${canary}` });
    await a.store.sessions.appendMessages(id, [
      { role: 'user', content: `${canary} x`.repeat(500) },
    ]);
    await a.store.tasks.create({ prompt: canary });
    await a.sync();
    const tables = ['hub_entries', 'hub_devices', 'hub_meta', 'hub_commits'];
    for (const table of tables) {
      const rows = await sql(`select * from ${table}`);
      expect(rows.length, table).toBeGreaterThan(0);
      const bytes = rows.flat().map((value) => {
        if (value instanceof Uint8Array) return Buffer.from(value).toString('latin1');
        return String(value);
      });
      expect(bytes.join('\n')).not.toContain(canary);
      expect(bytes.join('\n')).not.toContain(id);
    }
  });
});
