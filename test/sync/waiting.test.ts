import { join } from 'node:path';
import { expect, it } from 'vitest';
import { FileHub } from '../support/file-hub.ts';
import { syncDevice } from '../support/sync-device.ts';
import { tempFolder } from '../support/temp-store.ts';

it('an edit that waits for a newer program keeps nothing else from going, be batches ever so small', async () => {
  const hub = new FileHub({ path: join(tempFolder(), 'hub.db') });
  const [a, b] = [await syncDevice('a', hub), await syncDevice('b', hub)];
  const { id } = await a.store.sessions.create({ title: 'one', workspace: '/w' });
  for (const one of [a, b]) await one.sync();
  await a.store.sessions.rename(id, 'of a newer program');
  await a.sync();
  const newer = `update hub_entries set schema = 99 where table_name = 'sessions' and register = 'title'`;
  await hub.run([{ sql: newer, params: [] }], 'write');
  await b.sync();
  await b.store.sessions.rename(id, 'of b');
  await b.sync();
  expect(await b.store.sync.status()).toMatchObject({ pendingRows: 1, waitingRows: 1 });
  // As after requests that were too large for a proxy.
  const { memory } = b.exchange;
  while (memory.halve(memory.limits.rows));
  expect(memory.limits.rows).toBe(1);
  for (const prompt of ['two', 'three']) await b.store.tasks.create({ prompt, workspace: '/w' });
  await b.sync();
  expect(await b.store.sync.status()).toMatchObject({ pendingRows: 1, waitingRows: 1 });
  await a.sync();
  expect((await a.store.tasks.list()).items).toHaveLength(2);
});
