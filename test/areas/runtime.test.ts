import { describe, expect, it } from 'vitest';
import { Connection } from '../../src/db/connection.ts';
import type { RuntimeItemInput, Store } from '../../src/index.ts';
import { expectIndexed, statementLog } from '../support/query-plans.ts';
import { tempStore } from '../support/temp-store.ts';

async function setup() {
  const clock = { now: Date.parse('2026-08-18T09:00:00Z') };
  const log = statementLog();
  const store = await tempStore({ clock: () => clock.now, logger: log.logger });
  const thread = await store.runtime.createThread({ workspace: '/w', title: 'loader' });
  return { store, clock, log, thread };
}

async function eventTypes(store: Store, threadId: string): Promise<string[]> {
  return (await store.events.since(threadId, 0)).items.map((event) => event.type);
}

/** Runs statements as an import or another device would leave them behind. */
function rawly(store: Store, ...statements: string[]): void {
  const connection = new Connection(store.path, { busyWaitMs: 1000, readOnly: false });
  for (const sql of statements) connection.run(sql);
  connection.close();
}

function bodyOf(store: Store, table: string, id: string): unknown {
  const connection = new Connection(store.path, { busyWaitMs: 5, readOnly: true });
  const row = connection.row(`select body from ${table} where id = ?`, [id]);
  connection.close();
  return row?.[0];
}

function giveTo(owner: string, turnId = ''): string {
  const version = '0000010-0fffffffffff0000-import-000000000000';
  return `update runtime_turns set owner = '${owner}', lifecycle_version = '${version}' where id = '${turnId}'`;
}

describe('runtime threads', () => {
  it('keep what they are given and change field by field', async () => {
    const { store, clock, thread } = await setup();
    expect(thread.id).toMatch(/^thr_[0-9a-z]{26}$/);
    expect(thread).toMatchObject({ mode: 'agent', model: 'auto', archived: false, details: {} });
    clock.now += 1000;
    const titled = await store.runtime.updateThread(thread.id, { title: '', archived: true });
    expect(titled).toEqual({ ...thread, title: null, archived: true });
    const changed = await store.runtime.updateThread(thread.id, {
      model: 'm',
      sessionId: 's1',
      details: { system_prompt: 'Be brief.', allow_shell: false },
    });
    expect(changed).toMatchObject({
      model: 'm',
      sessionId: 's1',
      updatedAt: '2026-08-18T09:00:01.000Z',
      details: { system_prompt: 'Be brief.', allow_shell: false },
    });
    const replaced = await store.runtime.updateThread(thread.id, { details: { a: 1 } });
    expect(replaced.details).toEqual({ a: 1 });
    const hiding = store.runtime.updateThread(thread.id, { details: { title: 'x' } });
    await expect(hiding).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    const twice = store.runtime.createThread({ id: thread.id, workspace: '/w' });
    await expect(twice).rejects.toMatchObject({ code: 'CONFLICT' });
  });

  it('are hidden by a deletion and brought back by a restore', async () => {
    const { store, thread } = await setup();
    await store.runtime.deleteThread(thread.id);
    expect((await store.runtime.listThreads()).items).toEqual([]);
    expect((await store.runtime.listThreads({ deleted: true })).items).toHaveLength(1);
    await store.runtime.restoreThread(thread.id);
    expect((await store.runtime.listThreads()).items).toHaveLength(1);
  });

  it('are listed in pages by an index, whatever the filter', async () => {
    const { store, log } = await setup();
    rawly(
      store,
      `with recursive n (i) as (select 1 union all select i + 1 from n where i < 10000)
       insert into runtime_threads (id, device, workspace, model, mode, archived, deleted_at,
         created_at, updated_at, title_version, archive_version, deleted_version, purge_version,
         details_version, body)
       select printf('thr_%05d', i), 'd', '/w' || (i % 10), 'm', 'agent', i % 2,
         case when i % 5 = 0 then 1 end, i, i, '0', '0', '0', '0', '0', '{}' from n`,
    );
    log.take();
    const archived = await store.runtime.listThreads({ archived: 'only', limit: 3 });
    expect(archived.items.map((thread) => thread.id)).toEqual([
      'thr_09999',
      'thr_09997',
      'thr_09993',
    ]);
    const more = await store.runtime.listThreads({
      archived: 'only',
      limit: 2,
      cursor: archived.nextCursor,
    });
    expect(more.items.map((thread) => thread.id)).toEqual(['thr_09991', 'thr_09989']);
    const since = '1970-01-01T00:00:05Z';
    await store.runtime.listThreads({ since, until: '1970-01-01T00:00:06Z' });
    await store.runtime.listThreads({ archived: 'include', since });
    await store.runtime.listThreads({ workspace: '/w3', since });
    await store.runtime.listThreads({ deleted: true, since });
    const statements = log.take();
    expectIndexed(store.path, statements);
    expect(statements.filter((sql) => /\bbody\b/.test(sql))).toEqual([]);
  });
});

describe('turns', () => {
  it('are started and finished once, with their events', async () => {
    const { store, clock, thread } = await setup();
    const turn = await store.runtime.startTurn(thread.id, {
      inputSummary: 'why',
      userItem: { summary: 'why is it slow', detail: 'why is it slow?' },
      details: { steer_count: 0 },
    });
    expect(turn).toMatchObject({ status: 'in_progress', attempt: 1, error: null, endedAt: null });
    const second = store.runtime.startTurn(thread.id, { inputSummary: 'too soon' });
    await expect(second).rejects.toMatchObject({ code: 'CONFLICT' });
    const moved = store.runtime.updateThread(thread.id, { workspace: '/other' });
    await expect(moved).rejects.toMatchObject({ code: 'CONFLICT' });

    clock.now += 500;
    const ended = await store.runtime.finishTurn(turn.id, {
      status: 'failed',
      error: '529',
      items: [{ kind: 'error', status: 'failed', summary: 'overloaded' }],
      details: { usage: { input_tokens: 1, output_tokens: 2 } },
    });
    expect(ended).toEqual({
      ...turn,
      status: 'failed',
      error: '529',
      endedAt: '2026-08-18T09:00:00.500Z',
      details: { steer_count: 0, usage: { input_tokens: 1, output_tokens: 2 } },
    });
    expect(await store.runtime.getTurn(turn.id)).toEqual(ended);
    const again = store.runtime.finishTurn(turn.id, { status: 'completed' });
    await expect(again).rejects.toMatchObject({ code: 'CONFLICT' });

    expect(await eventTypes(store, thread.id)).toEqual([
      'turn.started',
      'item.completed',
      'item.failed',
      'turn.completed',
    ]);
    const last = (await store.events.tail(thread.id, 1)).items[0];
    expect(last?.payload).toMatchObject({
      turn: { id: turn.id, thread_id: thread.id, status: 'failed', error: '529', steer_count: 0 },
    });
    expect(await store.runtime.getThread(thread.id)).toMatchObject({
      latestTurnId: turn.id,
      updatedAt: '2026-08-18T09:00:00.500Z',
    });
  });

  it('keep what an imported record spells, where nobody changed it', async () => {
    const { store, thread } = await setup();
    const turn = await store.runtime.startTurn(thread.id);
    const record = `{"schema_version":2,"id":"${turn.id}","created_at":"2026-08-18T09:15:02.118234567Z","cost":1.50,"routed":18446744073709551615,"steer_count":0}`;
    rawly(
      store,
      `update runtime_turns set body = '${record}', details_version = '0fffffffffff0000-import-0' where id = '${turn.id}'`,
    );
    const read = await store.runtime.getTurn(turn.id);
    expect(read.details).toMatchObject({ schema_version: 2, cost: 1.5, steer_count: 0 });
    expect(read.details).not.toHaveProperty('created_at');
    await store.runtime.finishTurn(turn.id, { details: { steer_count: 1, usage: null } });
    expect(bodyOf(store, 'runtime_turns', turn.id)).toBe(
      record.replace('"steer_count":0', '"steer_count":1,"usage":null'),
    );
  });

  it('are listed in order, with their items', async () => {
    const { store, log, thread } = await setup();
    const turns: string[] = [];
    for (let i = 0; i < 5; i++) {
      const turn = await store.runtime.startTurn(thread.id, { inputSummary: `turn ${i}` });
      for (const summary of ['a', 'b', 'c']) {
        await store.runtime.saveItem(turn.id, { kind: 'agent_message', summary });
      }
      await store.runtime.finishTurn(turn.id);
      turns.push(turn.id);
    }
    log.take();
    const first = await store.runtime.listTurns(thread.id, { limit: 3 });
    const rest = await store.runtime.listTurns(thread.id, { cursor: first.nextCursor });
    expect([...first.items, ...rest.items].map((turn) => turn.id)).toEqual(turns);
    const items = await store.runtime.listItems(turns[2] ?? '');
    expect(items.items.map((item) => item.summary)).toEqual(['a', 'b', 'c']);
    expectIndexed(store.path, log.take());
    const unknown = store.runtime.listTurns('thr_none');
    await expect(unknown).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('are saved with items and events as one, or not at all', async () => {
    const { store, thread } = await setup();
    const saved = await store.runtime.saveTurnWithItems(thread.id, {
      turn: { inputSummary: 'why' },
      items: [
        { kind: 'user_message', summary: 'why' },
        { id: 'item_1', kind: 'tool_call', summary: 'ls', detail: 'a b', metadata: { exit: 0 } },
      ],
      event: { type: 'turn.completed', payload: { x: 1 } },
    });
    expect(saved.turn).toMatchObject({ status: 'completed', threadId: thread.id });
    expect(saved.items.map((item) => item.status)).toEqual(['completed', 'completed']);
    expect(saved.events).toMatchObject([{ seq: 1, turnId: saved.turn.id, payload: { x: 1 } }]);
    expect((await store.runtime.listItems(saved.turn.id)).items).toEqual(saved.items);

    const broken = store.runtime.saveTurnWithItems(thread.id, {
      turn: { id: 'turn_2' },
      items: [
        { kind: 'status', summary: 'new' },
        { id: 'item_1', kind: 'tool_call' },
      ],
      events: [{ type: 'turn.completed' }],
    });
    await expect(broken).rejects.toMatchObject({ code: 'CONFLICT' });
    await expect(store.runtime.getTurn('turn_2')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(await eventTypes(store, thread.id)).toEqual(['turn.completed']);

    const again = await store.runtime.saveTurnWithItems(thread.id, {
      turn: { id: saved.turn.id, details: { usage: 1 } },
    });
    expect(again.turn).toEqual({ ...saved.turn, details: { usage: 1 } });
    const reopened = store.runtime.saveTurnWithItems(thread.id, {
      turn: { id: saved.turn.id, status: 'in_progress' },
    });
    await expect(reopened).rejects.toMatchObject({ code: 'CONFLICT' });
  });
});

describe('items', () => {
  it('stream, become final, and can then be found', async () => {
    const { store, clock, thread } = await setup();
    const turn = await store.runtime.startTurn(thread.id);
    const begun = await store.runtime.saveItem(turn.id, {
      kind: 'agent_message',
      summary: '',
      metadata: { step: 1 },
    });
    const { id } = begun;
    expect(begun).toMatchObject({ status: 'in_progress', detail: null, metadata: { step: 1 } });
    for (const detail of ['The', 'The whale', `The whale \u0000 ${'sings '.repeat(2000)}`]) {
      clock.now += 10;
      await store.runtime.saveItem(turn.id, { id, detail });
    }
    expect((await store.search('whale')).items).toEqual([]);
    const final: RuntimeItemInput = {
      id,
      status: 'completed',
      summary: 'a song',
      artifactRefs: ['a/b.txt'],
      details: { x: [1] },
    };
    const done = await store.runtime.saveItem(turn.id, final);
    expect(done).toMatchObject({
      detail: `The whale \u0000 ${'sings '.repeat(2000)}`,
      artifactRefs: ['a/b.txt'],
      details: { x: [1] },
      endedAt: '2026-08-18T09:00:00.030Z',
    });
    expect(await store.runtime.getItem(id)).toEqual(done);
    expect((await store.search('whale')).items).toMatchObject([{ kind: 'item', id }]);

    clock.now += 10;
    expect(await store.runtime.saveItem(turn.id, final)).toEqual(done);
    for (const change of [{ detail: 'other' }, { status: 'failed' as const }, { details: {} }]) {
      const late = store.runtime.saveItem(turn.id, { id, ...change });
      await expect(late).rejects.toMatchObject({ code: 'CONFLICT' });
    }
    expect(await eventTypes(store, thread.id)).toEqual([
      'turn.started',
      'item.started',
      'item.completed',
    ]);
  });

  it('leave no blob behind while they stream', async () => {
    const { store, thread } = await setup();
    const turn = await store.runtime.startTurn(thread.id);
    const { id } = await store.runtime.saveItem(turn.id, { kind: 'tool_call', summary: 's' });
    for (let i = 1; i <= 5; i++) {
      await store.runtime.saveItem(turn.id, { id, detail: String(i).repeat(10_000) });
    }
    const connection = new Connection(store.path, { busyWaitMs: 5, readOnly: true });
    expect(connection.row('select count(*) from blobs')).toEqual([0]);
    connection.close();
  });

  it('stay in their turn and need a kind', async () => {
    const { store, thread } = await setup();
    const turn = await store.runtime.startTurn(thread.id);
    const { id } = await store.runtime.saveItem(turn.id, { kind: 'status', summary: 's' });
    const kindless = store.runtime.saveItem(turn.id, { summary: 's' });
    await expect(kindless).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    await store.runtime.finishTurn(turn.id);
    const other = await store.runtime.startTurn(thread.id);
    const moved = store.runtime.saveItem(other.id, { id, summary: 't' });
    await expect(moved).rejects.toMatchObject({ code: 'CONFLICT' });
    const nowhere = store.runtime.saveItem('turn_none', { kind: 'status' });
    await expect(nowhere).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});

describe('fork', () => {
  it('copies ended turns with their items, up to a turn, without events', async () => {
    const { store, thread } = await setup();
    const ids: string[] = [];
    for (const word of ['one', 'two', 'three']) {
      const { turn } = await store.runtime.saveTurnWithItems(thread.id, {
        turn: { inputSummary: word, details: { usage: word } },
        items: [{ kind: 'agent_message', summary: word, detail: word.repeat(3000) }],
        event: { type: 'turn.completed' },
      });
      ids.push(turn.id);
    }
    const open = await store.runtime.startTurn(thread.id);
    const fork = await store.runtime.fork(thread.id, { atTurn: ids[1] ?? '' });
    const turns = (await store.runtime.listTurns(fork.id)).items;
    expect(turns.map((turn) => turn.inputSummary)).toEqual(['one', 'two']);
    expect(fork).toMatchObject({
      title: 'loader',
      latestTurnId: turns[1]?.id,
      details: { forked_from: thread.id },
    });
    expect(turns.map((turn) => turn.id)).not.toEqual(ids.slice(0, 2));
    const [copy] = (await store.runtime.listItems(turns[0]?.id ?? '')).items;
    expect(copy).toMatchObject({ summary: 'one', detail: 'one'.repeat(3000), status: 'completed' });
    expect(await eventTypes(store, fork.id)).toEqual([]);
    const all = await store.runtime.fork(thread.id, { title: 'again' });
    expect((await store.runtime.listTurns(all.id)).items).toHaveLength(3);
    const early = store.runtime.fork(thread.id, { atTurn: open.id });
    await expect(early).rejects.toMatchObject({ code: 'CONFLICT' });
    const foreign = store.runtime.fork(fork.id, { atTurn: ids[0] ?? '' });
    await expect(foreign).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});

describe('recover', () => {
  it('interrupts the open turns of this device exactly once, and no others', async () => {
    const { store, clock, log, thread } = await setup();
    const turn = await store.runtime.startTurn(thread.id);
    const item = await store.runtime.saveItem(turn.id, { kind: 'tool_call', summary: 'ls' });
    const threads = await Promise.all(
      ['import', 'OTHER'].map((workspace) => store.runtime.createThread({ workspace })),
    );
    const foreign = await Promise.all(
      threads.map(async ({ id }) => (await store.runtime.startTurn(id)).id),
    );
    rawly(store, giveTo('import', foreign[0]), giveTo('OTHER', foreign[1]));
    clock.now += 1000;
    log.take();
    expect(await store.runtime.recover()).toEqual([turn.id]);
    expectIndexed(
      store.path,
      log.take().filter((sql) => /from runtime_/.test(sql)),
    );
    expect(await store.runtime.recover()).toEqual([]);
    const end = { status: 'interrupted', endedAt: '2026-08-18T09:00:01.000Z' };
    expect(await store.runtime.getTurn(turn.id)).toMatchObject({
      ...end,
      error: 'Interrupted by process restart',
    });
    expect(await store.runtime.getItem(item.id)).toMatchObject(end);
    const last = (await store.events.tail(thread.id, 1)).items[0];
    expect(last).toMatchObject({
      type: 'turn.completed',
      turnId: turn.id,
      payload: { recovered: true, turn: { status: 'interrupted' } },
    });
    for (const id of foreign) {
      expect((await store.runtime.getTurn(id)).status).toBe('in_progress');
    }
  });

  it('takes over imported turns when told to', async () => {
    const { store, thread } = await setup();
    const turn = await store.runtime.startTurn(thread.id);
    rawly(store, giveTo('import', turn.id));
    expect(await store.runtime.recover()).toEqual([]);
    expect(await store.runtime.recover({ imported: true })).toEqual([turn.id]);
    expect(await store.runtime.getTurn(turn.id)).toMatchObject({
      status: 'interrupted',
      owner: turn.owner,
    });
  });
});
