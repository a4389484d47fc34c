import { join } from 'node:path';
import { expect, it } from 'vitest';
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
