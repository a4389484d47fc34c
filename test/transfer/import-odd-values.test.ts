import { mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import Driver from 'libsql';
import { describe, expect, it } from 'vitest';
import { openStore, type Store } from '../../src/index.ts';
import { stateHome } from '../support/state-db-home.ts';
import { tempFolder, tempStore } from '../support/temp-store.ts';

/** One job that comes in, and a thread `t1` with two messages; then what `more` makes of it. */
const homeWith = (more: string) =>
  stateHome(
    {
      updatedAt: 100,
      leaf: 2n,
      messages: [
        [1n, 'one', null],
        [2n, 'two', 1n],
      ],
    },
    `insert into jobs (id, name, status, created_at, updated_at) values ('j1', 'n', 'queued', 1, 1);
     insert into checkpoints values ('t1', 'c1', '{}', 1);
     insert into thread_goals (thread_id, goal_id, objective, status, created_at, updated_at)
       values ('t1', 'g', 'o', 'active', 1, 1);
     ${more}`,
  );

const problemsOf = async (store: Store, home: string) =>
  (await store.import([home])).problems.map(({ kind, reason }) => `${kind} ${reason}`);

function homeOf(files: Record<string, object>): string {
  const home = join(tempFolder(), 'home');
  for (const [name, value] of Object.entries(files)) {
    mkdirSync(dirname(join(home, name)), { recursive: true });
    writeFileSync(join(home, name), JSON.stringify(value));
    utimesSync(join(home, name), 1, 1);
  }
  return home;
}

const thread = {
  ...{ schema_version: 2, id: 'thr_1', model: 'm', workspace: '/w', mode: 'agent' },
  ...{ created_at: '2026-08-18T09:15:02Z', updated_at: '2026-08-18T09:15:02Z' },
  ...{ allow_shell: true, trust_mode: false, auto_approve: false },
};
const turn = (id: string, created_at: string) => ({
  ...{ schema_version: 2, id, thread_id: 'thr_1', input_summary: id, status: 'completed' },
  created_at,
});

describe('an import of a state.db', () => {
  it.each([
    ['messages', 'created_at', 'state.messages'],
    ['checkpoints', 'created_at', 'state.checkpoints'],
    ['jobs', 'created_at', 'state.jobs'],
    ['jobs', 'updated_at', 'state.jobs'],
    ['thread_goals', 'updated_at', 'state.thread_goals'],
  ])(
    'refuses one row with an odd time in %s.%s, and takes the others',
    async (table, column, kind) => {
      for (const odd of ['9223372036854775807', '9000000000000', '1782643272000', '-1e12']) {
        const store = await tempStore();
        const at = `rowid = (select min(rowid) from ${table})`;
        const home = homeWith(
          `update ${table} set ${column} = cast(${odd} as integer) where ${at};`,
        );
        const report = await store.import([home]);
        expect(report.problems).toMatchObject([{ kind, class: 'reject', reason: 'invalid_value' }]);
        expect(report.totals).toMatchObject({ imported: 5, failed: 1 });
        expect((await store.threads.list()).items).toMatchObject([{ id: 't1' }]);
        await store.jobs.list();
        expect((await store.import([home])).totals).toMatchObject({ imported: 0, failed: 1 });
      }
    },
  );

  it('keeps what belongs to a thread with an odd time apart, until that is mended', async () => {
    const home = homeWith('update threads set archived_at = 9223372036854775807;');
    const store = await tempStore();
    const { totals } = await store.import([home]);
    expect(totals).toMatchObject({ imported: 1, orphaned: 4, failed: 1 });
    const driver = new Driver(join(home, 'state.db'));
    driver.exec('update threads set archived_at = null');
    driver.close();
    await store.import([home]);
    expect((await store.threads.messages('t1')).items).toHaveLength(2);
  });

  it('refuses ids that no statement finds again', async () => {
    const job = (id: string) =>
      `insert into jobs (id, name, status, created_at, updated_at) values (${id}, 'n', 'queued', 1, 1);`;
    const home = homeWith(job(`'j' || char(0) || 'x'`) + job(`printf('%.5001c', 'j')`));
    const store = await tempStore();
    expect(await problemsOf(store, home)).toEqual(['state.jobs unsafe_id', 'state.jobs unsafe_id']);
    const { items } = await store.jobs.list();
    expect(items.map(({ id }) => id)).toEqual(['j1']);
  });
});

describe('a record that the store does not take', () => {
  /** A store that refuses what a condition says, as nothing that is imported should make it. */
  async function refusing(table: string, condition: string): Promise<Store> {
    const path = join(tempFolder(), 'store.db');
    await (await openStore({ path })).close();
    const driver = new Driver(path);
    driver.exec(
      `create trigger refuse before insert on ${table} when ${condition}
       begin select raise(abort, 'no'); end`,
    );
    driver.close();
    return tempStore({ path });
  }

  it('costs only itself, and is tried again', async () => {
    const store = await refusing('thread_messages', `new.id like 'msg1~%'`);
    const home = homeWith('');
    const report = await store.import([home]);
    expect(report.problems).toMatchObject([
      { path: 'state.db:messages', kind: 'state.messages', class: 'reject', reason: 'not_stored' },
    ]);
    expect(report.totals).toMatchObject({ found: 6, imported: 5, failed: 1 });
    const dry = await store.import([home], { dryRun: true });
    expect(dry.totals).toMatchObject({ unchanged: 5, failed: 1 });
    const driver = new Driver(store.path);
    driver.exec('drop trigger refuse');
    driver.close();
    expect((await store.import([home])).totals).toMatchObject({ imported: 1, failed: 0 });
    expect((await store.threads.messages('t1')).items).toHaveLength(2);
    expect((await store.import([home])).totals).toMatchObject({ unchanged: 6, failed: 0 });
  });

  it('does not make others come in twice', async () => {
    const line = (event: string) =>
      JSON.stringify({
        ...{ schema_version: 2, seq: 1, timestamp: '2026-08-18T09:15:02Z', thread_id: 'thr_1' },
        ...{ event, payload: null },
      });
    const home = homeOf({ 'tasks/runtime/threads/thr_1.json': thread });
    mkdirSync(join(home, 'tasks/runtime/events'), { recursive: true });
    const log = join(home, 'tasks/runtime/events/thr_1.jsonl');
    writeFileSync(log, `${[line('a'), line('a'), line('bad')].join('\n')}\n`);
    const store = await refusing('runtime_events', `new.type = 'bad'`);
    const report = await store.import([home]);
    expect(report.problems).toMatchObject([{ line: 3, kind: 'events', reason: 'not_stored' }]);
    const { items: first } = await store.events.since('thr_1', 0);
    expect(first.map(({ type }) => type)).toEqual(['a', 'a']);
    expect((await store.import([home])).totals).toMatchObject({ imported: 0, failed: 1 });
    const other = await tempStore();
    await other.import([home]);
    const ids = (events: readonly { id: string }[]) => events.map(({ id }) => id);
    const { items } = await other.events.since('thr_1', 0);
    expect(ids(items).slice(0, 2)).toEqual(ids(first));
  });
});

describe('an import of files', () => {
  it('refuses times that an offset leads out of the years 0 to 9999', async () => {
    const odd = ['0000-01-01T00:00:00+00:01', '9999-12-31T23:59:59-00:01', '9999-12-31T23:59:60Z'];
    const good = ['0000-01-01T00:00:00Z', '9999-12-31T23:59:59.999Z'];
    const files = [...odd, ...good].map((time, i) => {
      const id = `thr_${i}`;
      return [`tasks/runtime/threads/${id}.json`, { ...thread, id, created_at: time }];
    });
    const store = await tempStore();
    const home = homeOf(Object.fromEntries(files) as Record<string, object>);
    expect(await problemsOf(store, home)).toEqual(odd.map(() => 'threads invalid_value'));
    const { items } = await store.runtime.listThreads();
    expect(items.map(({ createdAt }) => createdAt).sort()).toEqual([
      '0000-01-01T00:00:00.000Z',
      good[1],
    ]);
  });

  it('keeps turns of any year in order, at places that are exact numbers', async () => {
    const times = [
      ...['0001-01-01T00:00:00Z', '0001-01-01T00:00:01Z', '1500-01-01T00:00:00Z'],
      ...['2026-01-01T00:00:00.000001Z', '2026-01-01T00:00:00.000002Z'],
      ...['2300-01-01T00:00:00Z', '9999-12-31T23:59:58Z', '9999-12-31T23:59:59Z'],
    ];
    const order = ['d', 'h', 'a', 'g', 'b', 'f', 'c', 'e'];
    const files = times.map((time, i) => {
      const id = `turn_${order[i]}`;
      return [`tasks/runtime/turns/${id}.json`, turn(id, time)];
    });
    const home = homeOf({
      ...(Object.fromEntries(files) as Record<string, object>),
      'tasks/runtime/threads/thr_1.json': { ...thread, latest_turn_id: 'turn_e' },
    });
    const store = await tempStore();
    expect(await problemsOf(store, home)).toEqual([]);
    const { items } = await store.runtime.listTurns('thr_1');
    expect(items.map(({ id }) => id)).toEqual(order.map((letter) => `turn_${letter}`));
    const driver = new Driver(store.path);
    const places = driver.prepare('select position from runtime_turns').safeIntegers().raw().all();
    driver.close();
    for (const [place] of places as [bigint][]) {
      expect(Number.isSafeInteger(Number(place))).toBe(true);
    }
  });

  it('takes a queue of unsent input whose file is of the far future', async () => {
    const home = homeOf({
      'sessions/checkpoints/offline_queue.json': { schema_version: 1, messages: [] },
    });
    utimesSync(join(home, 'sessions/checkpoints/offline_queue.json'), 4e11, 4e11);
    const store = await tempStore();
    expect((await store.import([home])).totals.failed).toBe(0);
    await store.offlineQueue.list();
  });
});

it('what earlier imports stored beyond the year 9999 is listed, as of its last moment', async () => {
  const store = await tempStore();
  await store.import([homeWith('')]);
  const driver = new Driver(store.path);
  const version = '1ff973cafa80000000-import-0123456789ab';
  driver.exec(`update threads set created_at = 9000000000000000, updated_at = 9000000000000000,
      details_version = '${version}';
    update jobs set created_at = 9000000000000000, updated_at = 9000000000000000,
      state_version = '${version}'`);
  driver.close();
  const last = '9999-12-31T23:59:59.999Z';
  expect((await store.threads.list()).items).toMatchObject([{ createdAt: last, updatedAt: last }]);
  expect((await store.jobs.list()).items).toMatchObject([{ updatedAt: last }]);
  await store.export(join(tempFolder(), 'out'), { format: 'jsonl' });
  await store.export(join(tempFolder(), 'out'), { format: 'legacy' });
});
