import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { HubAccessError } from '../../src/errors.ts';
import { askHub } from '../../src/sync/hub-meta.ts';
import type { HubStatement } from '../../src/sync/hub/hub.ts';
import { askOf } from '../../src/sync/push-once.ts';
import { raiseHead } from '../../src/sync/raise-head.ts';
import { needState } from '../../src/sync/state.ts';
import { syncOnce } from '../../src/sync/sync-once.ts';
import { FileHub } from '../support/file-hub.ts';
import { syncDevice, type SyncDevice } from '../support/sync-device.ts';
import { tempFolder } from '../support/temp-store.ts';

const MOVE = (seq: string) =>
  `update hub_entries set seq = ${seq} where seq = (select min(seq) from hub_entries)`;

const DAMAGES: readonly (readonly [string, readonly string[]])[] = [
  ['an entry lies above the head', [MOVE('(select head from hub_meta) + 3')]],
  ['the head is too low', ['update hub_meta set head = 5']],
  ['the head is below 0', ['update hub_meta set head = -7']],
  ['the head is past all counting', ['update hub_meta set head = 9223372036854775807']],
  ['an entry has the last place of all', [MOVE('9223372036854775807')]],
  [
    'several entries lie past all counting',
    [MOVE('9223372036854775806'), MOVE('9007199254740990'), MOVE('9007199254740991')],
  ],
  [
    'no place is free that any group would come to',
    [MOVE('1099511627776'), MOVE('1099511627777'), MOVE('9007199254740990')],
  ],
  ['a state lies above the head', [`insert into hub_commits values (12, 'x'), (13, 'y')`]],
  ['a state lies past all counting', [`insert into hub_commits values (9223372036854775807, 'x')`]],
  [
    'the states that would tell are gone, too',
    ['update hub_meta set head = 5', 'delete from hub_commits where head > 5'],
  ],
];

async function group() {
  const path = join(tempFolder(), 'hub.db');
  const hub = new FileHub({ path });
  const a = await syncDevice('a', hub);
  const b = await syncDevice('b', hub);
  for (const one of [a, b]) {
    for (let i = 0; i < 4; i++) await one.store.tasks.create({ prompt: `${one.name} ${i}` });
    await one.sync();
  }
  for (const one of [a, b]) await one.sync();
  const run = async (sql: string) => (await hub.run([{ sql, params: [] }], 'write'))[0] ?? [];
  return { path, a, b, run };
}

const write = async ({ store, name }: SyncDevice) => {
  for (let i = 0; i < 5; i++) await store.tasks.create({ prompt: `${name} later ${i}` });
};

async function expectInStep(devices: readonly SyncDevice[]): Promise<void> {
  const digests = new Set<string>();
  for (const { store } of devices) {
    digests.add((await store.sync.verify()).digest);
    expect(await store.sync.parked()).toEqual([]);
    expect(await store.sync.status()).toMatchObject({ pendingRows: 0, parked: 0 });
  }
  expect(digests.size).toBe(1);
}

describe('what lies above the head of the hub', () => {
  it.each(DAMAGES)('keeps nobody from sending: %s', async (_, damage) => {
    const { a, b, run } = await group();
    for (const sql of damage) await run(sql);
    for (const one of [a, b]) await write(one);
    // As its worker does, which sends before it has looked.
    await syncOnce(a.exchange, undefined, undefined, 'push');
    for (const one of [a, b, a, b]) await one.sync();
    await expectInStep([a, b]);
    expect((await a.store.tasks.list()).items).toHaveLength(18);
    expect(
      await run(`select (select max(seq) from hub_entries) <= head,
        (select max(head) from hub_commits) = head, head < 2199023255552 from hub_meta`),
    ).toEqual([[1, 1, 1]]);
    // It is over: nothing is read again, and the epoch stays.
    const [epoch] = await run('select epoch_token from hub_meta');
    for (const one of [a, b]) expect((await one.sync()).pulled).toBe(0);
    expect(await run('select epoch_token from hub_meta')).toEqual([epoch]);
  });
});

/** A hub as a device comes to it with a token that may only read. */
class ReadOnly extends FileHub {
  override async run(statements: readonly HubStatement[], mode: 'read' | 'write') {
    if (mode === 'write') throw new HubAccessError('read only');
    return super.run(statements, mode);
  }
}

it('is read also by who may not set it right', async () => {
  const { a, b, path, run } = await group();
  const reader = { ...b.exchange, hub: new ReadOnly({ path }) };
  await write(a);
  await a.sync();
  await run(MOVE('(select head from hub_meta) + 3'));
  await syncOnce(reader);
  expect((await b.store.tasks.list()).items).toHaveLength(13);
  expect(reader.memory.repairs.told.join()).toContain('may not set that right');
});

it('is set right once where two devices see it at once, and where the answer comes late', async () => {
  const { a, path, run } = await group();
  await run('update hub_meta set head = 5');
  const ask = askOf(await a.database.read(needState), Date.now());
  const hub = new FileHub({ path });
  const asked = await askHub(hub, ask, []);
  if (!asked) throw new Error('no hub');
  expect(asked.meta.isSound).toBe(false);
  const other = { ...asked.meta, keyCheck: 'another' };
  expect(await raiseHead(hub, ask, other)).toBe(false);
  expect(await raiseHead(hub, ask, { ...asked.meta, storeId: 'another' })).toBe(false);
  expect(await raiseHead(hub, ask, asked.meta)).toBe(true);
  expect(await raiseHead(hub, ask, asked.meta)).toBe(false);
  await run('update hub_meta set head = 5');
  expect(await raiseHead(hub, ask, asked.meta)).toBe(false);
});

describe('a hub that takes no entry at all', () => {
  it('is told from one that refuses a row, and the question leaves nothing there', async () => {
    const { a, run } = await group();
    await run(`create trigger refuse before insert on hub_entries
      when new.register = 'prompt' begin select raise(abort, 'no'); end`);
    const [epoch] = await run('select epoch_token from hub_meta');
    await a.store.tasks.create({ prompt: 'refused' });
    for (let i = 0; i < 2; i++) await a.sync();
    expect((await a.store.sync.parked()).map(({ reason }) => reason)).toEqual(['refused']);
    expect(await run(`select count(*) from hub_entries where payload = x'00'`)).toEqual([[0]]);
    expect(await run('select epoch_token from hub_meta')).toEqual([epoch]);
  });

  it('is told of, and what it did not take goes by itself when it is well', async () => {
    const { a, b, run } = await group();
    await run(`create trigger refuse before insert on hub_entries
      begin select raise(abort, 'no'); end`);
    for (const one of [a, b]) await write(one);
    for (let i = 0; i < 2; i++) {
      await expect(a.sync()).rejects.toMatchObject({
        code: 'HUB_REFUSED',
        message: expect.stringContaining('takes no entry') as string,
        hint: expect.stringContaining('sent by itself') as string,
      });
    }
    const status = await a.store.sync.status();
    expect(status.parked).toBe(0);
    expect(status.pendingRows).toBeGreaterThan(0);
    await run('drop trigger refuse');
    for (const one of [a, b, a, b]) await one.sync();
    await expectInStep([a, b]);
    // What it was asked for left nothing there.
    expect(await run(`select count(*) from hub_entries where payload = x'00'`)).toEqual([[0]]);
  });
});
