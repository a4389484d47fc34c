import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { importRow } from '../../src/db/import-row.ts';
import { legacyRecords } from '../../src/model/registers.ts';
import { sweepBlobs } from '../../src/upkeep/repair.ts';
import { FileHub } from '../support/file-hub.ts';
import { tellOf } from '../support/known-devices.ts';
import { syncDevice, type SyncDevice } from '../support/sync-device.ts';
import { tempFolder } from '../support/temp-store.ts';

/** Of what both changed, the second one's word wins. */
async function pair(): Promise<[SyncDevice, SyncDevice]> {
  const hub = new FileHub({ path: join(tempFolder(), 'hub.db') });
  const later = () => Date.now() + 1000;
  return [await syncDevice('a', hub), await syncDevice('b', hub, { now: later })];
}

async function exchange([a, b]: readonly [SyncDevice, SyncDevice]): Promise<void> {
  for (const one of [a, b, a, b]) await one.sync();
}

const conflictsOf = async ({ store }: SyncDevice) => (await store.sync.conflicts()).items;

describe('a conflict', () => {
  it('is restored as an edit that is made now, body included, and reaches the others', async () => {
    const devices = await pair();
    const [a, b] = devices;
    const session = await a.store.sessions.create({ title: 'plan', workspace: '/w' });
    const task = await a.store.tasks.create({ prompt: 'build', details: { plan: 'none' } });
    await exchange(devices);
    // Too large to be kept with the columns that lost: only its hash stands there.
    const long = randomBytes(1_500_000).toString('base64');
    await a.store.sessions.rename(session.id, 'a rare wombat');
    await a.store.tasks.update(task.id, { details: { plan: long } });
    await b.store.sessions.rename(session.id, 'of b');
    await b.store.tasks.update(task.id, { details: { plan: 'of b' } });
    await exchange(devices);
    expect((await a.store.tasks.get(task.id)).details).toMatchObject({ plan: 'of b' });

    const found = await conflictsOf(a);
    expect(found.map(({ register }) => register).sort()).toEqual(['details', 'title']);
    await sweepBlobs(a.database, { now: Date.now });
    for (const { number } of found) {
      expect(await a.store.sync.restoreConflict(number)).toMatchObject({ number });
    }

    expect(await conflictsOf(a)).toEqual([]);
    expect((await a.store.search('wombat')).items).toHaveLength(1);
    await exchange(devices);
    for (const { store } of devices) {
      expect((await store.sessions.get(session.id)).title).toBe('a rare wombat');
      expect((await store.tasks.get(task.id)).details).toMatchObject({ plan: long });
    }
    // It was made by one who knew what it replaced.
    expect(await conflictsOf(b)).toEqual([]);
    expect(await a.store.sync.verify()).toEqual(await b.store.sync.verify());
  });

  it('of how a task ended is restored with the time of work that the other devices derive', async () => {
    const devices = await pair();
    const [a, b] = devices;
    const { id } = await a.store.tasks.create({ prompt: 'build' });
    await exchange(devices);
    await a.store.tasks.claim({ owner: 'w', leaseMs: 60_000 });
    await a.store.tasks.finish(id, { owner: 'w' });
    await b.store.tasks.cancel(id);
    await exchange(devices);
    const lost = (await conflictsOf(a)).find(({ register }) => register === 'lifecycle');
    const won = await a.store.tasks.get(id);

    await a.store.sync.restoreConflict(Number(lost?.number));
    await exchange(devices);
    const restored = await a.store.tasks.get(id);
    expect(restored.endedAt).not.toBe(won.endedAt);
    expect(restored.updatedAt).toBe(restored.endedAt);
    expect(await b.store.tasks.get(id)).toEqual(restored);
  });

  it('is not restored over work that is further on', async () => {
    const devices = await pair();
    const [a, b] = devices;
    const { id } = await a.store.tasks.create({ prompt: 'build' });
    await exchange(devices);
    await a.store.tasks.cancel(id);
    await tellOf(b.database, 'another');
    await b.store.tasks.handOver(id, 'another');
    await exchange(devices);
    const lost = (await conflictsOf(a)).find(({ register }) => register === 'lifecycle');

    const restoring = a.store.sync.restoreConflict(lost?.number ?? 0);

    await expect(restoring).rejects.toMatchObject({ code: 'CONFLICT' });
    expect((await a.store.tasks.get(id)).attempt).toBe(2);
    expect(await conflictsOf(a)).toContainEqual(lost);
  });

  it('is dismissed, and nothing of what lost stays', async () => {
    const devices = await pair();
    const [a, b] = devices;
    const ids: string[] = [];
    for (let i = 0; i < 3; i++) ids.push((await a.store.tasks.create({ prompt: 'plan' })).id);
    await exchange(devices);
    for (const id of ids) {
      await a.store.tasks.update(id, { prompt: `of a ${'x'.repeat(10_000)}` });
      await b.store.tasks.update(id, { prompt: 'of b' });
    }
    await exchange(devices);
    const [first] = await conflictsOf(a);
    const number = first?.number ?? 0;
    const blobs = 'select count(*) from blobs';
    expect(await a.database.read((reader) => reader.number(blobs))).toBeGreaterThan(0);

    await a.store.sync.dismissConflict(number);
    expect(await conflictsOf(a)).toHaveLength(2);
    await expect(a.store.sync.dismissConflict(number)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(a.store.sync.restoreConflict(number)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(await a.store.sync.dismissConflicts()).toBe(2);

    expect(await conflictsOf(a)).toEqual([]);
    expect(await a.database.read((reader) => reader.number(blobs))).toBe(0);
    for (const id of ids) expect((await a.store.tasks.get(id)).prompt).toBe('of b');
  });

  it('of bookkeeping that homes differ in is none to be settled', async () => {
    const devices = await pair();
    const kinds = ['runtime_state', 'runtime_owner', 'task_queue', 'session_index', 'settings'];
    for (const { name, database, exchange } of devices) {
      await database.write({ now: exchange.now }, (transaction) => {
        for (const kind of kinds) {
          const home = { path: kind, position: 0, owner_id: null, state: 'kept', modified_at: 0 };
          const body = { body: JSON.stringify({ of: name }), body_hash: null };
          importRow(
            transaction,
            legacyRecords,
            { id: kind, kind, ...home, ...body },
            { ms: 0, successor: false },
          );
        }
      });
    }
    await exchange(devices);
    const found = await Promise.all(devices.map(conflictsOf));
    expect(found.flat().map(({ id }) => id)).toEqual(['settings']);
  });
});
