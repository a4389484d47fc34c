import { join } from 'node:path';
import Driver from 'libsql';
import { expect, it } from 'vitest';
import type { ReplicaReader } from '../../src/sync/replica-reader.ts';
import { FileHub } from '../support/file-hub.ts';
import { syncDevice } from '../support/sync-device.ts';
import { tempFolder } from '../support/temp-store.ts';

it('a copy of the hub is not read while it is locked for another key', async () => {
  const folder = tempFolder();
  const hub = new FileHub({ path: join(folder, 'hub.db') });
  const a = await syncDevice('a', hub);
  const b = await syncDevice('b', hub);
  for (const one of [a, b]) await one.sync();
  const { id } = await a.store.tasks.create({ prompt: 'only the copy has it' });
  await a.sync();
  const driver = new Driver(join(folder, 'hub.db'));
  driver.exec(`vacuum into '${join(folder, 'copy.db')}'`);
  driver.close();
  const copy = new FileHub({ path: join(folder, 'copy.db') });
  const run = (one: FileHub, sql: string) => one.run([{ sql, params: [] }], 'write');
  await run(hub, `delete from hub_entries where table_name = 'tasks'`);
  Object.assign(b.exchange, {
    replica: {
      hub: () => Promise.resolve(copy),
      begin: () => undefined,
    } as unknown as ReplicaReader,
  });
  await run(copy, `update hub_meta set key_check = 'of another key'`);
  await b.sync();
  await expect(b.store.tasks.get(id)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  await run(copy, `update hub_meta set key_check = 'none'`);
  await b.database.write({ now: Date.now }, (transaction) => {
    transaction.run('update sync_state set cursor = 0');
  });
  await b.sync();
  expect((await b.store.tasks.get(id)).prompt).toBe('only the copy has it');
});
