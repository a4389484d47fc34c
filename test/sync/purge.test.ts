import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Store } from '../../src/index.ts';
import { sessions } from '../../src/model/registers.ts';
import { HttpHub } from '../../src/sync/hub/http-hub.ts';
import { asMachine, device } from '../faults/devices/group.ts';
import { FileHub } from '../support/file-hub.ts';
import { startSqld } from '../support/sqld.ts';
import { storeText } from '../support/store-text.ts';
import { syncDevice, turnOn, type SyncDevice } from '../support/sync-device.ts';
import { tempFolder } from '../support/temp-store.ts';

const CANARY = 'cassowary';
const say = (n: number) => ({ role: 'user' as const, content: `${CANARY} ${n}` });

/** How a kind of record is made, and everything that can be done to one. */
interface Kind {
  readonly table: string;
  make(store: Store): Promise<string>;
  show(store: Store, id: string): Promise<unknown>;
  remove(store: Store, id: string): Promise<unknown>;
  listDeleted(store: Store): Promise<{ items: readonly { id: string }[] }>;
  readonly edits: readonly ((store: Store, id: string) => Promise<unknown>)[];
}

const KINDS: Readonly<Record<string, Kind>> = {
  session: {
    table: 'sessions',
    show: (store, id) => store.sessions.get(id),
    remove: (store, id) => store.sessions.delete(id),
    listDeleted: (store) => store.sessions.list({ deleted: true }),
    async make(store) {
      const { id } = await store.sessions.create({ title: CANARY, workspace: `/${CANARY}` });
      await store.sessions.appendMessages(id, [say(1), say(2)]);
      await store.goals.upsert({ scope: 'session', ownerId: id, objective: CANARY });
      return id;
    },
    edits: [
      (store, id) => store.sessions.rename(id, `${CANARY} renamed`),
      (store, id) => store.sessions.update(id, { details: { note: CANARY } }),
      (store, id) => store.sessions.archive(id),
      (store, id) => store.sessions.appendMessages(id, [say(3)]),
      (store, id) =>
        store.goals.upsert({ scope: 'session', ownerId: id, objective: `${CANARY} 2` }),
      (store, id) => store.sessions.delete(id),
      (store, id) => store.sessions.restore(id),
    ],
  },
  thread: {
    table: 'threads',
    show: (store, id) => store.threads.get(id),
    remove: (store, id) => store.threads.delete(id),
    listDeleted: (store) => store.threads.list({ deleted: true }),
    async make(store) {
      const { id } = await store.threads.upsert({ cwd: `/${CANARY}`, title: CANARY });
      await store.threads.appendMessage(id, say(1));
      await store.threads.saveCheckpoint(id, 'c1', { note: CANARY });
      return id;
    },
    edits: [
      (store, id) => store.threads.upsert({ id, title: `${CANARY} renamed`, preview: CANARY }),
      (store, id) => store.threads.setTools(id, [{ name: CANARY, inputSchema: {} }]),
      (store, id) => store.threads.appendMessage(id, say(2)),
      (store, id) => store.threads.saveCheckpoint(id, 'c1', { note: `${CANARY} 2` }),
      (store, id) => store.threads.saveCheckpoint(id, 'c2', { note: CANARY }),
      (store, id) => store.threads.archive(id),
      (store, id) => store.threads.delete(id),
      (store, id) => store.threads.restore(id),
    ],
  },
  'runtime thread': {
    table: 'runtime_threads',
    show: (store, id) => store.runtime.getThread(id),
    remove: (store, id) => store.runtime.deleteThread(id),
    listDeleted: (store) => store.runtime.listThreads({ deleted: true }),
    async make(store) {
      const thread = await store.runtime.createThread({
        workspace: `/${CANARY}`,
        model: 'auto',
        mode: 'agent',
        title: CANARY,
      });
      await store.runtime.startTurn(thread.id, {
        id: `turn_of_${thread.id}`,
        inputSummary: CANARY,
      });
      await store.runtime.saveItem(`turn_of_${thread.id}`, {
        id: `item_of_${thread.id}`,
        kind: 'agent_message',
        summary: CANARY,
      });
      await store.events.append(thread.id, [{ type: 'note', payload: { text: CANARY } }]);
      return thread.id;
    },
    edits: [
      (store, id) => store.runtime.updateThread(id, { title: `${CANARY} renamed` }),
      (store, id) =>
        store.runtime.saveItem(`turn_of_${id}`, {
          id: `item_of_${id}`,
          kind: 'agent_message',
          summary: `${CANARY} 2`,
          status: 'completed',
        }),
      (store, id) => store.runtime.finishTurn(`turn_of_${id}`, { status: 'failed', error: CANARY }),
      (store, id) => store.runtime.startTurn(id, { inputSummary: `${CANARY} 2` }),
      (store, id) => store.events.append(id, [{ type: 'note', payload: { text: CANARY } }]),
      (store, id) => store.runtime.deleteThread(id),
      (store, id) => store.runtime.restoreThread(id),
    ],
  },
  task: {
    table: 'tasks',
    show: (store, id) => store.tasks.get(id),
    remove: (store, id) => store.tasks.delete(id),
    listDeleted: (store) => store.tasks.list({ deleted: true }),
    async make(store) {
      return (await store.tasks.create({ prompt: CANARY, workspace: `/${CANARY}` })).id;
    },
    edits: [
      (store, id) => store.tasks.update(id, { prompt: `${CANARY} 2`, details: { note: CANARY } }),
      (store, id) => store.tasks.cancel(id),
      (store, id) => store.tasks.retry(id),
      (store, id) => store.tasks.archive(id),
      (store, id) => store.tasks.delete(id),
      (store, id) => store.tasks.restore(id),
    ],
  },
  automation: {
    table: 'automations',
    show: (store, id) => store.automations.get(id),
    remove: (store, id) => store.automations.delete(id),
    listDeleted: (store) => store.automations.list({ deleted: true }),
    async make(store) {
      const { id } = await store.automations.create({
        name: CANARY,
        prompt: CANARY,
        rule: 'FREQ=HOURLY;INTERVAL=2',
      });
      await store.automations.runNow(id, { details: { note: CANARY } });
      return id;
    },
    edits: [
      (store, id) => store.automations.update(id, { name: `${CANARY} 2`, prompt: `${CANARY} 2` }),
      (store, id) => store.automations.pause(id),
      (store, id) => store.automations.resume(id),
      (store, id) => store.automations.runNow(id, { details: { note: `${CANARY} 2` } }),
      (store, id) => store.automations.delete(id),
      (store, id) => store.automations.restore(id),
    ],
  },
};

async function group() {
  const hub = new FileHub({ path: join(tempFolder(), 'hub.db') });
  return { hub, f: await syncDevice('f', hub), g: await syncDevice('g', hub) };
}

async function expectGone(device: SyncDevice, table: string, id: string): Promise<void> {
  const text = await storeText(device.database);
  const left = text.split('\n').filter((line) => line.includes(CANARY));
  expect(left.map((line) => line.slice(0, 200))).toEqual([]);
  const [[deleted, purged] = []] = await device.database.read((reader) =>
    reader.rows(`select deleted_at, purged_at from ${table} where id = ?`, [id]),
  );
  expect({ deleted: deleted !== null, purged: purged !== null }).toEqual({
    deleted: true,
    purged: true,
  });
}

/** Entries of a hub that tell of it. As bytes: a payload begins with a NUL, at which `like` would end. */
async function canariesOn(hub: FileHub): Promise<number> {
  const sql = `select count(*) from hub_entries where instr(payload, cast('${CANARY}' as blob)) > 0`;
  return Number((await hub.run([{ sql, params: [] }], 'read'))[0]?.[0]?.[0]);
}

const digestOf = async ({ store }: SyncDevice) => (await store.sync.verify()).tables;

describe.each(Object.entries(KINDS))('a purged %s', (_, kind) => {
  it.each([
    ['before', 'f g f g'],
    ['after', 'g f g f'],
  ])(
    'stays empty everywhere, with the purge sent %s the edits of one that did not know',
    async (_, order) => {
      const { f, g } = await group();
      const id = await kind.make(f.store);
      for (const one of [f, g]) await one.sync();
      await f.store.purge(id);
      for (const edit of kind.edits) await edit(g.store, id);
      expect(await storeText(g.database)).toContain(`${CANARY} 2`.slice(0, CANARY.length));
      for (const name of order.split(' ')) await (name === 'f' ? f : g).sync();
      for (const one of [f, g]) await expectGone(one, kind.table, id);
      expect(await digestOf(g)).toEqual(await digestOf(f));
      for (const one of [f, g, f, g])
        expect(await one.sync()).toMatchObject({ pushed: 0, pulled: 0 });
    },
  );

  it('takes no edit any more, here and where it was heard of', async () => {
    const { f, g } = await group();
    const id = await kind.make(f.store);
    for (const one of [f, g]) await one.sync();
    await f.store.purge(id);
    for (const one of [f, g]) await one.sync();
    for (const one of [f, g]) {
      const before = await digestOf(one);
      for (const edit of kind.edits) {
        const outcome = await edit(one.store, id).then(
          () => 'done',
          (error: unknown) => (error as { code: string }).code,
        );
        if (outcome !== 'done') expect(['CONFLICT', 'NOT_FOUND']).toContain(outcome);
      }
      await expectGone(one, kind.table, id);
      expect(await digestOf(one)).toEqual(before);
    }
  });

  it('is neither shown nor listed any more, which one that is deleted is', async () => {
    const { f, g } = await group();
    const [id, deleted] = [await kind.make(f.store), await kind.make(f.store)];
    for (const one of [f, g]) await one.sync();
    await kind.remove(f.store, deleted);
    await f.store.purge(id);
    for (const one of [f, g]) {
      await one.sync();
      const { store } = one;
      await expect(kind.show(store, id)).rejects.toMatchObject({
        code: 'NOT_FOUND',
        message: expect.stringContaining('was purged') as string,
      });
      await kind.show(store, deleted);
      expect((await kind.listDeleted(store)).items.map((item) => item.id)).toEqual([deleted]);
    }
  });

  it('may be purged again and by both at once, and an unknown one is refused', async () => {
    const { f, g } = await group();
    const id = await kind.make(f.store);
    for (const one of [f, g]) await one.sync();
    await f.store.purge(id);
    await g.store.purge(id);
    for (const one of [f, g, f, g]) await one.sync();
    expect(await digestOf(g)).toEqual(await digestOf(f));
    const before = await digestOf(f);
    await f.store.purge(id);
    expect(await digestOf(f)).toEqual(before);
    expect(await f.sync()).toMatchObject({ pushed: 0, pulled: 0 });
    for (const one of [f, g]) {
      await expectGone(one, kind.table, id);
      expect((await one.store.sync.conflicts()).items).toEqual([]);
      await expect(one.store.purge('nothing')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    }
  });

  it('is no news that a device which joins has to tell', async () => {
    const { hub, f, g } = await group();
    const id = await kind.make(f.store);
    for (const one of [f, g]) await one.sync();
    await f.store.purge(id);
    for (const one of [f, g, f, g]) await one.sync();
    const h = await syncDevice('h', hub);
    const joined = await h.sync();
    expect(joined.pulled).toBeGreaterThan(0);
    expect(joined.pushed).toBe(0);
    expect(await digestOf(h)).toEqual(await digestOf(f));
    for (const one of [f, g, h]) expect(await one.sync()).toMatchObject({ pushed: 0, pulled: 0 });
  });
});

it('a purge is not taken back by a later word of somebody', async () => {
  const hub = new FileHub({ path: join(tempFolder(), 'hub.db') });
  const a = await syncDevice('a', hub);
  const b = await syncDevice('b', hub);
  const { id } = await a.store.sessions.create({ title: CANARY, workspace: '/w' });
  for (const one of [a, b]) await one.sync();
  await a.store.purge(id);
  await a.sync();
  const later = () => Date.now() + 60_000;
  await b.database.write({ now: later }, (transaction) => {
    transaction.update(sessions, id, { purged_at: 1 });
    const later = `substr(purge_version, 1, 15) || 'f' || substr(purge_version, 17)`;
    transaction.run(`update sessions set purged_at = null, purge_version = ${later} where id = ?`, [
      id,
    ]);
  });
  for (const one of [b, a, b, a]) await one.sync();
  for (const { database } of [a, b]) {
    const sql = `select count(*) from sessions where purged_at is not null and title <> '${CANARY}'`;
    expect(await database.read((reader) => reader.number(sql))).toBe(1);
  }
  expect((await a.store.sync.verify()).digest).toBe((await b.store.sync.verify()).digest);
});

it.each([
  ['while sync is off', true],
  ['and sync is turned off before it was sent', false],
])('a purge %s reaches what lies on the hub', async (_, offBefore) => {
  const hub = new FileHub({ path: join(tempFolder(), 'hub.db') });
  const a = await syncDevice('a', hub);
  const b = await syncDevice('b', hub);
  const { id } = await a.store.sessions.create({ title: CANARY, workspace: '/w' });
  await a.store.sessions.appendMessages(id, [say(1), say(2)]);
  // The cursor of a is beyond its own rows then: it does not read them again.
  for (const one of [a, b, a]) await one.sync();
  const off = () => a.store.sync.disable();
  expect(await canariesOn(hub)).toBe(3);
  if (offBefore) await off();
  await a.store.purge(id);
  if (!offBefore) await off();
  expect(await a.store.sync.status()).toMatchObject({ pendingRows: 0 });
  await turnOn(a.database, Date.now, 'a');
  await a.sync();
  expect(await canariesOn(hub)).toBe(0);
  await b.sync();
  await expectGone(b, 'sessions', id);
});

it('a purge that sync was off for goes before the marks of its rows', async () => {
  const sqld = await startSqld();
  const a = await device('a');
  const enable = () =>
    asMachine('a', () =>
      a.store.sync.enable(sqld.url, { name: 'a', encryption: false, pull: 'http' }),
    );
  await enable();
  const { id } = await a.store.sessions.create({ title: CANARY, workspace: '/w' });
  await a.store.sessions.appendMessages(id, [say(1), say(2)]);
  for (let i = 0; i < 2; i++) await a.sync();
  await a.store.sync.disable();
  await a.store.purge(id);
  await enable();
  await a.sync();
  const hub = new HttpHub({ url: sqld.url, token: () => undefined });
  const seqs = async (where: string) => {
    const sql = `select seq from hub_entries where table_name = ${where}`;
    return ((await hub.run([{ sql, params: [] }], 'read'))[0] ?? []).map(([seq]) => Number(seq));
  };
  const [purged = 0] = await seqs(`'sessions' and register = 'purge'`);
  const marks = await seqs(`'session_messages' and version = '1'`);
  expect(marks).toHaveLength(2);
  expect(Math.min(...marks)).toBeGreaterThan(purged);
});

it('a purge takes what a newer version of this library keeps beside it', async () => {
  const hub = new FileHub({ path: join(tempFolder(), 'hub.db') });
  const [a, b] = [await syncDevice('a', hub), await syncDevice('b', hub)];
  const { id } = await a.store.sessions.create({ title: 'untold', workspace: '/w' });
  await a.store.sessions.appendMessages(id, [say(1)]);
  const goal = await a.store.goals.upsert({ scope: 'session', ownerId: id, objective: 'o' });
  await a.database.write({ now: Date.now }, (transaction) => {
    const columns = JSON.stringify({ later: CANARY });
    transaction.insertPlain('unknown_columns', [
      { table_name: 'sessions', row_id: id, register: 'title', columns },
      { table_name: 'sessions', row_id: id, register: 'archive', columns },
      { table_name: 'goals', row_id: goal.id, register: 'state', columns },
    ]);
  });
  for (const one of [a, b]) await one.sync();
  expect(await storeText(b.database)).toMatch(/unknown_columns .*cassowary/);
  expect(await canariesOn(hub)).toBe(4);
  await b.store.purge(id);
  for (const one of [b, a, b, a]) await one.sync();
  expect(await canariesOn(hub)).toBe(0);
  for (const one of [a, b]) await expectGone(one, 'sessions', id);
  expect(await digestOf(a)).toEqual(await digestOf(b));
  for (const one of [a, b]) expect(await one.sync()).toMatchObject({ pushed: 0, pulled: 0 });
});

it('a purged session speaks through no trigger any more', async () => {
  const hub = new FileHub({ path: join(tempFolder(), 'hub.db') });
  const [a, b] = [await syncDevice('a', hub), await syncDevice('b', hub)];
  const { id } = await a.store.sessions.create({ title: CANARY, workspace: '/w' });
  const trigger = {
    fireAt: new Date(Date.now() + 10_000_000).toISOString(),
    message: CANARY,
    workspace: `/${CANARY}`,
    ownerSessionId: id,
    details: { note: CANARY },
  };
  const first = await a.store.triggers.create(trigger);
  const ended = await a.store.triggers.create(trigger);
  await a.store.triggers.fail(ended.id, { error: CANARY });
  const fired = await a.store.triggers.create(trigger);
  await a.store.triggers.fire(fired.id);
  for (const one of [a, b]) await one.sync();
  // One that the purge meets only later.
  await b.store.triggers.create(trigger);
  await a.store.purge(id);
  for (const one of [b, a]) await one.sync();
  await expectGone(a, 'sessions', id);
  for (const one of [a, b, a, b]) await one.sync();
  for (const { store } of [a, b]) {
    expect(await store.triggers.get(first.id)).toMatchObject({ status: 'canceled', message: '' });
    expect(await store.triggers.get(ended.id)).toMatchObject({ status: 'failed', error: null });
    await expect(store.triggers.create(trigger)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    const failing = store.triggers.fail(fired.id, { error: CANARY });
    await expect(failing).rejects.toMatchObject({ code: 'NOT_FOUND' });
  }
  for (const one of [a, b]) await expectGone(one, 'sessions', id);
  expect(await digestOf(a)).toEqual(await digestOf(b));
});
