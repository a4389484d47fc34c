import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Database } from '../../../src/db/database.ts';
import { openDatabase } from '../../../src/db/open.ts';
import { LEASE_MS, Lease } from '../../../src/sync/worker/lease.ts';
import { tempFolder } from '../../support/temp-store.ts';

async function setup() {
  const path = join(tempFolder(), 'store.db');
  const clock = { ms: Date.parse('2026-11-23T12:00:00Z') };
  const now = () => clock.ms;
  const open = async () => {
    const database = await openDatabase(path, { durability: 'normal', readOnly: false }, now);
    onTestFinished(() => database.close());
    return database;
  };
  const one = await open();
  const leases = [one, await open()].map((database) => new Lease({ database, now }));
  const [first, second] = leases as [Lease, Lease];
  return { clock, first, second, database: one };
}

const untilOf = (database: Database) =>
  database.read((reader) => reader.number('select lease_until from sync_status'));

describe('Lease', () => {
  it('is held by one at a time', async () => {
    const { first, second } = await setup();

    expect(await first.take()).toBe(true);
    expect(await second.take()).toBe(false);
    expect(await first.take()).toBe(true);
  });

  it('goes to one of those who ask at the same moment', async () => {
    const { first, second } = await setup();

    const led = await Promise.all([first.take(), second.take()]);

    expect(led.toSorted()).toEqual([false, true]);
  });

  it('is free at once when it was released', async () => {
    const { first, second } = await setup();
    await first.take();

    await second.release();
    expect(await second.take()).toBe(false);
    await first.release();
    expect(await second.take()).toBe(true);
  });

  it('is free when its holder did not renew it, and tells him so', async () => {
    const { clock, first, second } = await setup();
    await first.take();
    clock.ms += LEASE_MS - 1;
    expect(await second.take()).toBe(false);
    clock.ms += 1;

    expect(await second.take()).toBe(true);
    expect(await first.take()).toBe(false);
  });

  it('is waited for no longer than it can last when the clock was set back by a year', async () => {
    const { clock, first, second, database } = await setup();
    await first.take();
    clock.ms -= 365 * 86_400_000;

    expect(await second.take()).toBe(false);
    expect(await untilOf(database)).toBe(clock.ms + LEASE_MS);
    clock.ms += LEASE_MS;
    expect(await second.take()).toBe(true);
  });

  it('stays with a holder who lives when the clock was set back', async () => {
    const { clock, first, second } = await setup();
    await first.take();
    clock.ms -= 365 * 86_400_000;

    expect(await second.take()).toBe(false);
    expect(await first.take()).toBe(true);
    clock.ms += LEASE_MS - 1;
    expect(await second.take()).toBe(false);
  });
});
