import { copyFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openDatabase } from '../../src/db/open.ts';
import { HubUnreachableError } from '../../src/errors.ts';
import { enableWith } from '../../src/sync/enable.ts';
import type { Hub } from '../../src/sync/hub/hub.ts';
import { pullOnce } from '../../src/sync/pull-once.ts';
import { pushOnce } from '../../src/sync/push-once.ts';
import { FileHub } from '../support/file-hub.ts';
import { syncDevice, type SyncDevice } from '../support/sync-device.ts';
import { tempFolder } from '../support/temp-store.ts';

// What the simulation has found, each as short as it gets.

function newHub(): FileHub {
  return new FileHub({ path: join(tempFolder(), 'hub.db') });
}

/** Pulls a single entry at a time until `done`. */
async function pullUntil(device: SyncDevice, done: () => Promise<boolean>): Promise<void> {
  while (device.exchange.memory.shrinkPage());
  for (let i = 0; i < 50 && !(await done()); i++) {
    await pullOnce(device.exchange);
    device.exchange.memory.shrinkPage();
  }
}

function origin({ database }: SyncDevice, id: string): Promise<unknown> {
  const sql = 'select device from sessions where id = ?';
  return database.read((reader) => reader.rows(sql, [id])[0]?.[0]);
}

/** Two devices; `b` has the title of a session of `a`, and nothing else of it yet. */
async function partlyPulled(): Promise<{ a: SyncDevice; b: SyncDevice; id: string }> {
  const hub = newHub();
  const a = await syncDevice('a', hub);
  const b = await syncDevice('b', hub);
  const { id } = await a.store.sessions.create({ title: 'one', workspace: '/w' });
  await a.sync();
  await pullUntil(b, async () => (await b.store.sessions.list()).items.length > 0);
  return { a, b, id };
}

describe('what the simulation has found', () => {
  it('a session of which a part has come can be read and renamed', async () => {
    const { a, b, id } = await partlyPulled();
    expect((await b.store.sessions.rename(id, 'two')).title).toBe('two');
    await b.sync();
    await a.sync();
    for (const { store } of [a, b]) {
      expect(await store.sessions.get(id)).toMatchObject({ title: 'two', workspace: '/w' });
    }
  });

  it('a row that was changed before all of it had come is of one device everywhere', async () => {
    const { a, b, id } = await partlyPulled();
    await b.store.sessions.update(id, { model: 'm' });
    await b.sync();
    await a.sync();
    await b.sync();
    expect(await origin(a, id)).toBe(await origin(b, id));
    expect(await origin(a, id)).not.toBe('');
  });

  it('a hub that goes back to before a push whose answer was lost is no copy of the store', async () => {
    const path = join(tempFolder(), 'hub.db');
    let hub: Hub = new FileHub({ path });
    let lose = false;
    const a = await syncDevice('a', {
      run: async (statements, mode) => {
        const rows = await hub.run(statements, mode);
        if (lose && mode === 'write') throw new HubUnreachableError('no answer');
        return rows;
      },
      close: () => undefined,
    });
    await a.store.sessions.create({ title: 'one', workspace: '/w' });
    await a.sync();
    const older = join(tempFolder(), 'older.db');
    for (const end of ['', '-wal'])
      if (existsSync(path + end)) copyFileSync(path + end, older + end);
    const id = await a.database.read((reader) => reader.rows('select id from device')[0]?.[0]);
    await a.store.sessions.create({ title: 'two', workspace: '/w' });
    lose = true;
    await expect(pushOnce(a.exchange)).rejects.toThrow('no answer');
    lose = false;
    await pullOnce(a.exchange);
    hub = new FileHub({ path: older });
    await a.sync();
    expect(await a.database.read((reader) => reader.rows('select id from device')[0]?.[0])).toBe(
      id,
    );
  });

  it('a purge takes what lost a conflict along', async () => {
    const hub = newHub();
    const a = await syncDevice('a', hub);
    const b = await syncDevice('b', hub);
    const { id } = await a.store.sessions.create({ title: 'one', workspace: '/w' });
    await a.sync();
    await b.sync();
    await a.store.sessions.rename(id, 'of a');
    await b.store.sessions.rename(id, 'of b');
    await b.sync();
    await a.sync();
    await b.sync();
    const conflicts = ({ database }: SyncDevice) =>
      database.read((reader) => reader.number('select count(*) from conflicts'));
    expect((await conflicts(a)) + (await conflicts(b))).toBe(1);
    await b.store.purge(id);
    await b.sync();
    await a.sync();
    expect((await conflicts(a)) + (await conflicts(b))).toBe(0);
  });

  it('a record that was purged stays so although another device makes it later', async () => {
    const hub = newHub();
    const a = await syncDevice('a', hub);
    const b = await syncDevice('b', hub);
    await a.store.sessions.create({ id: 'S', title: 'one', workspace: '/w' });
    await a.store.purge('S');
    await b.store.sessions.create({ id: 'S', title: 'two', workspace: '/w' });
    for (const device of [a, b, a, b]) await device.sync();
    for (const { database } of [a, b]) {
      const sql = 'select count(*) from sessions where purged_at is not null';
      expect(await database.read((reader) => reader.number(sql))).toBe(1);
    }
  });

  it('sync that is turned on twice at once is on', async () => {
    const hub = newHub();
    await (await syncDevice('other', hub)).sync();
    const settings = {
      url: 'http://hub',
      tokenFile: null,
      key: 'none',
      name: 'device',
      pull: 'http',
      join: false,
    } as const;
    const path = join(tempFolder(), 'store.db');
    const options = { durability: 'normal', readOnly: false } as const;
    const database = await openDatabase(path, options, Date.now);
    const access = { database, now: Date.now };
    await Promise.all([enableWith(access, settings, hub), enableWith(access, settings, hub)]);
    expect(await database.read((r) => r.number('select enabled from sync_state'))).toBe(1);
    await database.close();
  });
});
