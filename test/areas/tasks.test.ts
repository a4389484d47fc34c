import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Connection } from '../../src/db/connection.ts';
import type { Store, Task, TaskStatus } from '../../src/index.ts';
import { builtLibrary } from '../support/built-library.ts';
import { knownDevices } from '../support/known-devices.ts';
import { expectIndexed, statementLog } from '../support/query-plans.ts';
import { tempStore } from '../support/temp-store.ts';

const WORKER = fileURLToPath(new URL('../support/claim-worker.mjs', import.meta.url));

const HOUR = 60 * 60_000;

async function setup() {
  const clock = { now: Date.parse('2026-08-18T09:00:00Z') };
  const log = statementLog();
  const store = await tempStore({ clock: () => clock.now, logger: log.logger });
  const create = (prompt: string) => store.tasks.create({ prompt, workspace: '/w' });
  const claim = async (owner = 'w1', leaseMs = 1000): Promise<Task> => {
    const task = await store.tasks.claim({ owner, leaseMs });
    if (!task) throw new Error('the queue is empty');
    return task;
  };
  return { store, clock, log, create, claim };
}

function rawly(store: Store, ...statements: string[]): void {
  const connection = new Connection(store.path, { busyWaitMs: 1000, readOnly: false });
  for (const sql of statements) connection.run(sql);
  connection.close();
}

describe('tasks', () => {
  it('are made, changed, and found by their words', async () => {
    const { store, create } = await setup();
    const task = await create('  review the loader ');
    expect(task.id).toMatch(/^task_[0-9a-z]{26}$/);
    expect(task).toMatchObject({
      prompt: 'review the loader',
      status: 'queued',
      attempt: 1,
      createdAt: '2026-08-18T09:00:00.000Z',
      updatedAt: '2026-08-18T09:00:00.000Z',
      startedAt: null,
      details: {},
    });
    const changed = await store.tasks.update(task.id, {
      prompt: 'review the whale',
      threadId: 'thr_1',
      details: { checklist: { items: [] } },
    });
    expect(changed).toEqual({
      ...task,
      prompt: 'review the whale',
      threadId: 'thr_1',
      details: { checklist: { items: [] } },
    });
    expect((await store.search('whale')).items).toMatchObject([{ kind: 'task', id: task.id }]);
    await store.tasks.delete(task.id);
    expect((await store.search('whale')).items).toEqual([]);
    expect(await store.tasks.claim({ owner: 'w', leaseMs: 1 })).toBeNull();
    await store.tasks.restore(task.id);
    expect((await store.search('whale')).items).toHaveLength(1);
    await expect(create('  ')).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    await expect(store.tasks.get('none')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('are counted by status', async () => {
    const { store, create, claim, log } = await setup();
    for (const prompt of ['a', 'b', 'c']) await create(prompt);
    await claim();
    log.take();
    const counts = await store.tasks.counts();
    expect(counts).toEqual({ queued: 2, running: 1, completed: 0, failed: 0, canceled: 0 });
    const statements = log.take();
    expectIndexed(store.path, statements);
  });
});

describe('the queue', () => {
  it('is first in, first out, also within one millisecond', async () => {
    const { create, claim } = await setup();
    const made: string[] = [];
    for (let i = 0; i < 5; i++) made.push((await create(`task ${i}`)).id);
    const claimed: string[] = [];
    for (let i = 0; i < 5; i++) claimed.push((await claim()).id);
    expect(claimed).toEqual(made);
  });

  it('leads a task from the claim to its end', async () => {
    const { store, clock, create, claim } = await setup();
    const { id } = await create('a');
    clock.now += 1000;
    expect(await claim('w1')).toMatchObject({
      id,
      status: 'running',
      startedAt: '2026-08-18T09:00:01.000Z',
      updatedAt: '2026-08-18T09:00:01.000Z',
    });
    expect(await store.tasks.claim({ owner: 'w1', leaseMs: 1000 })).toBeNull();
    expect(await store.tasks.heartbeat({ id, owner: 'w1', leaseMs: 2000 })).toEqual({
      id,
      owner: 'w1',
      expiresAt: '2026-08-18T09:00:03.000Z',
      cancelRequested: false,
    });
    for (const refused of [
      store.tasks.heartbeat({ id, owner: 'w2', leaseMs: 1 }),
      store.tasks.finish(id, { owner: 'w2' }),
      store.tasks.retry(id),
      store.tasks.handOver(id, 'OTHER'),
    ]) {
      await expect(refused).rejects.toMatchObject({ code: 'CONFLICT' });
    }
    clock.now += 1000;
    const done = await store.tasks.finish(id, {
      owner: 'w1',
      summary: 'two whales',
      details: { gates: [1] },
    });
    expect(done).toMatchObject({
      status: 'completed',
      endedAt: '2026-08-18T09:00:02.000Z',
      details: { gates: [1], result_summary: 'two whales', terminal_reason: 'completed' },
    });
    expect((await store.search('whales')).items).toMatchObject([{ kind: 'task', id }]);
    const again = store.tasks.finish(id, { owner: 'w1' });
    await expect(again).rejects.toMatchObject({ code: 'CONFLICT' });
  });

  it('forgets a canceled task at once, and asks for a running one to stop', async () => {
    const { store, create, claim } = await setup();
    const [queued, running] = [await create('a'), await create('b')];
    expect(await store.tasks.cancel(queued.id)).toMatchObject({
      status: 'canceled',
      endedAt: '2026-08-18T09:00:00.000Z',
    });
    expect((await claim()).id).toBe(running.id);
    const asked = await store.tasks.cancel(running.id);
    expect(asked).toMatchObject({
      status: 'running',
      details: { cancel_requested: '2026-08-18T09:00:00.000Z' },
    });
    const lease = await store.tasks.heartbeat({ id: running.id, owner: 'w1', leaseMs: 1 });
    expect(lease.cancelRequested).toBe(true);
    const finished = await store.tasks.finish(running.id, { owner: 'w1', status: 'completed' });
    expect(finished.status).toBe('canceled');
    expect(await store.tasks.cancel(running.id)).toEqual(finished);
  });

  it('takes a task that ended once more, as a new attempt at its end', async () => {
    const { store, clock, create, claim } = await setup();
    const first = await create('a');
    const second = await create('b');
    await claim();
    await store.tasks.cancel(first.id);
    await store.tasks.finish(first.id, {
      owner: 'w1',
      status: 'failed',
      error: 'no',
      summary: 's',
    });
    clock.now += 60_000;
    const again = await store.tasks.retry(first.id);
    // Worked on now: it stands at the top of the list.
    expect(again.updatedAt).toBe('2026-08-18T09:01:00.000Z');
    expect((await store.tasks.list()).items.map(({ id }) => id)).toEqual([first.id, second.id]);
    expect(again).toMatchObject({
      status: 'queued',
      attempt: 2,
      startedAt: null,
      endedAt: null,
      error: null,
      details: {},
    });
    expect((await claim()).id).toBe(second.id);
    expect((await claim()).id).toBe(first.id);
    const finished = await store.tasks.finish(first.id, { owner: 'w1' });
    expect(finished).toMatchObject({ status: 'completed', attempt: 2 });
  });

  it('gives a task only to the device that owns it', async () => {
    const { store, create } = await setup();
    const task = await create('a');
    rawly(store, knownDevices('OTHER', 'revoked'));
    const handed = await store.tasks.handOver(task.id, 'OTHER');
    expect(handed.owner).toBe('OTHER');
    expect(await store.tasks.claim({ owner: 'w', leaseMs: 1 })).toBeNull();
    for (const [device, code] of [
      ['nosuch', 'NOT_FOUND'],
      ['revoked', 'CONFLICT'],
    ] as const) {
      await expect(store.tasks.handOver(task.id, device)).rejects.toMatchObject({ code });
    }
    await store.tasks.handOver(task.id, task.owner);
    expect(await store.tasks.claim({ owner: 'w', leaseMs: 1 })).not.toBeNull();
  });

  it('gives each task to one of the workers of four processes', async () => {
    const { store, create } = await setup();
    const made: string[] = [];
    for (let i = 0; i < 200; i++) made.push((await create(`task ${i}`)).id);
    const url = await builtLibrary();
    const workers = Array.from({ length: 4 }, (_, i) =>
      spawn(process.execPath, [WORKER, url, store.path, `w${i}`], {
        stdio: ['pipe', 'pipe', 'inherit'],
      }),
    );
    onTestFinished(() => {
      for (const worker of workers) worker.kill('SIGKILL');
    });
    await Promise.all(workers.map((worker) => once(worker.stdout, 'readable')));
    for (const worker of workers) worker.stdin.write('go');
    const outputs = await Promise.all(workers.map((worker) => text(worker.stdout)));
    const claimed = outputs.map((output) => JSON.parse(output.replace('ready\n', '')) as string[]);
    expect(claimed.flat().sort()).toEqual(made.sort());
    expect(claimed.filter((ids) => ids.length > 0).length).toBeGreaterThan(1);
    expect(await store.tasks.counts()).toMatchObject({ completed: 200, queued: 0, running: 0 });
    for (const [i, ids] of claimed.entries()) {
      const [id] = ids;
      if (id === undefined) continue;
      expect((await store.tasks.get(id)).details['result_summary']).toBe(`w${i}`);
    }
  });
});

describe('recover', () => {
  it('waits for no lease of a clock that was years ahead longer than for the longest of all', async () => {
    const { store, clock, create, claim } = await setup();
    const began = clock.now;
    clock.now += 5 * 365 * 24 * HOUR;
    for (const prompt of ['silent', 'alive']) await create(prompt);
    const [silent, alive] = [await claim('w1', 60_000), await claim('w2', 60_000)];
    clock.now = began;
    await store.tasks.heartbeat({ id: alive.id, owner: 'w2', leaseMs: 24 * HOUR });
    expect(await store.tasks.recover()).toEqual([]);
    clock.now += 24 * HOUR - 1000;
    await store.tasks.heartbeat({ id: alive.id, owner: 'w2', leaseMs: 60_000 });
    clock.now += 1000;
    expect(await store.tasks.recover()).toEqual([silent.id]);
    await store.tasks.finish(alive.id, { owner: 'w2' });
  });

  it('fails what a silent worker left, exactly once, and not what is alive or elsewhere', async () => {
    const { store, clock, create, claim, log } = await setup();
    for (const prompt of ['silent', 'alive', 'imported', 'elsewhere']) await create(prompt);
    const [silent, alive] = [await claim('w1', 500), await claim('w2', 5000)];
    const [imported, elsewhere] = [await claim('w3', 1), await claim('w4', 1)];
    const give = (id: string, owner: string) =>
      `update tasks set owner = '${owner}', lifecycle_version = '0000010-0fffffffffff0000-import-0'
       where id = '${id}'`;
    rawly(store, give(imported.id, 'import'), give(elsewhere.id, 'OTHER'));
    clock.now += 500;
    log.take();
    expect(await store.tasks.recover()).toEqual([silent.id]);
    expectIndexed(
      store.path,
      log.take().filter((sql) => sql.includes('from tasks')),
    );
    expect(await store.tasks.recover()).toEqual([]);
    expect(await store.tasks.get(silent.id)).toMatchObject({
      status: 'failed',
      error: 'Interrupted: the worker stopped',
      endedAt: '2026-08-18T09:00:00.500Z',
    });
    const late = store.tasks.finish(silent.id, { owner: 'w1' });
    await expect(late).rejects.toMatchObject({ code: 'CONFLICT' });
    await store.tasks.finish(alive.id, { owner: 'w2' });
    expect(await store.tasks.recover({ imported: true })).toEqual([imported.id]);
    expect(await store.tasks.get(imported.id)).toMatchObject({
      status: 'failed',
      owner: silent.owner,
    });
    expect((await store.tasks.get(elsewhere.id)).status).toBe('running');
  });
});

describe('list', () => {
  const STATUSES: TaskStatus[] = ['queued', 'running', 'completed', 'failed', 'canceled'];

  async function withMany() {
    const made = await setup();
    rawly(
      made.store,
      `with recursive n (i) as (select 1 union all select i + 1 from n where i < 20000)
       insert into tasks (id, device, prompt, status, attempt, owner, queued_at, workspace, model,
         created_at, archived_at, deleted_at, updated_at, prompt_version, lifecycle_version,
         archive_version, deleted_version, purge_version, details_version, body)
       select printf('task_%05d', i), 'd', 'p', case
           when i % 1000 = 7 then 'failed' when i % 1000 = 8 then 'canceled'
           when i % 1000 = 9 then 'queued' else 'completed' end,
         1, 'd', i, '/w' || (i % 10), 'm', 0, case when i % 4 = 0 then 1 end,
         case when i % 5 = 0 then 1 end, i / 3, '0', '0', '0', '0', '0', '0', '{}' from n`,
    );
    made.log.take();
    return made;
  }

  it('is newest first across several statuses, in pages without gaps or repeats', async () => {
    const { store } = await withMany();
    const ids: string[] = [];
    let cursor: string | null = null;
    do {
      const page: Awaited<ReturnType<typeof store.tasks.list>> = await store.tasks.list({
        status: ['canceled', 'failed', 'queued', 'failed'],
        archived: 'include',
        limit: 7,
        cursor,
      });
      ids.push(...page.items.map((task) => task.id));
      cursor = page.nextCursor;
    } while (cursor !== null);
    const expected = Array.from({ length: 20_000 }, (_, i) => i + 1)
      .filter((i) => [7, 8, 9].includes(i % 1000))
      .map((i) => `task_${String(i).padStart(5, '0')}`);
    expect(ids).toEqual(expected.toReversed());
  });

  it('runs on an index, whatever the filter, and reads no bodies', async () => {
    const { store, log } = await withMany();
    const since = '1970-01-01T00:00:02Z';
    const until = '1970-01-01T00:00:05Z';
    const statuses: (TaskStatus[] | undefined)[] = [
      undefined,
      ['failed'],
      ['queued', 'running'],
      STATUSES,
    ];
    for (const archived of ['exclude', 'only', 'include'] as const) {
      for (const status of statuses) {
        for (const workspace of [undefined, '/w3']) {
          const filter = { archived, ...(status && { status }), ...(workspace && { workspace }) };
          const page = await store.tasks.list({ ...filter, limit: 2 });
          await store.tasks.list({ ...filter, since, until, cursor: page.nextCursor });
        }
      }
    }
    await store.tasks.list({ deleted: true, status: ['failed'], since });
    const statements = log.take();
    expectIndexed(store.path, statements);
    expect(statements.filter((sql) => /\bbody\b/.test(sql))).toEqual([]);
  });

  it('shows archived and deleted tasks only when asked', async () => {
    const { store, create } = await setup();
    const [kept, archived, deleted] = [await create('a'), await create('b'), await create('c')];
    await store.tasks.archive(archived.id);
    await store.tasks.delete(deleted.id);
    const listed = async (options: Parameters<typeof store.tasks.list>[0]) =>
      (await store.tasks.list(options)).items.map((task) => task.id);
    expect(await listed({})).toEqual([kept.id]);
    expect(await listed({ archived: 'only' })).toEqual([archived.id]);
    expect(await listed({ archived: 'include' })).toEqual([archived.id, kept.id]);
    expect(await listed({ deleted: true })).toEqual([deleted.id]);
    await store.tasks.unarchive(archived.id);
    expect(await listed({})).toEqual([archived.id, kept.id]);
  });

  it('does not queue a deleted task again before it is restored', async () => {
    const store = await tempStore();
    const { id } = await store.tasks.create({ prompt: 'gone', workspace: '/w' });
    await store.tasks.cancel(id);
    await store.tasks.delete(id);
    await expect(store.tasks.retry(id)).rejects.toMatchObject({ code: 'CONFLICT' });
    await store.tasks.restore(id);
    expect((await store.tasks.retry(id)).status).toBe('queued');
  });
});
