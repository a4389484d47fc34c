import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { newKeyRing } from '../../src/sync/keys/key-ring.ts';
import { FileHub } from '../support/file-hub.ts';
import { syncDevice } from '../support/sync-device.ts';
import { tempFolder } from '../support/temp-store.ts';

/** Text that no compression makes small, in bytes. */
const noise = (bytes: number) => randomBytes((bytes * 3) / 4).toString('base64');

async function pair() {
  const hub = new FileHub({ path: join(tempFolder(), 'hub.db') });
  const ring = newKeyRing();
  const a = await syncDevice('a', hub, { ring });
  const b = await syncDevice('b', hub, { ring });
  const chunks = async () => {
    const sql = `select count(*) from hub_entries where table_name = 'chunks'`;
    const [rows] = await hub.run([{ sql, params: [] }], 'read');
    return Number(rows?.[0]?.[0]);
  };
  return { hub, a, b, chunks };
}

describe('bodies over a megabyte', () => {
  it('travel in pieces before their rows', async () => {
    const { a, b, chunks } = await pair();
    const { id } = await a.store.sessions.create({ title: 'large', workspace: '/w' });
    const content = noise(3_500_000);
    await a.store.sessions.appendMessages(id, [{ role: 'tool', content }]);
    await a.sync();
    expect(await chunks()).toBe(4);
    await b.sync();
    const { items } = await b.store.sessions.messages(id);
    expect(items[0]?.content).toEqual([{ type: 'text', text: content }]);
    const digest = await a.store.sync.verify();
    expect((await b.store.sync.verify()).digest).toBe(digest.digest);
  });

  it('that two records share outlive the purge of one of them', async () => {
    const { hub, a } = await pair();
    const { id } = await a.store.sessions.create({ title: 'large', workspace: '/w' });
    const content = noise(1_500_000);
    await a.store.sessions.appendMessages(id, [{ role: 'tool', content }]);
    const fork = await a.store.sessions.fork(id);
    await a.sync();
    await a.store.purge(id);
    await a.sync();
    const c = await syncDevice('c', hub, { ring: a.exchange.ring });
    await c.sync();
    expect((await c.store.sessions.messages(fork.id)).items).toHaveLength(1);
  });

  it('wait for what the hub lacks of them, and come when it is there', async () => {
    const { hub, a, b } = await pair();
    const { id } = await a.store.sessions.create({ title: 'large', workspace: '/w' });
    await a.store.sessions.appendMessages(id, [{ role: 'tool', content: noise(2_500_000) }]);
    await a.sync();
    const taken = `delete from hub_entries where table_name = 'chunks' and register like '%/1' returning *`;
    const [[lost]] = (await hub.run([{ sql: taken, params: [] }], 'write')) as [[readonly never[]]];
    await b.sync();
    expect((await b.store.sync.parked()).map(({ reason }) => reason)).toEqual(['chunks']);
    expect((await b.store.sessions.messages(id)).items).toEqual([]);
    const back = `insert into hub_entries values (?, ?, ?, ?, ?, ?, ?, ?)`;
    await hub.run([{ sql: back, params: lost }], 'write');
    await b.sync();
    expect(await b.store.sync.parked()).toEqual([]);
    expect((await b.store.sessions.messages(id)).items).toHaveLength(1);
  });

  it('that the hub lost are sent by whoever has them from elsewhere', async () => {
    const { hub, a, b } = await pair();
    const large = { state: noise(1_500_000) };
    const { id: thread } = await a.store.threads.upsert({ cwd: '/w' });
    const { id: runtime } = await a.store.runtime.createThread({ workspace: '/w', model: 'm' });
    await a.sync();
    await b.sync();
    await b.store.threads.saveCheckpoint(thread, 'c', large.state);
    await a.store.events.append(runtime, [{ type: 'tool', payload: large }]);
    await a.store.threads.saveCheckpoint(thread, 'c', 'later');
    await a.sync();
    const lost = `delete from hub_entries where table_name = 'chunks'`;
    await hub.run([{ sql: lost, params: [] }], 'write');
    await b.sync();
    expect((await b.store.events.since(runtime, 0)).items).toHaveLength(1);
    const c = await syncDevice('c', hub, { ring: a.exchange.ring });
    await c.sync();
    expect(await c.store.sync.parked()).toEqual([]);
    expect((await c.store.events.since(runtime, 0)).items).toHaveLength(1);
  });

  it('do not wait for what the hub has no more when it has another one in its place', async () => {
    const { hub, a, b } = await pair();
    const run = (sql: string, params: readonly never[] = []) => hub.run([{ sql, params }], 'write');
    const save = (text: string) =>
      a.store.jobs.upsert({ id: 'job-1', name: 'large', status: 'running', details: { text } });
    await b.sync();
    await save(noise(1_500_000));
    await a.sync();
    // As it is on a hub that was restored with its author.
    await run('create table former as select * from hub_entries');
    await save(noise(1_500_000));
    await a.sync();
    const taken = `delete from hub_entries where table_name = 'chunks' and register like '%/1'`;
    await run(taken);
    await b.sync();
    expect((await b.store.sync.parked()).map(({ reason }) => reason)).toEqual(['chunks']);

    const renumbered = `(select head from hub_meta) + seq, table_name, id, register, version,
      key_number, schema, payload`;
    await run(`insert or replace into hub_entries select ${renumbered} from former`);
    await run(`update hub_meta set head = (select max(seq) from hub_entries)`);
    await run(`insert into hub_commits (head, token) select head, 'later' from hub_meta`);
    await run(taken);
    await b.sync();
    await run(`insert or replace into hub_entries select ${renumbered} from former
      where table_name = 'chunks'`);
    await b.sync();
    expect(await b.store.sync.parked()).toEqual([]);
    expect((await b.store.jobs.list()).items).toHaveLength(1);
  });

  it('leave the hub and every device when their session is purged', async () => {
    const { a, b, chunks } = await pair();
    const { id } = await a.store.sessions.create({ title: 'large', workspace: '/w' });
    await a.store.sessions.appendMessages(id, [{ role: 'tool', content: noise(2_500_000) }]);
    await a.sync();
    await b.sync();
    await b.store.purge(id);
    // Not sent yet: the one that purges it does not know of this.
    await a.store.sessions.appendMessages(id, [{ role: 'tool', content: noise(1_500_000) }]);
    for (const one of [a, b, a, b]) await one.sync();
    expect(await chunks()).toBe(0);
    for (const { database, store } of [a, b]) {
      const count = (sql: string) => database.read((reader) => reader.number(sql));
      expect(await count('select count(*) from session_messages')).toBe(0);
      expect(await store.sync.parked()).toEqual([]);
      await store.repair();
      expect(await count('select count(*) from blob_chunks')).toBe(0);
    }
    expect((await a.store.sync.verify()).digest).toBe((await b.store.sync.verify()).digest);
  });
});
