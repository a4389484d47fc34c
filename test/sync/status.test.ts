import Driver from 'libsql';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { importPlain } from '../../src/db/import-row.ts';
import { asMachine, device, enable } from '../faults/devices/group.ts';
import { FileHub } from '../support/file-hub.ts';
import { startSqld } from '../support/sqld.ts';
import { syncDevice, turnOn } from '../support/sync-device.ts';
import { tempFolder } from '../support/temp-store.ts';

describe('the status of sync', () => {
  it('counts what is offered or imported as pending, and not its age', async () => {
    let clock = 5000;
    const now = () => clock;
    const hub = new FileHub({ path: join(tempFolder(), 'hub.db'), now });
    const { store, database } = await syncDevice('a', hub, { now });
    const pending = async () => {
      const { pendingRows, oldestPendingAt } = await store.sync.status();
      return [pendingRows, oldestPendingAt];
    };
    await store.audit.append({ event: 'of old' });
    await turnOn(database, now, 'a');
    expect(await pending()).toEqual([1, null]);
    clock = Date.UTC(2026, 10, 23);
    await database.write({ now }, (transaction) => {
      const row = { id: 'imported', event: 'of old', created_at: 0, body: '{}', body_hash: null };
      return importPlain(transaction, 'audit_log', row);
    });
    expect(await pending()).toEqual([2, null]);
    const before = (await store.sync.status()).pendingBytes;
    await store.audit.append({ event: 'of now', details: '数'.repeat(1000) });
    expect((await store.sync.status()).pendingBytes - before).toBeGreaterThan(3000);
    clock += 1000;
    await store.tasks.create({ prompt: 'later' });
    expect((await pending())[1]).toBe('2026-11-23T00:00:00.000Z');
  });

  it('of a copied store does not show the worker of the other machine', async () => {
    const sqld = await startSqld();
    const { store, path } = await device('a');
    await enable(sqld.url, [{ name: 'a', path, store, sync: () => Promise.resolve() }]);
    await asMachine('a', () => store.sync.now());
    const driver = new Driver(path);
    const lease = 'update sync_status set leader = ?, lease_until = ?';
    driver.prepare(lease).run('1234/abcd', Date.now() + 60_000);
    driver.close();
    const leader = () => store.sync.status().then((status) => status.leader);
    expect(await asMachine('a', leader)).toBe('1234/abcd');
    expect(await asMachine('the machine of the copy', leader)).toBeNull();
  });
});
