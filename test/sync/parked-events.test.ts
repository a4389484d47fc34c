import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { RuntimeEvent } from '../../src/index.ts';
import { Memory } from '../../src/sync/exchange.ts';
import { newKeyRing } from '../../src/sync/keys/key-ring.ts';
import { SCHEMA } from '../../src/sync/schema.ts';
import { FileHub } from '../support/file-hub.ts';
import { syncDevice, type SyncDevice } from '../support/sync-device.ts';
import { tempFolder } from '../support/temp-store.ts';

const THREAD = 'thr_1';
/** With keys ids are hashes on the hub: their order says nothing. */
const ring = newKeyRing();

function newHub(): FileHub {
  return new FileHub({ path: join(tempFolder(), 'hub.db') });
}

async function writer(hub: FileHub): Promise<SyncDevice> {
  const device = await syncDevice('writer', hub, { ring });
  await device.store.runtime.createThread({
    id: THREAD,
    workspace: '/w',
    model: 'auto',
    mode: 'agent',
  });
  return device;
}

const named = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, i) => ({ type: 'note', payload: { n: from + i } }));

const numbers = (from: number, to: number) => named(from, to).map(({ payload }) => payload.n);

const numbersOf = (events: readonly RuntimeEvent[]) =>
  events.map(({ payload }) => (payload as { n: number }).n);

async function eventsOf({ store }: SyncDevice): Promise<RuntimeEvent[]> {
  return (await store.events.since(THREAD, 0, { limit: 4096 })).items;
}

/** As if a newer version of the program had written the events that are on the hub. */
async function makeNewer(hub: FileHub): Promise<void> {
  const sql = `update hub_entries set schema = ${SCHEMA + 1} where table_name = 'runtime_events'`;
  await hub.run([{ sql, params: [] }], 'write');
}

async function wipe(hub: FileHub): Promise<void> {
  const tables = ['hub_entries', 'hub_commits', 'hub_devices', 'hub_meta'];
  await hub.run(
    tables.map((table) => ({ sql: `drop table ${table}`, params: [] })),
    'write',
  );
}

/** As if the program of a device had been replaced by the newer one. */
async function upgrade({ database, exchange }: SyncDevice): Promise<void> {
  // A new process: it remembers nothing of the former one.
  (exchange as { memory: Memory }).memory = new Memory();
  await database.write({ now: exchange.now }, (transaction) => {
    transaction.run(`update parked set schema = ${SCHEMA}`);
  });
}

async function syncUntilNoneIsParked(device: SyncDevice): Promise<void> {
  for (let turn = 0; turn < 20; turn++) {
    await device.sync();
    if ((await device.store.sync.parked()).length === 0) return;
  }
  throw new Error('entries stay parked');
}

const COUNT = 1700;

describe('events that were parked', () => {
  it('come in the order in which they were written, however many', async () => {
    const hub = newHub();
    const a = await writer(hub);
    const b = await syncDevice('b', hub, { ring });
    for (let from = 1; from <= COUNT; from += 100) {
      await a.store.events.append(THREAD, named(from, from + 99));
    }
    await a.sync();
    await makeNewer(hub);
    await b.sync();
    expect(await eventsOf(b)).toEqual([]);
    expect((await b.store.stats()).counts['parked']).toBe(COUNT);
    await upgrade(b);
    await syncUntilNoneIsParked(b);
    expect(numbersOf(await eventsOf(b))).toEqual(numbers(1, COUNT));
  });

  it('go to a hub that lost them in that order, and from there to others', async () => {
    const hub = newHub();
    const a = await writer(hub);
    const b = await syncDevice('b', hub, { ring });
    await a.store.events.append(THREAD, named(1, 60));
    await a.sync();
    await makeNewer(hub);
    await b.sync();
    await wipe(hub);
    await b.sync();
    const c = await syncDevice('c', hub, { ring });
    await c.sync();
    expect((await c.store.stats()).counts['parked']).toBe(60);
    await upgrade(c);
    await syncUntilNoneIsParked(c);
    expect(numbersOf(await eventsOf(c))).toEqual(numbers(1, 60));
  });

  it('follow those that came meanwhile: a reader misses none, and their ids tell the order', async () => {
    const hub = newHub();
    const a = await writer(hub);
    const b = await syncDevice('b', hub, { ring });
    await a.store.events.append(THREAD, named(1, 3));
    await a.sync();
    await makeNewer(hub);
    await b.sync();
    await a.store.events.append(THREAD, named(4, 6));
    await a.sync();
    await b.sync();
    const seen = await b.store.events.since(THREAD, 0);
    expect(numbersOf(seen.items)).toEqual([4, 5, 6]);
    await upgrade(b);
    await syncUntilNoneIsParked(b);
    const late = await b.store.events.since(THREAD, seen.nextSeq);
    expect(numbersOf(late.items)).toEqual([1, 2, 3]);
    const all = (await eventsOf(b)).toSorted((x, y) => (x.id < y.id ? -1 : 1));
    expect(numbersOf(all)).toEqual(numbers(1, 6));
    expect(all.map(({ seq }) => seq)).toEqual([4, 5, 6, 1, 2, 3]);
  });
});
