import { cpSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openStore, restoreStore } from '../../../src/index.ts';
import { startSqld } from '../../support/sqld.ts';
import { tempFolder } from '../../support/temp-store.ts';
import { agree, device, enable } from './group.ts';

// Row 19 of the fault matrix, and a backup that is restored.
describe('a store that was copied', () => {
  it('to another machine takes a device id of its own, and both keep what they wrote', async () => {
    const sqld = await startSqld();
    const first = await device('first');
    const witness = await device('witness');
    await enable(sqld.url, [first, witness]);
    const { id } = await first.store.sessions.create({ title: 'shared', workspace: '/w' });
    await agree([first, witness]);
    await first.store.close();
    const folder = tempFolder();
    cpSync(dirname(first.path), folder, { recursive: true });
    first.store = await openStore({ path: first.path });
    const copy = await device('copy', { path: join(folder, 'store.db') });
    const idOf = async (one: typeof first) => (await one.store.sync.status()).deviceId;
    // The fault is there: two stores with one identity.
    expect(await idOf(copy)).toBe(await idOf(first));
    await first.store.sessions.rename(id, 'by the first');
    const mine = await first.store.sessions.create({ title: 'only first', workspace: '/w' });
    const theirs = await copy.store.sessions.create({ title: 'only copy', workspace: '/w' });
    await copy.store.tasks.create({ prompt: 'by the copy' });
    await agree([first, copy, witness]);
    expect(await idOf(copy)).not.toBe(await idOf(first));
    for (const one of [first, copy, witness]) {
      expect((await one.store.sessions.get(mine.id)).title).toBe('only first');
      expect((await one.store.sessions.get(theirs.id)).title).toBe('only copy');
      expect((await one.store.sessions.get(id)).title).toBe('by the first');
      expect((await one.store.tasks.list()).items).toHaveLength(1);
    }
  });

  it('on the same machine is found out by the push that it does not know', async () => {
    const sqld = await startSqld();
    const first = await device('same');
    await enable(sqld.url, [first]);
    await first.store.sessions.create({ title: 'shared', workspace: '/w' });
    await first.sync();
    await first.store.close();
    const folder = tempFolder();
    cpSync(dirname(first.path), folder, { recursive: true });
    first.store = await openStore({ path: first.path });
    const copy = await device('same', { path: join(folder, 'store.db') });
    await first.store.sessions.create({ title: 'by the first', workspace: '/w' });
    await copy.store.sessions.create({ title: 'by the copy', workspace: '/w' });
    const before = (await copy.store.sync.status()).deviceId;
    await agree([first, copy]);
    expect((await copy.store.sync.status()).deviceId).not.toBe(before);
    expect((await first.store.sessions.list()).items).toHaveLength(3);
  });

  it('and restored from a backup gets back what it had sent, and its open work', async () => {
    const sqld = await startSqld();
    const first = await device('first');
    const witness = await device('witness');
    await enable(sqld.url, [first, witness]);
    const task = await first.store.tasks.create({ prompt: 'to be done' });
    const backup = join(tempFolder(), 'backup.db');
    await first.store.backup(backup);
    const after = await first.store.sessions.create({ title: 'after it', workspace: '/w' });
    await agree([first, witness]);
    const former = (await first.store.sync.status()).deviceId;
    await first.store.close();
    const { deviceId } = await restoreStore(backup, first.path);
    first.store = await openStore({ path: first.path });
    expect(deviceId).not.toBe(former);
    expect((await first.store.sessions.list()).items).toEqual([]);
    await agree([first, witness]);
    expect((await first.store.sessions.get(after.id)).title).toBe('after it');
    // It is the former one's successor, by the user's own word.
    const claimed = await first.store.tasks.claim({ owner: 'worker', leaseMs: 1000 });
    expect(claimed?.id).toBe(task.id);
    expect(await witness.store.tasks.claim({ owner: 'worker', leaseMs: 1000 })).toBeNull();
  });

  it('and restored unsays nothing that was said of its work since, here or elsewhere', async () => {
    const sqld = await startSqld();
    const first = await device('first');
    const witness = await device('witness');
    await enable(sqld.url, [first, witness]);
    const rule = 'FREQ=HOURLY;INTERVAL=1';
    const make = (name: string) => first.store.automations.create({ name, prompt: 'p', rule });
    const [here, there, given] = [await make('here'), await make('there'), await make('given')];
    const wakeUp = { message: 'later', fireAt: '2030-01-01T00:00:00Z' };
    const trigger = await first.store.triggers.create(wakeUp);
    await agree([first, witness]);
    const backup = join(tempFolder(), 'backup.db');
    await first.store.backup(backup);
    const other = (await witness.store.sync.status()).deviceId;
    await first.store.automations.pause(here.id);
    await first.store.triggers.cancel(trigger.id);
    await agree([first, witness]);
    await witness.store.automations.update(there.id, { rule: 'FREQ=HOURLY;INTERVAL=5' });
    await witness.store.automations.update(given.id, { owner: other });
    await agree([first, witness]);
    await first.store.close();
    await restoreStore(backup, first.path);
    first.store = await openStore({ path: first.path });
    await agree([first, witness]);
    for (const { store } of [first, witness]) {
      expect((await store.automations.get(here.id)).status).toBe('paused');
      expect((await store.automations.get(there.id)).rule).toBe('FREQ=HOURLY;INTERVAL=5');
      expect((await store.automations.get(given.id)).owner).toBe(other);
      expect((await store.triggers.get(trigger.id)).status).toBe('canceled');
    }
  });
});
