import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { DeviceRevokedError, HubForeignError, SyncKeyError } from '../../src/errors.ts';
import type { Hub } from '../../src/sync/hub/hub.ts';
import { noticeCopy } from '../../src/sync/identify.ts';
import { pullOnce } from '../../src/sync/pull-once.ts';
import { pushOnce } from '../../src/sync/push-once.ts';
import { needState } from '../../src/sync/state.ts';
import { syncOnce } from '../../src/sync/sync-once.ts';
import { FileHub } from '../support/file-hub.ts';
import { syncDevice, type SyncDevice } from '../support/sync-device.ts';
import { tempFolder } from '../support/temp-store.ts';

type Mode = 'read' | 'write';

/** A hub that counts what it is asked. */
class CountingHub implements Hub {
  readonly #hub = new FileHub({ path: join(tempFolder(), 'hub.db') });
  asked: Mode[] = [];

  async run(statements: Parameters<Hub['run']>[0], mode: Mode) {
    this.asked.push(mode);
    return this.#hub.run(statements, mode);
  }

  async number(sql: string): Promise<number> {
    const [rows] = await this.#hub.run([{ sql, params: [] }], 'read');
    return Number(rows?.[0]?.[0]);
  }

  async change(sql: string): Promise<void> {
    await this.#hub.run([{ sql, params: [] }], 'write');
  }

  close(): void {
    this.#hub.close();
  }
}

/** Two devices that have exchanged everything. */
async function setup() {
  const hub = new CountingHub();
  onTestFinished(() => {
    hub.close();
  });
  const a = await syncDevice('a', hub);
  const b = await syncDevice('b', hub);
  for (const device of [a, b, a]) {
    await add(device, 'an early one');
    await device.sync();
  }
  hub.asked = [];
  return { hub, a, b };
}

const add = async ({ store }: SyncDevice, title: string) =>
  (await store.sessions.create({ title, workspace: '/w', model: 'm' })).id;

const send = ({ exchange }: SyncDevice) => syncOnce(exchange, undefined, undefined, 'push');

const titlesOf = async ({ store }: SyncDevice) =>
  (await store.sessions.list()).items.map(({ title }) => title);

const entries = 'select count(*) from hub_entries';
const LOCK = JSON.stringify({ number: 2, kdf: null, ring: 'AAAA' });

describe('an exchange that begins with its push', () => {
  test('goes on with a pull where it had nothing to ask the hub', async () => {
    const c = await syncDevice('c', new FileHub({ path: join(tempFolder(), 'hub.db') }));
    // It founds the hub, and has yet to find that all that it could offer is nothing.
    while ((await pullOnce(c.exchange)).outcome !== 'done');
    const d = await syncDevice('d', c.exchange.hub);
    await add(d, 'of d');
    await d.sync();

    const { cursor, hubSeq } = await send(c);

    expect(await titlesOf(c)).toEqual(['of d']);
    expect(cursor).toBe(hubSeq);
  });

  test('asks the hub once where others wrote nothing', async () => {
    const { hub, a } = await setup();
    await add(a, 'new');

    const { pushed, pulled, hubSeq, cursor, commits } = await send(a);

    expect(hub.asked).toEqual(['write']);
    expect(pushed).toBeGreaterThan(0);
    expect({ pulled, hubSeq, commits }).toEqual({ pulled: 0, hubSeq: cursor, commits: 1 });
    expect(cursor).toBe(await hub.number('select head from hub_meta'));
  });

  test('brings what others wrote meanwhile', async () => {
    const { hub, a, b } = await setup();
    await add(b, 'of b');
    await b.sync();
    await add(a, 'of a');
    hub.asked = [];

    const { pulled, cursor } = await send(a);

    expect(hub.asked[0]).toBe('write');
    expect(pulled).toBeGreaterThan(0);
    expect(cursor).toBe(await hub.number('select head from hub_meta'));
    expect(await titlesOf(a)).toContain('of b');
    await send(b);
    expect(await titlesOf(b)).toContain('of a');
  });

  test('pulls where there was nothing to send', async () => {
    const { a, b } = await setup();
    await add(b, 'of b');
    await b.sync();
    await send(a);
    expect(await titlesOf(a)).toContain('of b');
  });

  test('goes on with the whole exchange where the hub went back', async () => {
    const { hub, a, b } = await setup();
    // As if the state that both remember were lost.
    await hub.change(`update hub_commits set token = 'another'`);
    await hub.change('delete from hub_entries');
    await add(a, 'new');

    await send(a);
    await b.sync();

    expect(await hub.number('select epoch from hub_meta')).toBeGreaterThan(1);
    expect(await titlesOf(b)).toHaveLength(4);
  });

  test('goes on with the whole exchange where the epoch is another', async () => {
    const { hub, a, b } = await setup();
    await hub.change(`update hub_meta set epoch = epoch + 1, epoch_token = 'another'`);
    await add(a, 'new');
    await send(a);
    await b.sync();
    expect(await titlesOf(b)).toContain('new');
  });

  test('goes on with the whole exchange where the hub is empty', async () => {
    const { hub, a, b } = await setup();
    for (const table of ['meta', 'commits', 'devices', 'entries']) {
      await hub.change(`drop table hub_${table}`);
    }
    await add(a, 'new');
    await send(a);
    await b.sync();
    expect(await titlesOf(b)).toHaveLength(4);
  });

  test.each(['hub_entries', 'hub_devices', 'hub_commits'])(
    'sets nothing aside where the hub has lost a table (%s)',
    async (table) => {
      const { hub, a, b } = await setup();
      await hub.change(`drop table ${table}`);
      await add(a, 'new');
      await send(a);
      await b.sync();
      expect(await titlesOf(b)).toHaveLength(4);
      expect(await a.store.sync.parked()).toEqual([]);
    },
  );

  test('takes a new device id where a copy of the store has pushed', async () => {
    const { hub, a } = await setup();
    const { device } = await a.database.read(needState);
    await hub.change(`update hub_devices set push_number = 99, push_token = printf('%032d', 1)
      where id = '${device}'`);
    await add(a, 'new');
    const before = await hub.number(entries);

    expect((await pushOnce(a.exchange)).outcome).toBe('stale');
    expect(await hub.number(entries)).toBe(before);
    await send(a);

    expect((await a.database.read(needState)).device).not.toBe(device);
    expect(await hub.number(entries)).toBeGreaterThan(before);
  });

  test('reads everything first where the store was copied', async () => {
    const { hub, a } = await setup();
    const copy = { ...a.exchange, machine: 'another machine' };
    await add(a, 'new');
    await noticeCopy(copy);
    const before = await hub.number(entries);

    expect((await pushOnce(copy)).outcome).toBe('idle');
    expect(await hub.number(entries)).toBe(before);
    await syncOnce(copy, undefined, undefined, 'push');

    expect(await hub.number(entries)).toBeGreaterThan(before);
  });

  test.each([
    ['of a revoked device', 'update hub_devices set revoked_at = 1', DeviceRevokedError],
    ['of another store', `update hub_meta set store_id = 'another'`, HubForeignError],
    ['under other keys', `update hub_meta set key_check = '${LOCK}'`, SyncKeyError],
  ])('sends nothing %s', async (_, sql, expected) => {
    const { hub, a } = await setup();
    await hub.change(sql);
    const before = await hub.number(entries);
    await add(a, 'new');
    await expect(send(a)).rejects.toThrow(expected);
    expect(await hub.number(entries)).toBe(before);
    expect(await hub.number('select max(c.head) - m.head from hub_commits c, hub_meta m')).toBe(0);
  });
});
