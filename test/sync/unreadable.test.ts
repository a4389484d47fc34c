import { join } from 'node:path';
import { expect, it } from 'vitest';
import { HubAccessError, HubUnreachableError } from '../../src/errors.ts';
import { Memory } from '../../src/sync/exchange.ts';
import type { Hub, HubRow, HubStatement } from '../../src/sync/hub/hub.ts';
import { newKeyRing, nextKey } from '../../src/sync/keys/key-ring.ts';
import { openBytes, sealBytes } from '../../src/sync/seal.ts';
import { FileHub } from '../support/file-hub.ts';
import { syncDevice, type SyncDevice } from '../support/sync-device.ts';
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

/** One hub as a device comes to it on a bad line, or with a token that may only read. */
class Way extends FileHub {
  fate: 'fine' | 'answer lost' | 'read only' = 'fine';

  override async run(statements: readonly HubStatement[], mode: 'read' | 'write') {
    if (this.fate === 'read only' && mode === 'write') throw new HubAccessError('read only');
    const rows: HubRow[][] = await super.run(statements, mode);
    const removes = statements.some(({ sql }) => sql.startsWith('delete from hub_entries'));
    if (this.fate === 'answer lost' && removes) throw new HubUnreachableError('no answer');
    return rows;
  }
}

async function twoWays() {
  const path = join(tempFolder(), 'hub.db');
  const way = new Way({ path });
  const hub = new FileHub({ path });
  const a = await syncDevice('a', hub);
  const b = await syncDevice('b', way);
  const { id } = await a.store.tasks.create({ prompt: 'one' });
  for (const one of [a, b, a]) await one.sync();
  const run = async (sql: string) => (await hub.run([{ sql, params: [] }], 'write'))[0] ?? [];
  return { a, b, id, way, run };
}

const FORGED = `update hub_entries set payload = x'09', seq = seq + 1000,
  version = 'ffffffffffff0000' || substr(version, 17) where table_name = 'tasks' and register = 'prompt'`;
const HEAD = 'update hub_meta set head = (select max(seq) from hub_entries)';
const COMMIT = 'insert into hub_commits select head, hex(randomblob(16)) from hub_meta';

it('goes from the hub once where the answer to that was lost', async () => {
  const { a, b, id, way, run } = await twoWays();
  const [[epoch] = []] = await run('select epoch from hub_meta');
  for (const sql of [FORGED, HEAD, COMMIT]) await run(sql);
  way.fate = 'answer lost';
  await expect(b.sync()).rejects.toThrow(HubUnreachableError);
  way.fate = 'fine';
  // As after a crash: nothing is remembered of what the hub was asked to do.
  (b.exchange as { memory: Memory }).memory = new Memory();
  for (const one of [b, a, b]) await one.sync();
  expect(await run('select epoch from hub_meta')).toEqual([[Number(epoch) + 1]]);
  await b.store.tasks.update(id, { prompt: 'two' });
  for (const one of [b, a]) await one.sync();
  expect((await a.store.tasks.get(id)).prompt).toBe('two');
  expect(await b.store.sync.parked()).toEqual([]);
});

it('is left to others by who may only read, and what waits for it is told', async () => {
  const { a, b, id, way, run } = await twoWays();
  for (const sql of [FORGED, HEAD, COMMIT]) await run(sql);
  way.fate = 'read only';
  await b.sync();
  expect(b.exchange.memory.repairs.lately.waits).toBe(true);
  await b.store.tasks.update(id, { prompt: 'two' });
  await b.sync();
  expect(await b.store.sync.status()).toMatchObject({ waitingRows: 1, pendingRows: 1 });
  await a.sync();
  way.fate = 'fine';
  for (const one of [b, a]) await one.sync();
  expect(await b.store.sync.status()).toMatchObject({ waitingRows: 0, pendingRows: 0 });
  expect((await a.store.tasks.get(id)).prompt).toBe('two');
});

it('takes the place of nothing that waits for its body', async () => {
  const { a, b, run } = await twoWays();
  const details = { text: 'x y z '.repeat(400_000) };
  await a.store.jobs.upsert({ id: 'job-1', name: 'large', status: 'running', details });
  await a.sync();
  // The hub loses the body, and shows an earlier version that nobody can read.
  await run(`delete from hub_entries where table_name = 'chunks'`);
  await b.sync();
  const waits = async () => (await b.store.sync.parked()).map(({ reason }) => reason);
  expect(await waits()).toEqual(['chunks']);
  await run(
    `update hub_entries set payload = x'09', version = '0000000000000000' || substr(version, 17)
     where table_name = 'jobs' and register = 'state'`,
  );
  await b.sync();
  expect(await waits()).toEqual(['chunks']);
});

/** A device that is kept waiting at the moment at which it takes something off the hub. */
async function withPause(name: string, hub: FileHub, meanwhile: () => Promise<unknown>) {
  const paused: Hub = {
    run: async (statements, mode) => {
      if (statements.some(({ sql }) => sql.startsWith('delete from hub_entries')))
        await meanwhile();
      return hub.run(statements, mode);
    },
    close: () => undefined,
  };
  return syncDevice(name, paused);
}

const TITLE = `where table_name = 'sessions' and register = 'title'`;

it.each([
  {
    name: 'a later version',
    title: 'later',
    set: async (_hub: FileHub, a: SyncDevice, id: string) => {
      await a.store.sessions.rename(id, 'later');
      await a.sync();
    },
  },
  {
    name: 'the same one where it lies',
    title: 'good',
    set: (hub: FileHub) =>
      hub.run(
        [
          {
            sql: `update hub_entries set payload = (select payload from good) ${TITLE}`,
            params: [],
          },
        ],
        'write',
      ),
  },
])('a good entry that takes the place of a damaged one stays: $name', async ({ title, set }) => {
  const hub = new FileHub({ path: join(tempFolder(), 'hub.db') });
  const a = await syncDevice('a', hub);
  const { id } = await a.store.sessions.create({ title: 'good', workspace: '/w' });
  await a.sync();
  const run = async (sql: string) => (await hub.run([{ sql, params: [] }], 'write'))[0] ?? [];
  await run(`create table good as select * from hub_entries ${TITLE}`);
  await run(`update hub_entries set payload = x'09' ${TITLE}`);
  const epoch = await run('select epoch from hub_meta');
  const b = await withPause('b', hub, () => set(hub, a, id));
  await b.sync();
  expect(await run('select epoch from hub_meta')).toEqual(epoch);
  expect(await run(`select count(*) from hub_entries ${TITLE}`)).toEqual([[1]]);
  await b.sync();
  expect((await b.store.sessions.get(id)).title).toBe(title);
});

it('what can be read one day is kept when nobody can read what comes after it', async () => {
  const hub = new FileHub({ path: join(tempFolder(), 'hub.db') });
  const old = newKeyRing();
  const ring = nextKey(old);
  const author = await syncDevice('author', hub, { ring });
  const b = await syncDevice('b', hub, { ring: old });
  const { id } = await author.store.sessions.create({ title: 'good', workspace: '/w' });
  await author.sync();
  await b.sync();
  // The author is lost, and somebody writes over what only b has then, under a key that b has.
  await hub.run(
    [
      {
        sql: `update hub_entries set seq = seq + 1000, key_number = 1,
          version = 'ffffffffffff0000' || substr(version, 17) ${TITLE}`,
        params: [],
      },
      { sql: 'update hub_meta set head = (select max(seq) from hub_entries)', params: [] },
      { sql: `insert into hub_commits select head, 'forged' from hub_meta`, params: [] },
    ],
    'write',
  );
  await b.sync();
  b.exchange.ring = ring;
  await b.sync();
  expect((await b.store.sessions.get(id)).title).toBe('good');
});

it('is also a piece of a body that opens without a key, and is not what it was', async () => {
  const { a, b, way, run } = await twoWays();
  const { id } = await a.store.sessions.create({ title: 'large', workspace: '/w' });
  const content = 'x y z '.repeat(400_000);
  await a.store.sessions.appendMessages(id, [{ role: 'user', content }]);
  await a.sync();
  const [[seq, payload] = []] = await run(
    `select seq, payload from hub_entries where table_name = 'chunks' limit 1`,
  );
  const piece = { table: 'chunks', id: '', register: '', version: '' };
  const bytes = openBytes(null, piece, 0, payload as Uint8Array);
  bytes[1000] = 'q'.charCodeAt(0);
  const { bytes: changed } = sealBytes(null, piece, bytes);
  const sql = 'update hub_entries set payload = ? where seq = ?';
  await way.run([{ sql, params: [changed, seq ?? null] }], 'write');
  for (const one of [b, a, b]) await one.sync();
  expect((await b.store.sessions.messages(id)).items).toHaveLength(1);
  expect(await b.store.sync.parked()).toEqual([]);
});

it('of what nobody could read only a trace stays in the store', async () => {
  const hub = new FileHub({ path: join(tempFolder(), 'hub.db') });
  const [a, b] = [await syncDevice('a', hub), await syncDevice('b', hub)];
  await a.store.tasks.create({ prompt: 'one' });
  for (const one of [a, b]) await one.sync();
  const run = async (sql: string) => (await hub.run([{ sql, params: [] }], 'write'))[0] ?? [];
  await run(`insert into hub_entries (seq, table_name, id, register, version, key_number, schema, payload)
    select head + 1, 'sessions', 'garbage', 'title', 'x', 0, 1, cast(x'09' || hex(zeroblob(500000)) as blob) from hub_meta`);
  for (const sql of ['update hub_meta set head = head + 1', COMMIT]) await run(sql);
  await b.sync();
  expect((await b.store.sync.parked()).map(({ reason }) => reason)).toEqual(['removed']);
  const size = 'select sum(length(payload)) from parked';
  expect(await b.database.read((reader) => reader.number(size))).toBeLessThan(200);
});
