import { join } from 'node:path';
import { expect, it } from 'vitest';
import { offerAll } from '../../src/sync/offer.ts';
import { pushOnce } from '../../src/sync/push-once.ts';
import { newKeyRing, nextKey } from '../../src/sync/keys/key-ring.ts';
import { FileHub } from '../support/file-hub.ts';
import { syncDevice } from '../support/sync-device.ts';
import { tempFolder } from '../support/temp-store.ts';

/** More than are looked at in one go. */
const EVENTS = 1200;

it('all that waited for a key comes with the exchange that has it, however much it is', async () => {
  const hub = new FileHub({ path: join(tempFolder(), 'hub.db') });
  const old = newKeyRing();
  const a = await syncDevice('a', hub, { ring: nextKey(old) });
  const b = await syncDevice('b', hub, { ring: old });
  const { id } = await a.store.runtime.createThread({ workspace: '/w' });
  const list = Array.from({ length: EVENTS }, (_, n) => ({ type: 'noted', payload: { n } }));
  await a.store.events.append(id, list);
  await a.sync();
  await b.sync();
  expect((await b.store.sync.status()).parked).toBeGreaterThanOrEqual(EVENTS);
  // What comes after them does not come before them.
  const later = Array.from({ length: 5 }, (_, n) => ({ type: 'noted', payload: { later: n } }));
  await a.store.events.append(id, later);
  await a.sync();
  b.exchange.ring = a.exchange.ring;
  await b.sync();
  expect((await b.store.sync.status()).parked).toBe(0);
  const { items } = await b.store.events.since(id, 0, { limit: 4096 });
  expect(items.map(({ payload }) => payload)).toEqual(
    [...list, ...later].map(({ payload }) => payload),
  );
});

it('events stay in their places on the hub while a new key seals them anew, one after the other', async () => {
  const hub = new FileHub({ path: join(tempFolder(), 'hub.db') });
  const old = newKeyRing();
  const a = await syncDevice('a', hub, { ring: old });
  const b = await syncDevice('b', hub, { ring: old });
  const { id } = await a.store.runtime.createThread({ workspace: '/w' });
  const append = async (n: number) => {
    await a.store.events.append(id, [{ type: 'noted', payload: { n } }]);
    await a.sync();
  };
  for (const n of [1, 2, 3]) await append(n);
  await b.sync();
  for (const n of [4, 5]) await append(n);
  // b makes the new key, and has sealed only what it knows of so far.
  const ring = nextKey(old);
  b.exchange.ring = ring;
  await b.database.write({ now: Date.now }, (transaction) => {
    offerAll(transaction);
  });
  await pushOnce(b.exchange);
  const sql = `select key_number from hub_entries where table_name = 'runtime_events'`;
  const [sealed = []] = await hub.run([{ sql, params: [] }], 'read');
  expect(sealed.map(([number]) => Number(number)).sort()).toEqual([1, 1, 2, 2, 2]);
  const late = await syncDevice('late', hub, { ring });
  await late.sync();
  const { items } = await late.store.events.since(id, 0);
  expect(items.map(({ payload }) => (payload as { n: number }).n)).toEqual([1, 2, 3, 4, 5]);
});
