import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { HttpHub } from '../../../src/sync/hub/http-hub.ts';
import { startSqld } from '../../support/sqld.ts';
import { startSyncProcess } from '../../support/sync-process.ts';
import { tempFolder, tempStore } from '../../support/temp-store.ts';

async function setup() {
  const sqld = await startSqld();
  const path = join(tempFolder(), 'store.db');
  const store = await tempStore({ path });
  await store.sync.enable(sqld.url, { encryption: false });
  const leaderPid = async () => Number((await store.sync.status()).leader?.split('/')[0]);
  const idle = async () => {
    const { pendingRows, lastSyncAt } = await store.sync.status();
    expect([pendingRows, lastSyncAt !== null]).toEqual([0, true]);
  };
  return { sqld, path, store, leaderPid, idle };
}

/** How many entries the hub took in, and how many it holds: repeated pushes make the first more. */
async function countEntries(url: string): Promise<{ taken: number; held: number }> {
  const hub = new HttpHub({ url, token: () => undefined });
  const sql = 'select (select head from hub_meta), (select count(*) from hub_entries)';
  const [rows] = await hub.run([{ sql, params: [] }], 'read');
  hub.close();
  return { taken: Number(rows?.[0]?.[0]), held: Number(rows?.[0]?.[1]) };
}

describe('processes with one store file', () => {
  it('have one leader, and another one after it was killed, and push nothing twice', async () => {
    const { sqld, path, leaderPid, idle } = await setup();
    const processes = [await startSyncProcess(path), await startSyncProcess(path)] as const;
    const [first, second] = processes;
    await Promise.all(
      processes.flatMap((one) => [1, 2, 3, 4, 5].map((i) => one.add(`${one.pid} ${i}`))),
    );
    await vi.waitFor(idle, { timeout: 20_000, interval: 20 });
    expect(await leaderPid()).toBe(first.pid);

    first.child.kill('SIGKILL');
    await first.ended;
    await second.add('after the kill');

    await vi.waitFor(
      async () => {
        expect(await leaderPid()).toBe(second.pid);
        await idle();
      },
      { timeout: 45_000, interval: 100 },
    );
    const { taken, held } = await countEntries(sqld.url);
    expect(held).toBeGreaterThanOrEqual(11);
    expect(taken).toBe(held);
  });

  it('end by themselves when the store is closed, and leave the lead', async () => {
    const { path, store } = await setup();

    const closed = await startSyncProcess(path, 'close');

    expect(await closed.ended).toBe(0);
    expect(closed.noise).toEqual([]);
    expect((await store.sync.status()).leader).toBeNull();
  });

  it('end by themselves when the store was never closed', async () => {
    const { path } = await setup();

    const forgetful = await startSyncProcess(path, 'forget');

    expect(await forgetful.ended).toBe(0);
    expect(forgetful.noise).toEqual([]);
  });
});
