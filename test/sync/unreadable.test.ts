import { join } from 'node:path';
import { expect, it } from 'vitest';
import { Memory } from '../../src/sync/exchange.ts';
import { FileHub } from '../support/file-hub.ts';
import { syncDevice } from '../support/sync-device.ts';
import { tempFolder } from '../support/temp-store.ts';

it('a hub that damages entries again and again is set right once in some minutes', async () => {
  const hub = new FileHub({ path: join(tempFolder(), 'hub.db') });
  const a = await syncDevice('a', hub);
  const b = await syncDevice('b', hub);
  const { id } = await a.store.tasks.create({ prompt: 'one' });
  for (const one of [a, b]) await one.sync();
  const run = async (sql: string) => (await hub.run([{ sql, params: [] }], 'write'))[0] ?? [];
  const epoch = async () => Number((await run('select epoch from hub_meta'))[0]?.[0]);
  const damage = () => run(`update hub_entries set payload = x'09' where table_name = 'tasks'`);
  const readAnew = () =>
    b.database.write({ now: Date.now }, (transaction) => {
      transaction.run('update sync_state set cursor = 0');
    });
  await damage();
  await readAnew();
  const before = await epoch();
  expect((await b.sync()).removed).toBeGreaterThan(0);
  expect(await epoch()).toBe(before + 1);
  await a.sync();
  await damage();
  await readAnew();
  expect((await b.sync()).removed).toBe(0);
  expect(await epoch()).toBe(before + 1);
  expect(b.exchange.memory.repairs.lately.waits).toBe(true);
  // What came damaged is neither lost here nor blocks what is written meanwhile.
  expect((await b.store.tasks.get(id)).prompt).toBe('one');
  await b.store.tasks.update(id, { prompt: 'two' });
  await b.sync();
  // A later process does it again.
  (b.exchange as { memory: Memory }).memory = new Memory();
  await b.sync();
  expect(await epoch()).toBe(before + 2);
  await a.sync();
  expect((await a.store.tasks.get(id)).prompt).toBe('two');
});

it('an earlier version that the hub shows again is answered with the later one', async () => {
  const hub = new FileHub({ path: join(tempFolder(), 'hub.db') });
  const a = await syncDevice('a', hub);
  const { id } = await a.store.tasks.create({ prompt: 'one' });
  await a.sync();
  const run = (sql: string) => hub.run([{ sql, params: [] }], 'write');
  await run('create table former as select * from hub_entries');
  await a.store.tasks.update(id, { prompt: 'two' });
  await a.sync();
  const b = await syncDevice('b', hub);
  await run('delete from hub_entries');
  await run(
    'insert into hub_entries select seq + 1000, table_name, id, register, version, key_number, schema, payload from former',
  );
  await run('update hub_meta set head = (select max(seq) from hub_entries)');
  await run(`insert into hub_commits select head, 'shown again' from hub_meta`);
  await a.sync();
  await b.sync();
  expect((await b.store.tasks.get(id)).prompt).toBe('two');
});
