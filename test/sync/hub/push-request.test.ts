import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { HubRefusedError } from '../../../src/errors.ts';
import { foundHub } from '../../../src/sync/found-hub.ts';
import { HttpHub } from '../../../src/sync/hub/http-hub.ts';
import type { Hub } from '../../../src/sync/hub/hub.ts';
import { pushRequest, type Outgoing, type PushAsk } from '../../../src/sync/push-statements.ts';
import { FileHub } from '../../support/file-hub.ts';
import { launchSqld, type Sqld } from '../../support/sqld.ts';
import { tempFolder } from '../../support/temp-store.ts';

let sqld: Sqld;
beforeAll(async () => {
  sqld = await launchSqld();
});
afterAll(() => sqld.discard());

const hubs = {
  HttpHub: () => new HttpHub({ url: sqld.url, token: () => undefined }),
  FileHub: () => new FileHub({ path: join(tempFolder(), 'hub.db') }),
};

const EPOCH = { number: 1, token: 'an epoch' };
const KEY_CHECK = `{"number":1,"kdf":null,"ring":"${'ab+/'.repeat(40)}"}`;
const BLANK = { device: 'd', storeId: 's', epoch: EPOCH, cursor: 0, pair: null, acked: null };
const ASK: PushAsk = {
  ...{ ...BLANK, floorMs: 0, keyCheck: KEY_CHECK },
  sent: { number: 1, token: 'first' },
};
const LATE_MS = Date.UTC(2200, 0, 1);

function entry(id: string, changes: Partial<Outgoing> = {}): Outgoing {
  const payload = new TextEncoder().encode(`payload of ${id}`);
  const key = { table: 'sessions', id, register: 'title', version: '1' };
  return { ...key, ms: 1, keyNumber: 1, schema: 1, payload, ...changes };
}

/** A hub of its own for each test: one of them is the same server. */
async function setup(name: keyof typeof hubs) {
  const hub: Hub = hubs[name]();
  onTestFinished(() => {
    hub.close();
  });
  const tables = ['meta', 'commits', 'devices', 'entries'].map((table) => `hub_${table}`);
  const drop = tables.map((table) => ({ sql: `drop table if exists ${table}`, params: [] }));
  await hub.run(drop, 'write');
  await foundHub(hub, { storeId: 's', epoch: EPOCH, keyCheck: KEY_CHECK });
  const rows = async (sql: string) => (await hub.run([{ sql, params: [] }], 'read'))[0];
  return {
    change: (sql: string) => hub.run([{ sql, params: [] }], 'write'),
    rows,
    everything: async () =>
      JSON.stringify(await Promise.all(tables.map((t) => rows(`select * from ${t}`)))),
    push: async (entries: readonly Outgoing[], ask: Partial<PushAsk> = {}) => {
      const { statements, read } = pushRequest({ ...ASK, ...ask }, entries, {
        ...{ name: 'desk', platform: 'linux-x64' },
      });
      return read(await hub.run(statements, 'write'));
    },
  };
}

describe.each(['HttpHub', 'FileHub'] as const)('a push through %s', (name) => {
  it('is taken whole: entries, head, token, device, latest version', async () => {
    const { push, rows } = await setup(name);
    const taken = await push([entry('a'), entry('b', { ms: 7, version: '2' })], { floorMs: 5 });

    expect(taken).toMatchObject({ head: { number: 2 }, floorMs: 0, changed: true });
    expect(taken?.returned.size).toBe(0);
    expect(Math.abs((taken?.nowMs ?? 0) - Date.now())).toBeLessThan(60_000);
    expect(await rows('select head, floor_ms from hub_meta')).toEqual([[2, 7]]);
    expect(await rows('select token from hub_commits where head = 2')).toEqual([
      [taken?.head.token],
    ]);
    expect(
      await rows('select seq, id, version, cast(payload as text) from hub_entries order by seq'),
    ).toEqual([
      [1, 'a', '1', 'payload of a'],
      [2, 'b', '2', 'payload of b'],
    ]);
    expect(await rows('select id, name, push_number, push_token from hub_devices')).toEqual([
      ['d', 'desk', 1, 'first'],
    ]);
  });

  it('is told of to others only where it changes an entry', async () => {
    const { push } = await setup(name);
    expect((await push([entry('a')]))?.changed).toBe(true);
    const again = await push([entry('a')]);
    expect(again).toMatchObject({ head: { number: 2 }, changed: false });
    expect(again?.head.token).not.toBe((await push([entry('a')]))?.head.token);
    expect((await push([entry('a', { version: '2' })]))?.changed).toBe(true);
  });

  it('returns what is beyond every clock, and takes the rest', async () => {
    const { push, rows } = await setup(name);
    await push([entry('late')]);
    const sent = [
      entry('a'),
      entry('late', { ms: LATE_MS, version: '3' }),
      entry('row', { ms: null }),
    ];
    const taken = await push(sent);

    expect([...(taken?.returned ?? [])]).toEqual([[1, '1']]);
    expect(await rows('select id, version from hub_entries order by id')).toEqual([
      ['a', '1'],
      ['late', '1'],
      ['row', '1'],
    ]);
    expect((await push(sent, { floorMs: LATE_MS }))?.returned.size).toBe(0);
  });

  it('clears the pieces of a body only with the purge that it takes', async () => {
    const { push, rows } = await setup(name);
    const piece = { table: 'chunks', register: '0', ms: null };
    await push([entry('root', piece), entry('other', piece)]);
    const purge = { register: 'purge', sweeps: 'root' };
    const chunks = () => rows(`select id from hub_entries where table_name = 'chunks' order by id`);

    await push([entry('s', { ...purge, ms: LATE_MS })]);
    expect(await chunks()).toEqual([['other'], ['root']]);

    expect((await push([entry('s', purge)]))?.changed).toBe(true);
    expect(await chunks()).toEqual([['other']]);
  });

  it.each([
    ['the store', {}, `update hub_meta set store_id = 'x'`],
    ['the protocol', {}, 'update hub_meta set protocol = 1000'],
    ['the number of the epoch', {}, 'update hub_meta set epoch = 2'],
    ['the token of the epoch', {}, `update hub_meta set epoch_token = 'x'`],
    ['the lock of the keys', {}, `update hub_meta set key_check = replace(key_check, '+', '-')`],
    ['the absent lock', {}, `update hub_meta set key_check = 'none'`],
    ['the state that was read last', { pair: { number: 0, token: 'x' } }, undefined],
    ['its head', { pair: { number: 9, token: '' } }, undefined],
    ['the number of the last push', { acked: { number: 1, token: 'first' } }, undefined],
    [
      'the token of the last push',
      {},
      `insert into hub_devices values ('d', '', '', 1, 'x', 0, null)`,
    ],
    [
      'the right of the device',
      {},
      `insert into hub_devices values ('d', '', '', 1, 'first', 0, 5)`,
    ],
  ])('is not taken at all where %s is another', async (_, ask, sql) => {
    const { push, change, everything } = await setup(name);
    if (sql) await change(sql);
    const before = await everything();
    // Of everything that a push can do something.
    const entries = [
      ...[entry('a'), entry('late', { ms: LATE_MS }), entry('row', { ms: null })],
      entry('s', { register: 'purge', sweeps: 'root' }),
    ];
    expect(await push(entries, { floorMs: 99, ...ask })).toBeUndefined();
    expect(await everything()).toBe(before);
  });

  it.each([
    `update hub_entries set seq = 12`,
    `insert into hub_commits values (2, 'x')`,
    `insert into hub_commits values (12, 'x')`,
    'update hub_meta set head = 0',
    'update hub_meta set head = 9223372036854775807',
  ])('is refused whole where something lies above the head (%s)', async (sql) => {
    const { push, change, rows } = await setup(name);
    await push([entry('a')]);
    await change(sql);
    const count = () =>
      rows(`select (select count(*) from hub_entries), (select count(*) from hub_commits),
        (select push_token from hub_devices), cast(head as text) from hub_meta`);
    const before = await count();
    // Of which the guard would hold, and of which it would not.
    for (const ask of [{}, { storeId: 'another' }]) {
      const sent = { number: 2, token: 'second' };
      const acked = { number: 1, token: 'first' };
      await expect(push([entry('b')], { sent, acked, ...ask })).rejects.toThrow(HubRefusedError);
    }
    expect(await count()).toEqual(before);
  });

  it('is taken again under its own number and token, and of an unencrypted hub', async () => {
    const { push, change } = await setup(name);
    await push([entry('a')]);
    await change(`update hub_meta set key_check = 'none'`);
    expect((await push([entry('b')], { keyCheck: 'none' }))?.head.number).toBe(2);
  });
});
