import Driver from 'libsql';
import { describe, expect, it } from 'vitest';
import { HttpHub } from '../../../src/sync/hub/http-hub.ts';
import type { HubValue } from '../../../src/sync/hub/hub.ts';
import { hubId } from '../../../src/sync/keys/hash-ids.ts';
import { parseKeyRing } from '../../../src/sync/keys/key-ring.ts';
import { sealPayload } from '../../../src/sync/seal.ts';
import { startSqld, type Sqld } from '../../support/sqld.ts';
import { agree, asMachine, device, enable, type Device } from './group.ts';

const YEAR = 365 * 24 * 60 * 60_000;
const SOMEBODY = '01AAAAAAAAAAAAAAAAAAAAAAAA-000000000000';

type Sql = (text: string, ...params: HubValue[]) => Promise<readonly (readonly HubValue[])[]>;

function sqlOf({ url }: Sqld): Sql {
  const hub = new HttpHub({ url, token: () => undefined });
  return async (text, ...params) => (await hub.run([{ sql: text, params }], 'write'))[0] ?? [];
}

/** A group, and a way to write to its hub: with the key of the group, where it has one. */
async function attacked({ clock = Date.now, encryption = true } = {}) {
  const sqld = await startSqld();
  const sql = sqlOf(sqld);
  const a = await device('a', { clock });
  const b = await device('b');
  if (encryption) await enable(sqld.url, [a, b]);
  else {
    const open = { encryption: false, pull: 'http' } as const;
    for (const one of [a, b]) {
      await asMachine(one.name, () => one.store.sync.enable(sqld.url, { ...open, name: one.name }));
    }
  }
  return { sqld, sql, a, b };
}

/** Writes an entry as a device does that has the key and plays by no rule. */
async function forge(
  sql: Sql,
  from: Device,
  place: { table: string; id: string; register: string },
  version: string,
  columns: object,
  more: object = {},
): Promise<void> {
  const driver = new Driver(from.path);
  const row = driver.prepare('select key_ring as ring from sync_state').get();
  driver.close();
  const { ring: json } = row as { ring: string | null };
  const ring = json === null ? null : parseKeyRing(json);
  const key = { ...place, id: hubId(ring, place.table, place.id), version };
  const { keyNumber, bytes } = sealPayload(
    ring,
    key,
    JSON.stringify({ i: place.id, c: columns, ...more }),
  );
  await sql(
    `insert into hub_entries (seq, table_name, id, register, version, key_number, schema, payload)
     select head + 1, ?, ?, ?, ?, ?, 1, ? from hub_meta where true
     on conflict (table_name, id, register) do update set seq = excluded.seq,
       version = excluded.version, key_number = excluded.key_number, payload = excluded.payload`,
    key.table,
    key.id,
    key.register,
    version,
    keyNumber,
    bytes,
  );
  await sql('update hub_meta set head = head + 1');
  await sql(`insert into hub_commits (head, token) select head, hex(randomblob(16)) from hub_meta`);
}

const at = (ms: number) => `${ms.toString(16).padStart(12, '0')}0000-${SOMEBODY}`;
const reasonsOf = async ({ store }: Device) =>
  (await store.sync.parked()).map(({ reason }) => reason);
const clockIn = ({ path }: Device): number => {
  const driver = new Driver(path);
  const row = driver.prepare('select clock_ms as ms from device').get();
  driver.close();
  return (row as { ms: number }).ms;
};

// Row 31 of the fault matrix: versions that somebody with the key, or with a token, made up.
describe('a version of years ahead', () => {
  it('that somebody with the key wrote wins nothing: an edit goes over it, on every device', async () => {
    const { sql, a, b } = await attacked();
    const { id } = await a.store.sessions.create({ title: 'mine', workspace: '/w' });
    await agree([a, b]);
    const place = { table: 'sessions', id, register: 'title' };
    await forge(sql, a, place, at(Date.now() + 70 * YEAR), { title: 'hostile' });
    for (const one of [b, a]) await one.sync();
    expect(clockIn(b)).toBeLessThan(Date.now() + YEAR);
    await a.store.sessions.rename(id, 'an honest edit');
    await agree([a, b]);
    for (const { store } of [a, b]) {
      expect((await store.sessions.get(id)).title).toBe('an honest edit');
      expect(await store.sync.status()).toMatchObject({ parked: 0, pendingRows: 0 });
    }
  });

  it('is shown while nothing stands in its place, and goes to no new hub', async () => {
    const { sql, a, b } = await attacked();
    await agree([a, b]);
    const place = { table: 'sessions', id: 'nobody', register: 'title' };
    await forge(sql, a, place, at(Date.now() + 70 * YEAR), { title: 'hostile' });
    for (const one of [a, b]) await one.sync();
    expect(await reasonsOf(a)).toEqual(['removed']);
    for (const table of ['hub_meta', 'hub_entries', 'hub_commits', 'hub_devices']) {
      await sql(`drop table ${table}`);
    }
    await agree([a, b]);
    expect(await sql(`select id from hub_entries where register = 'title'`)).toEqual([]);
  });

  it.each([
    ['of seventy years', 70 * YEAR],
    ['beyond all that a version can say', 2 ** 53],
    ['beyond all that is counted', '9223372036854775807'],
  ])('does not come to count by a forged floor %s, in no group', async (_, floor) => {
    let skew = 0;
    const { sql, a, b } = await attacked({ clock: () => Date.now() + skew });
    const { id } = await b.store.sessions.create({ title: 't', workspace: '/w' });
    await agree([a, b]);
    const value = typeof floor === 'string' ? floor : String(Date.now() + floor);
    await sql(`update hub_meta set floor_ms = ${value}`);
    skew = 10 * YEAR;
    await a.store.sessions.rename(id, 'from the future');
    await agree([a, b]);
    // Its edit comes through, in the present.
    expect((await b.store.sessions.get(id)).title).toBe('from the future');
    skew = 0;
    await b.store.sessions.rename(id, 'from today');
    await agree([a, b]);
    expect((await a.store.sessions.get(id)).title).toBe('from today');
    for (const one of [a, b]) expect(clockIn(one)).toBeLessThan(Date.now() + YEAR);
    expect(await sql('select floor_ms < (unixepoch() + 604800) * 1000 from hub_meta')).toEqual([
      [1],
    ]);
  });

  it('does not come to count because a device says that it was accepted', async () => {
    const { sql, a, b } = await attacked();
    const { id } = await b.store.sessions.create({ title: 't', workspace: '/w' });
    await agree([a, b]);
    const far = Date.now() + 70 * YEAR;
    const driver = new Driver(a.path);
    driver.exec(`update sync_state set floor_ms = ${far}; update device set clock_ms = ${far}`);
    driver.close();
    await a.store.sessions.rename(id, 'from 70 years on');
    await agree([a, b]);
    expect((await b.store.sessions.get(id)).title).toBe('from 70 years on');
    for (const one of [a, b]) expect(clockIn(one)).toBeLessThan(Date.now() + YEAR);
    const [row] = await sql(`select version from hub_entries where register = 'title'`);
    expect(Number.parseInt(String(row?.[0]).slice(0, 12), 16)).toBeLessThan(Date.now() + YEAR);
  });

  it('and the last that can be written stops no edit, in a group without a key', async () => {
    const { sql, a, b } = await attacked({ encryption: false });
    const { id } = await a.store.sessions.create({ title: 'mine', workspace: '/w' });
    await agree([a, b]);
    await sql('update hub_meta set floor_ms = 281474976710655, head = head + 1');
    await sql(
      `update hub_entries set version = 'ffffffffffffffff-${SOMEBODY}',
         seq = (select head from hub_meta) where table_name = 'sessions' and register = 'title'`,
    );
    for (const one of [a, b]) await one.sync();
    expect((await a.store.sessions.rename(id, 'new title')).title).toBe('new title');
    await a.store.tasks.create({ prompt: 'later', workspace: '/w' });
    await agree([a, b]);
    expect((await b.store.sessions.get(id)).title).toBe('new title');
    expect((await b.store.tasks.list()).items).toHaveLength(1);
    expect(await reasonsOf(b)).toEqual([]);
  });
});

describe('a version that is further on than its columns', () => {
  it.each([
    ['with the key', true],
    ['in a group without a key', false],
  ])('has no task claimed twice, %s', async (_, encryption) => {
    const { sql, a, b } = await attacked({ encryption });
    const { id } = await a.store.tasks.create({ prompt: 'p', workspace: '/w' });
    await agree([a, b]);
    const { deviceId } = await a.store.sync.status();
    const now = Date.now();
    const columns = { status: 'queued', attempt: 1, owner: deviceId, queued_at: now };
    const place = { table: 'tasks', id, register: 'lifecycle' };
    await forge(sql, a, place, `ffffff0-${at(now)}`, columns);
    for (const one of [a, b]) await one.sync();
    const claim = () => a.store.tasks.claim({ owner: 'w', leaseMs: 60_000 });
    expect(await claim()).toMatchObject({ id, status: 'running' });
    expect(await claim()).toBeNull();
    await a.store.tasks.finish(id, { owner: 'w', status: 'completed' });
    await agree([a, b]);
    for (const { store } of [a, b]) {
      expect(await store.tasks.get(id)).toMatchObject({ status: 'completed' });
      expect(await store.sync.status()).toMatchObject({ parked: 0, pendingRows: 0 });
    }
  });

  it('is shown with its reason while nothing stands in its place', async () => {
    const { sql, a, b } = await attacked();
    await agree([a, b]);
    const place = { table: 'tasks', id: 'nobody', register: 'lifecycle' };
    const columns = { status: 'completed', attempt: 2 ** 52 };
    await forge(sql, a, place, `0000011-${at(Date.now())}`, columns);
    await b.sync();
    expect(await reasonsOf(b)).toEqual(['removed']);
  });
});

describe('a forged epoch', () => {
  it.each([['9007199254740991'], ['9223372036854775807'], ['-5']])(
    'of %s holds nobody up: not there, not on an empty hub, not with --join',
    async (epoch) => {
      const { sqld, sql, a, b } = await attacked();
      await a.store.tasks.create({ prompt: 'first' });
      await agree([a, b]);
      await sql(`update hub_meta set epoch = ${epoch}, epoch_token = 'forged'`);
      await b.store.tasks.create({ prompt: 'second' });
      await agree([a, b]);
      expect((await a.store.tasks.list()).items).toHaveLength(2);
      expect(await sql('select epoch between 1 and 100 from hub_meta')).toEqual([[1]]);
      for (const table of ['hub_meta', 'hub_entries', 'hub_commits', 'hub_devices']) {
        await sql(`drop table ${table}`);
      }
      await agree([a, b]);
      const other = await startSqld();
      for (const join of [false, true]) {
        const url = join ? other.url : sqld.url;
        await asMachine('a', () => a.store.sync.enable(url, { name: 'a', pull: 'http', join }));
        await a.sync();
      }
      expect((await a.store.sync.status()).lastError).toBeNull();
    },
  );

  it('that a device took over once is forgotten', async () => {
    const { sql, a, b } = await attacked();
    await a.store.tasks.create({ prompt: 'first' });
    await agree([a, b]);
    const driver = new Driver(a.path);
    driver.exec(`update sync_state set epoch = 9007199254740991, epoch_token = 'forged'`);
    driver.close();
    await sql(`update hub_meta set epoch = 9007199254740991, epoch_token = 'forged'`);
    await b.store.tasks.create({ prompt: 'second' });
    await agree([a, b]);
    expect((await a.store.tasks.list()).items).toHaveLength(2);
    const joined = await startSqld();
    const options = { name: 'a', pull: 'http', join: true } as const;
    await asMachine('a', () => a.store.sync.enable(joined.url, options));
    await a.sync();
    expect(await sqlOf(joined)('select epoch from hub_meta')).toEqual([[1]]);
  });
});

describe('a body that is JSON, and no object', () => {
  it('keeps its record from being edited, with an error of our own, and from nothing else', async () => {
    const { sql, a, b } = await attacked();
    const { id } = await a.store.sessions.create({ title: 'mine', workspace: '/w' });
    await agree([a, b]);
    const place = { table: 'sessions', id, register: 'details' };
    const columns = { workspace: '/w', model: 'm', created_at: Date.now(), parent_id: null };
    await forge(sql, a, place, at(Date.now()), columns, { t: '[]', d: 'x' });
    for (const one of [b, a]) await one.sync();
    await expect(a.store.sessions.update(id, { details: { a: 1 } })).rejects.toMatchObject({
      code: 'STORE_DAMAGED',
    });
    expect((await a.store.sessions.list()).items).toMatchObject([{ title: 'mine' }]);
    await a.store.sessions.delete(id);
    await agree([a, b]);
    expect((await b.store.sessions.list()).items).toEqual([]);
  });
});
