import { join } from 'node:path';
import Driver from 'libsql';
import { expect, it } from 'vitest';
import { openStore, rebuildStore } from '../../src/index.ts';
import { runtimeThreads } from '../../src/model/registers.ts';
import { importWith } from '../support/export-tools.ts';
import { FileHub } from '../support/file-hub.ts';
import { SmallHome, time } from '../support/small-home.ts';
import { storeText } from '../support/store-text.ts';
import { syncDevice } from '../support/sync-device.ts';
import { tempFolder } from '../support/temp-store.ts';

const THREAD = 'thr_0a1b2c3d';
const SESSION = '5d0d3c0e-7a55-4f0b-9a3e-8a1f0c2b7d61';

/** How the old program writes a thread at a time in unix seconds. */
function write(home: SmallHome, at: number, members: object): void {
  home.put(`tasks/runtime/threads/${THREAD}.json`, {
    ...{ id: THREAD, created_at: time(1), updated_at: time(at), model: 'm', workspace: '/w' },
    ...{
      mode: 'agent',
      allow_shell: true,
      trust_mode: false,
      auto_approve: false,
      title: 'legacy',
    },
    ...members,
  });
}

type Device = Awaited<ReturnType<typeof syncDevice>>;

/** Devices of one group whose clock is set in unix seconds. */
async function devices(...names: string[]) {
  const clock = { ms: 0 };
  const at = (seconds: number) => (clock.ms = seconds * 1000);
  const hub = new FileHub({ path: join(tempFolder(), 'hub.db'), now: () => clock.ms });
  at(50);
  const all = await Promise.all(
    names.map((name) => syncDevice(name, hub, { now: () => clock.ms++ })),
  );
  const meet = async () => {
    for (let i = 0; i < 2; i++) for (const one of all) await one.sync();
  };
  return { at, meet, all: all as [Device, Device] };
}

const shown = async ({ store }: Device) => {
  const { title, model, details } = await store.runtime.getThread(THREAD);
  return { title, model, note: details['note'] ?? null, allow: details['allow_shell'] };
};

async function edit({ store }: Device, members: object): Promise<void> {
  const { details } = await store.runtime.getThread(THREAD);
  await store.runtime.updateThread(THREAD, { details: { ...details, ...members } });
}

const remembered = ({ database }: Device) =>
  database.read((reader) => reader.number('select count(*) from imported_bodies'));

it('what an older file brings is known to the next import', async () => {
  const { at, all } = await devices('a');
  const [a] = all;
  const home = new SmallHome();
  write(home, 10, {});
  await a.store.import([home.root]);
  at(300);
  await a.store.runtime.updateThread(THREAD, { model: 'mine' });
  // Renamed before that edit.
  write(home, 200, { title: 'theirs' });
  await a.store.import([home.root]);
  expect(await shown(a)).toMatchObject({ title: 'theirs', model: 'mine' });
  await a.store.runtime.updateThread(THREAD, { title: 'mine' });
  write(home, 600, { title: 'theirs', system_prompt: 'p' });
  at(700);
  await a.store.import([home.root]);
  expect(await shown(a)).toMatchObject({ title: 'mine', model: 'mine' });
});

it('of what both changed the later one holds, and the rest of an older file comes in', async () => {
  const { at, all } = await devices('a');
  const [a] = all;
  const home = new SmallHome();
  write(home, 10, { note: 'legacy' });
  await a.store.import([home.root]);
  at(300);
  await edit(a, { note: 'mine' });
  await a.store.runtime.updateThread(THREAD, { mode: 'plan' });
  write(home, 200, { note: 'theirs', allow_shell: false, model: 'next', mode: 'operate' });
  await a.store.import([home.root]);
  expect(await shown(a)).toMatchObject({ note: 'mine', allow: false, model: 'next' });
  expect((await a.store.runtime.getThread(THREAD)).mode).toBe('plan');
  // Older still, as in a copy of the home that was forgotten: it brings nothing.
  const old = new SmallHome();
  write(old, 100, { note: 'old', allow_shell: true, model: 'old' });
  expect((await a.store.import([old.root])).totals).toMatchObject({ updated: 0 });
  write(home, 600, { note: 'theirs', allow_shell: true, model: 'next', mode: 'operate' });
  at(700);
  await a.store.import([home.root]);
  expect(await shown(a)).toMatchObject({ note: 'mine', allow: true });
  write(home, 800, { note: 'theirs at last', allow_shell: true, model: 'next', mode: 'agent' });
  at(900);
  await a.store.import([home.root]);
  expect(await shown(a)).toMatchObject({ note: 'theirs at last' });
  expect((await a.store.runtime.getThread(THREAD)).mode).toBe('agent');
});

it('what an edit and the old program came to say alike is of the import again', async () => {
  const { at, all } = await devices('a');
  const [a] = all;
  const home = new SmallHome();
  write(home, 10, { note: 'legacy' });
  await a.store.import([home.root]);
  expect(await remembered(a)).toBe(0);
  at(300);
  await edit(a, { note: 'next' });
  expect(await remembered(a)).toBe(1);
  write(home, 400, { note: 'next' });
  at(500);
  await a.store.import([home.root]);
  expect(await remembered(a)).toBe(0);
  // Nothing of former edits is known any more.
  write(home, 600, { note: 'legacy' });
  at(700);
  await a.store.import([home.root]);
  expect(await shown(a)).toMatchObject({ note: 'legacy' });
});

it('devices that import one file beside one edit end alike, whoever made it', async () => {
  const { at, meet, all } = await devices('a', 'b');
  const [a, b] = all;
  const home = new SmallHome();
  write(home, 10, { note: 'legacy' });
  for (const { store } of all) await store.import([home.root]);
  await meet();
  at(300);
  await edit(b, { note: 'mine' });
  await meet();
  for (const [seconds, more] of [
    [200, { allow_shell: false }],
    [600, { allow_shell: false, model: 'next' }],
    [800, { allow_shell: true, model: 'next' }],
  ] as const) {
    write(home, seconds, { note: 'legacy', ...more });
    at(seconds + 150);
    for (const { store } of all) await store.import([home.root]);
    await meet();
    for (const one of all) {
      expect(await shown(one)).toMatchObject({ note: 'mine', allow: more.allow_shell });
    }
    expect(await shown(a)).toEqual(await shown(b));
  }
  const [x, y] = [await a.store.sync.verify(), await b.store.sync.verify()];
  expect(x.digest).toBe(y.digest);
  for (const one of all) expect((await one.store.sync.conflicts()).items).toEqual([]);
  for (const { store } of all) {
    expect((await store.import([home.copy().root])).totals).toMatchObject({ updated: 0 });
  }
});

it('an import that wins over an edit that it did not know leaves nothing to remember', async () => {
  const { at, meet, all } = await devices('a', 'b');
  const [a, b] = all;
  const home = new SmallHome();
  write(home, 10, { note: 'legacy' });
  for (const { store } of all) await store.import([home.root]);
  await meet();
  at(300);
  await edit(a, { note: 'mine' });
  expect(await remembered(a)).toBe(1);
  write(home, 600, { note: 'theirs' });
  at(700);
  await b.store.import([home.root]);
  await meet();
  expect(await shown(a)).toMatchObject({ note: 'theirs' });
  expect(await remembered(a)).toBe(0);
});

it('a budget of a goal whose file has no time stays beside what is used', async () => {
  const { at, all } = await devices('a');
  const [{ store }] = all;
  const home = new SmallHome();
  const put = (used: number) => {
    home.put(`sessions/.goals/${SESSION}.json`, {
      ...{ schema_version: 1, objective: 'o', status: 'active', token_budget: 100 },
      ...{ tokens_used: used, time_used_seconds: 0, continuation_count: 0 },
    });
  };
  home.put(`sessions/${SESSION}.json`, {
    metadata: {
      ...{ id: SESSION, title: 'legacy', created_at: time(1), updated_at: time(10) },
      ...{ message_count: 0, total_tokens: 0, model: 'm', workspace: '/w' },
    },
    messages: [],
  });
  put(1);
  expect((await store.import([home.root])).totals).toMatchObject({ failed: 0 });
  at(300);
  await store.goals.upsert({ scope: 'session', ownerId: SESSION, tokenBudget: 5000 });
  put(20);
  at(400);
  await store.import([home.root]);
  const goal = await store.goals.get('session', SESSION);
  expect([goal.tokenBudget, goal.tokensUsed]).toEqual([5000, 20]);
});

it('a session goes on with the conversation of its file beside an edited detail', async () => {
  const { at, all } = await devices('a');
  const [{ store }] = all;
  const home = new SmallHome();
  const put = (seconds: number, ...texts: string[]) => {
    home.put(`sessions/${SESSION}.json`, {
      metadata: {
        ...{ id: SESSION, title: 'legacy', created_at: time(1), updated_at: time(seconds) },
        ...{ message_count: texts.length, total_tokens: 0, model: 'm', workspace: '/w' },
      },
      messages: texts.map((text) => ({ role: 'user', content: [{ type: 'text', text }] })),
    });
  };
  put(10, 'one', 'two');
  await store.import([home.root]);
  at(300);
  await store.sessions.update(SESSION, { details: { note: 'mine' } });
  // It went back, and on another way.
  put(600, 'one', 'three');
  at(700);
  await store.import([home.root]);
  const { items } = await store.sessions.messages(SESSION);
  expect(JSON.stringify(items.map(({ content }) => content))).toMatch(/one.*three/);
  expect((await store.sessions.get(SESSION)).details['note']).toBe('mine');
});

it('the tools of a thread come along beside an edited detail', async () => {
  const { at, all } = await devices('a');
  const [{ store }] = all;
  const home = new SmallHome();
  const row = (seconds: number) => {
    home.row('threads', {
      ...{ id: 't1', preview: 'p', ephemeral: 0, model_provider: 'm', created_at: 1 },
      ...{ updated_at: seconds, status: 'idle', cwd: '/w', cli_version: 'v', source: 'api' },
    });
  };
  row(10);
  await store.import([home.root]);
  at(300);
  await store.threads.upsert({ id: 't1', details: { note: 'mine' } });
  row(600);
  home.row('thread_dynamic_tools', {
    ...{ thread_id: 't1', position: 0, name: 'new', input_schema: '{}' },
  });
  at(700);
  await store.import([home.root]);
  expect((await store.threads.tools('t1')).map(({ name }) => name)).toEqual(['new']);
  expect((await store.threads.get('t1')).details['note']).toBe('mine');
});

it('a deletion of a goal holds where another device imports the same file without knowing of it', async () => {
  const { at, meet, all } = await devices('a', 'b');
  const [a] = all;
  const home = new SmallHome();
  const threads = ['1', '2', '3', '4', '5', '6'].map((digit) => `thr_0a1b2c3${digit}`);
  const put = (seconds: number, used: number) => {
    for (const id of threads) {
      home.put(`tasks/runtime/goals/${id}.json`, {
        ...{ thread_id: id, goal_id: 'g', objective: 'o', status: 'active', created_at: 1 },
        ...{ tokens_used: used, time_used_seconds: 0, continuation_count: 0, updated_at: seconds },
      });
    }
  };
  for (const id of threads) {
    home.put(`tasks/runtime/threads/${id}.json`, {
      ...{ id, created_at: time(1), updated_at: time(10), model: 'm', workspace: '/w' },
      ...{ mode: 'agent', allow_shell: true, trust_mode: false, auto_approve: false },
    });
  }
  put(10, 1);
  for (const { store } of all) await store.import([home.root]);
  await meet();
  at(300);
  for (const id of threads) await a.store.goals.delete('runtime', id);
  put(600, 2);
  at(700);
  for (const { store } of all) await store.import([home.root]);
  await meet();
  for (const { store } of all) expect((await store.goals.list()).items).toEqual([]);
});

it.each(['here', 'elsewhere'])('a purge %s takes what is remembered along', async (where) => {
  const { at, meet, all } = await devices('a', 'b');
  const [a, b] = all;
  const home = new SmallHome();
  write(home, 10, { note: `cassowary ${'x'.repeat(10)}`, title: 't' });
  home.put(`tasks/runtime/goals/${THREAD}.json`, {
    ...{ thread_id: THREAD, goal_id: 'g', objective: 'cassowary', status: 'active' },
    ...{
      tokens_used: 0,
      time_used_seconds: 0,
      continuation_count: 0,
      created_at: 1,
      updated_at: 10,
    },
  });
  for (const { store } of all) await store.import([home.root]);
  await meet();
  at(300);
  await edit(a, { note: 'mine' });
  await a.store.goals.upsert({ scope: 'runtime', ownerId: THREAD, objective: 'mine' });
  await meet();
  for (const one of all) expect(await remembered(one)).toBe(2);
  await (where === 'here' ? a : b).store.purge(THREAD);
  await meet();
  for (const one of all) {
    expect(await remembered(one)).toBe(0);
    expect(await storeText(one.database)).not.toContain('cassowary');
  }
});

it('a large body that is remembered stays among the blobs, and is compared', async () => {
  const { at, all } = await devices('a');
  const [a] = all;
  const home = new SmallHome();
  const long = 'a line\n'.repeat(2000);
  write(home, 10, { system_prompt: long, note: 'legacy' });
  await a.store.import([home.root]);
  at(300);
  await edit(a, { note: 'mine' });
  await a.store.vacuum();
  const { checks } = await a.store.check();
  expect(checks.filter(({ ok, name }) => !ok && name !== 'leases')).toEqual([]);
  write(home, 600, { system_prompt: `${long}more`, note: 'legacy' });
  at(700);
  await a.store.import([home.root]);
  const { details } = await a.store.runtime.getThread(THREAD);
  expect(details).toMatchObject({ system_prompt: `${long}more`, note: 'mine' });
});

it('of a body that damage took nothing is remembered: an import brings it back', async () => {
  const path = join(tempFolder(), 'store.db');
  const home = new SmallHome();
  const long = 'a line\n'.repeat(2000);
  write(home, 10, { system_prompt: long });
  let store = await openStore({ path });
  await store.import([home.root]);
  await store.runtime.updateThread(THREAD, { details: { system_prompt: `${long}mine` } });
  await store.close();
  const driver = new Driver(path);
  for (const [table, column] of Object.entries({ blobs: 'hash', blob_chunks: 'hash' })) {
    driver.exec(`delete from ${table} where ${column} in (select body_hash from runtime_threads)`);
  }
  driver.close();
  const { tables } = await rebuildStore(path);
  expect(tables.find(({ table }) => table === 'runtime_threads')).toMatchObject({ emptied: 1 });
  store = await openStore({ path });
  await store.import([home.root]);
  expect((await store.runtime.getThread(THREAD)).details).toMatchObject({ system_prompt: long });
  await store.close();
});

it('where an earlier version imported, columns stay as edited, and it is remembered from then on', async () => {
  const { at, all } = await devices('a');
  const [a] = all;
  const home = new SmallHome();
  write(home, 10, { note: 'legacy' });
  await a.store.import([home.root]);
  at(300);
  await a.store.runtime.updateThread(THREAD, { model: 'mine' });
  await a.database.write({ now: Date.now }, (transaction) =>
    transaction.run('delete from imported_bodies'),
  );
  write(home, 200, { note: 'older' });
  await a.store.import([home.root]);
  expect(await shown(a)).toMatchObject({ model: 'mine', note: 'legacy' });
  write(home, 600, { note: 'theirs' });
  at(700);
  await a.store.import([home.root]);
  expect(await shown(a)).toMatchObject({ model: 'mine', note: 'theirs' });
  expect(await remembered(a)).toBe(1);
  await edit(a, { note: 'mine' });
  write(home, 800, { note: 'theirs', allow_shell: false });
  at(900);
  await a.store.import([home.root]);
  expect(await shown(a)).toMatchObject({ model: 'mine', note: 'mine', allow: false });
});

it('of a record that damage took nothing is remembered either', async () => {
  const path = join(tempFolder(), 'store.db');
  const home = new SmallHome();
  write(home, 10, { note: 'legacy' });
  home.put('tasks/runtime/turns/turn_11223344.json', {
    ...{ id: 'turn_11223344', thread_id: THREAD, status: 'completed', created_at: time(1) },
    ...{ input_summary: 's', item_ids: [] },
  });
  let store = await openStore({ path });
  expect((await store.import([home.root])).totals).toMatchObject({ imported: 2, failed: 0 });
  await store.runtime.updateThread(THREAD, { details: { note: 'mine' } });
  await store.close();
  const driver = new Driver(path);
  driver.exec('pragma foreign_keys = off; delete from runtime_threads');
  driver.close();
  await rebuildStore(path);
  store = await openStore({ path });
  await store.import([home.root]);
  expect((await store.runtime.getThread(THREAD)).details).toMatchObject({ note: 'legacy' });
  await store.close();
});

it('what is stamped anew, because a clock was wrong, is known as before', async () => {
  const { at, all } = await devices('a');
  const [a] = all;
  const home = new SmallHome();
  write(home, 10, { note: 'legacy' });
  await a.store.import([home.root]);
  at(300);
  await a.database.write({ now: () => 300_000 }, (transaction) => {
    transaction.restamp(runtimeThreads, THREAD, 'details', null);
  });
  await edit(a, { note: 'mine' });
  write(home, 600, { note: 'legacy', allow_shell: false });
  at(700);
  await a.store.import([home.root]);
  expect(await shown(a)).toMatchObject({ note: 'mine', allow: false });
});

it('a large record is merged, too', async () => {
  const { at, all } = await devices('a');
  const [a] = all;
  const home = new SmallHome();
  const long = '文é'.repeat(700_000);
  const taken = () => importWith(a.database.path, { largeBytes: 1 << 16 }, home.root);
  write(home, 10, { system_prompt: long, note: 'legacy', other: long });
  await taken();
  at(300);
  await edit(a, { note: 'mine' });
  write(home, 600, { system_prompt: `${long}more`, note: 'legacy', other: long });
  await taken();
  const { details } = await a.store.runtime.getThread(THREAD);
  expect(details['note']).toBe('mine');
  expect(details['system_prompt'] === `${long}more` && details['other'] === long).toBe(true);
});

it('a job whose body damage took is emptied as every record', async () => {
  const path = join(tempFolder(), 'store.db');
  const home = new SmallHome();
  const job = {
    id: 'j1',
    name: 'n',
    status: 'running',
    progress: 1,
    created_at: 1,
    updated_at: 10,
  };
  home.row('jobs', { ...job, detail: 'a line\n'.repeat(2000) });
  let store = await openStore({ path });
  await store.import([home.root]);
  await store.close();
  const driver = new Driver(path);
  driver.exec('delete from blobs; delete from blob_chunks');
  driver.close();
  const { tables } = await rebuildStore(path);
  expect(tables.find(({ table }) => table === 'jobs')).toMatchObject({ emptied: 1 });
  store = await openStore({ path });
  expect((await store.jobs.get('j1')).details).toEqual({});
  await store.import([home.root]);
  expect((await store.jobs.get('j1')).details['detail']).toHaveLength(14_000);
  await store.close();
});
