import { join } from 'node:path';
import { writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { HttpHub } from '../../../src/sync/hub/http-hub.ts';
import { startSqld, type Sqld } from '../../support/sqld.ts';
import { tempFolder } from '../../support/temp-store.ts';
import { agree, asMachine, device, enable, type Device } from './group.ts';

// Rows 31 and 32 of the fault matrix: entries on the hub that nobody can read, because somebody wrote
// over them without the key, or because its disk failed.

type Sql = (...statements: string[]) => Promise<readonly (readonly unknown[])[]>;

interface Group {
  readonly sqld: Sqld;
  readonly sql: Sql;
  readonly a: Device;
  readonly b: Device;
  readonly id: string;
  readonly keyFile: string;
}

function sqlOf({ url }: Sqld): Sql {
  const hub = new HttpHub({ url, token: () => undefined });
  return async (...statements) =>
    (
      await hub.run(
        statements.map((sql) => ({ sql, params: [] })),
        'write',
      )
    )[0] ?? [];
}

async function group(): Promise<Group> {
  const sqld = await startSqld();
  const [a, b] = [await device('a'), await device('b')];
  const keyFile = await enable(sqld.url, [a, b]);
  const { id } = await a.store.sessions.create({ title: 'one', workspace: '/w' });
  await agree([a, b]);
  return { sqld, sql: sqlOf(sqld), a, b, id, keyFile };
}

/** What somebody with a token, and without the key, can do to all registers at once. */
const FORGE = [
  `update hub_entries set version = 'ffffffffffff0000' || substr(version, 17), seq = seq + 1000
   where version <> ''`,
  'update hub_meta set head = (select max(seq) from hub_entries)',
  'insert or ignore into hub_commits select head, hex(randomblob(16)) from hub_meta',
];

const FORGED = `select count(*) from hub_entries where version like 'ffffffffffff%'`;

/** As if a disk had changed the last byte: into another one, whatever it was. */
const damage = (where: string) =>
  `update hub_entries set payload = cast(substr(payload, 1, length(payload) - 1)
     || iif(substr(payload, -1) = x'00', x'01', x'00') as blob) where ${where}`;

async function expectFlows({ a, b, id }: Group, title: string): Promise<void> {
  await a.store.sessions.rename(id, title);
  await a.store.sessions.archive(id);
  await agree([a, b]);
  const { title: there, archivedAt } = await b.store.sessions.get(id);
  expect([there, archivedAt !== null]).toEqual([title, true]);
}

async function newDevice({ sqld, keyFile }: Group): Promise<Device> {
  const c = await device('c');
  await asMachine('c', () => c.store.sync.enable(sqld.url, { name: 'c', pull: 'http', keyFile }));
  await c.sync();
  return c;
}

describe('versions that somebody forged', () => {
  it.each(['http', 'replica'] as const)(
    'hold up no edit, and go from the hub: read by %s',
    async (pull) => {
      const all = await group();
      const { sqld, sql, a, b, id } = all;
      for (const one of [a, b]) {
        await asMachine(one.name, () => one.store.sync.enable(sqld.url, { pull }));
        await one.sync();
      }
      await sql(...FORGE);
      for (const one of [a, b]) await one.sync();
      await expectFlows(all, 'after');
      expect(await sql(FORGED)).toEqual([[0]]);
      for (const { store } of [a, b]) expect(await store.sync.parked()).toEqual([]);
      const c = await newDevice(all);
      expect((await c.store.sessions.get(id)).title).toBe('after');
      expect((await c.store.sync.verify()).digest).toBe((await a.store.sync.verify()).digest);
    },
  );

  it('under a key that nobody has, or a later schema, are no better', async () => {
    const all = await group();
    await all.sql(
      ...FORGE,
      `update hub_entries set key_number = 77 where register = 'title'`,
      `update hub_entries set schema = 99 where register = 'archive'`,
    );
    await all.a.sync();
    await expectFlows(all, 'after');
    expect(await all.sql(FORGED)).toEqual([[0]]);
  });

  it('are told of, and do not go to another hub', async () => {
    const all = await group();
    const { sql, a, id } = all;
    await sql(...FORGE);
    await a.store.sessions.rename(id, 'mine');
    const report = await asMachine('a', () => a.store.sync.now());
    expect(report.removed).toBeGreaterThan(0);
    const { lastError, pendingRows } = await a.store.sync.status();
    expect(lastError?.code).toBe('HUB_DAMAGED');
    expect(pendingRows).toBe(0);
    // Forged again, and read by one that may take nothing off for now: it joins another hub so.
    await sql(...FORGE);
    await a.store.sync.disable();
    const other = await startSqld();
    await asMachine('a', () => a.store.sync.enable(other.url, { join: true }));
    await a.sync();
    expect(await sqlOf(other)(FORGED)).toEqual([[0]]);
    expect((await a.store.sync.status()).pendingRows).toBe(0);
    expect((await a.store.sessions.get(id)).title).toBe('mine');
  });

  it('hold up no edit where sync is turned off and on meanwhile', async () => {
    const all = await group();
    const { sqld, sql, a, b } = all;
    await sql(...FORGE);
    for (const one of [a, b]) {
      await one.store.sync.disable();
      await asMachine(one.name, () => one.store.sync.enable(sqld.url));
    }
    await expectFlows(all, 'after');
    expect(await sql(FORGED)).toEqual([[0]]);
  });

  it('without encryption are believed no more where they lie far ahead', async () => {
    const sqld = await startSqld();
    const sql = sqlOf(sqld);
    const [a, b] = [await device('a'), await device('b')];
    for (const { name, store } of [a, b]) {
      const options = { name, encryption: false, pull: 'http' } as const;
      await asMachine(name, () => store.sync.enable(sqld.url, options));
    }
    const { id } = await a.store.sessions.create({ title: 'one', workspace: '/w' });
    await agree([a, b]);
    await sql(...FORGE);
    for (const one of [a, b]) await one.sync();
    await a.store.sessions.rename(id, 'after');
    await agree([a, b]);
    expect((await b.store.sessions.get(id)).title).toBe('after');
    expect(await sql(FORGED)).toEqual([[0]]);
  });
});

describe('entries that the hub damaged', () => {
  const TITLE = damage(`table_name = 'sessions' and register = 'title'`);
  const MESSAGES = damage(`table_name = 'session_messages'`);

  async function damaged(): Promise<Group> {
    const all = await group();
    const { sql, a, id } = all;
    await a.store.sessions.rename(id, 'a v2');
    await a.store.sessions.appendMessages(id, [{ role: 'user', content: 'lost' }]);
    await a.sync();
    await sql(TITLE, MESSAGES);
    return all;
  }

  it('come again from who has them, also to those who had read on', async () => {
    const all = await damaged();
    const { a, b, id } = all;
    await b.sync();
    // In the place of the title b sent the one that it has, until the author comes.
    expect((await b.store.sync.parked()).map(({ reason }) => reason)).toEqual(['removed']);
    await a.sync();
    await b.sync();
    expect((await b.store.sessions.messages(id)).items).toHaveLength(1);
    expect((await b.store.sessions.get(id)).title).toBe('a v2');
    expect(await b.store.sync.parked()).toEqual([]);
    await b.store.sessions.rename(id, 'b v3');
    await agree([a, b]);
    expect((await a.store.sessions.get(id)).title).toBe('b v3');
    const c = await newDevice(all);
    expect((await c.store.sessions.messages(id)).items).toHaveLength(1);
  });

  it('raise the epoch once, and not where a good one has taken their place', async () => {
    const { sql, a, b, id } = await damaged();
    await a.store.sessions.rename(id, 'a v3');
    await a.sync();
    const [[epoch] = []] = await sql('select epoch from hub_meta');
    await b.sync();
    expect((await b.store.sessions.get(id)).title).toBe('a v3');
    // The message it was that raised the epoch, once.
    expect(await sql('select epoch from hub_meta')).toEqual([[Number(epoch) + 1]]);
    await agree([a, b]);
    expect(await sql('select epoch from hub_meta')).toEqual([[Number(epoch) + 1]]);
  });

  it('that only an older copy is left of leave that one everywhere', async () => {
    const all = await group();
    const { sql, a, b, id } = all;
    const lost = await device('lost');
    await asMachine('lost', () =>
      lost.store.sync.enable(all.sqld.url, { name: 'lost', pull: 'http', keyFile: all.keyFile }),
    );
    await lost.sync();
    await lost.store.sessions.rename(id, 'lost for good');
    await lost.sync();
    await sql(TITLE);
    for (const one of [a, b]) await one.sync();
    await agree([a, b]);
    const c = await newDevice(all);
    for (const { store } of [a, b, c]) expect((await store.sessions.get(id)).title).toBe('one');
  });

  it('of a large body come again, too', async () => {
    const { sql, a, b, id } = await group();
    const content = 'x y z '.repeat(400_000);
    await a.store.sessions.appendMessages(id, [{ role: 'user', content }]);
    await a.sync();
    await sql(damage(`table_name = 'chunks'`));
    await b.sync();
    await agree([a, b]);
    const [there] = (await b.store.sessions.messages(id)).items;
    expect(JSON.stringify(there?.content).length).toBeGreaterThan(content.length);
  });
});

it('a key that was replaced opens what was sent again', async () => {
  const all = await group();
  const { sqld, sql, a, b } = all;
  await sql(...FORGE);
  await asMachine('a', () => a.store.sync.rotateKey());
  await a.sync();
  const keyFile = join(tempFolder(), 'next.key');
  writeFileSync(keyFile, (await a.store.sync.exportKey()).phrase ?? '', { mode: 0o600 });
  await asMachine('b', () => b.store.sync.enable(sqld.url, { keyFile }));
  await expectFlows(all, 'after');
  expect(await sql(FORGED)).toEqual([[0]]);
});
