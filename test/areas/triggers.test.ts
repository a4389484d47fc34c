import { describe, expect, it } from 'vitest';
import { storeBody } from '../../src/db/bodies.ts';
import { Database } from '../../src/db/database.ts';
import type { Store, TriggerCreate } from '../../src/index.ts';
import { triggers } from '../../src/model/registers.ts';
import { claimRace } from '../support/claim-race.ts';
import { expectIndexed, statementLog } from '../support/query-plans.ts';
import { tempStore } from '../support/temp-store.ts';
import { allRefused } from '../support/all-refused.ts';

const HOUR = 3_600_000;

async function setup() {
  const clock = { now: Date.parse('2026-08-18T21:00:00Z') };
  const log = statementLog();
  const store = await tempStore({ clock: () => clock.now, logger: log.logger });
  const make = (input: Partial<TriggerCreate> = {}) =>
    store.triggers.create({
      fireAt: '2026-08-19T06:00:00Z',
      message: 'check the build',
      ownerSessionId: 's1',
      ...input,
    });
  return { store, clock, log, make };
}

async function importPending(store: Store, id: string, session: string | null): Promise<void> {
  const database = new Database(store.path, { durability: 'normal', readOnly: false });
  const row = {
    id,
    fire_at: 5000,
    message: 'old \u0000',
    workspace: null,
    owner_session_id: session,
    status: 'pending',
    attempt: 1,
    fired_at: null,
    task_id: null,
    thread_id: null,
    error: null,
    created_at: 1000,
  };
  await database.write({ now: Date.now }, (transaction) => {
    const body = storeBody(transaction, `{"schema_version":1,"trigger_id":"${id}"}`);
    transaction.insert(triggers, { ...row, ...body }, { ms: 1000, device: 'import' });
  });
  await database.close();
}

describe('a trigger', () => {
  it('keeps what it was given', async () => {
    const { store, make } = await setup();
    const made = await make({ message: ' check \u0000 ', workspace: '/w', details: { odd: [1] } });
    expect(made).toEqual({
      id: made.id,
      fireAt: '2026-08-19T06:00:00.000Z',
      message: 'check \u0000',
      workspace: '/w',
      ownerSessionId: 's1',
      status: 'pending',
      firedAt: null,
      taskId: null,
      threadId: null,
      error: null,
      createdAt: '2026-08-18T21:00:00.000Z',
      device: made.device,
      details: { odd: [1] },
    });
    expect(made.id).toMatch(/^trig_[0-9a-f]{32}$/);
    expect(await store.triggers.get(made.id)).toEqual(made);
    await expect(make({ id: made.id })).rejects.toMatchObject({ code: 'CONFLICT' });
    await expect(store.triggers.get('gone')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('needs a time in the future and a text', async () => {
    const { make } = await setup();
    for (const input of [
      { fireAt: '2026-08-18T21:00:00Z' },
      { message: ' ' },
      { fireAt: 'soon' },
    ]) {
      await expect(make(input)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    }
  });

  it('is due from its time on and fires once', async () => {
    const { store, clock, make } = await setup();
    const { id } = await make();
    expect(await store.triggers.due()).toEqual([]);
    const due = await store.triggers.due('2026-08-19T08:00:00+02:00');
    expect(due.map((trigger) => trigger.id)).toEqual([id]);
    clock.now += 10 * HOUR;
    expect(await store.triggers.due()).toEqual(due);
    const fired = await store.triggers.fire(id, { taskId: 'task_1', threadId: 'thr_1' });
    expect(fired).toMatchObject({
      status: 'fired',
      firedAt: '2026-08-19T07:00:00.000Z',
      taskId: 'task_1',
      threadId: 'thr_1',
    });
    expect(await store.triggers.due()).toEqual([]);
    await allRefused([store.triggers.fire(id), store.triggers.cancel(id)], 'CONFLICT');
    const failed = await store.triggers.fail(id, { error: 'no task' });
    expect(failed).toEqual({ ...fired, status: 'failed', error: 'no task' });
    await expect(store.triggers.fail(id)).rejects.toMatchObject({ code: 'CONFLICT' });
  });

  it('without a session, or canceled, never fires', async () => {
    const { store, clock, make } = await setup();
    const mute = await make({ ownerSessionId: null });
    const canceled = await make();
    expect((await store.triggers.cancel(canceled.id)).status).toBe('canceled');
    clock.now += 10 * HOUR;
    expect(await store.triggers.due()).toEqual([]);
    for (const { id } of [mute, canceled]) {
      await expect(store.triggers.fire(id)).rejects.toMatchObject({ code: 'CONFLICT' });
    }
  });

  it('of an import fires nowhere until it is taken over', async () => {
    const { store } = await setup();
    await importPending(store, 'trig_old', 's1');
    expect(await store.triggers.due()).toEqual([]);
    await expect(store.triggers.fire('trig_old')).rejects.toMatchObject({ code: 'CONFLICT' });
    const [taken, ...others] = await store.triggers.takeOver();
    expect(others).toEqual([]);
    expect(taken).toMatchObject({
      message: 'old \u0000',
      fireAt: '1970-01-01T00:00:05.000Z',
      status: 'pending',
      details: { schema_version: 1, parent_trigger_id: 'trig_old' },
    });
    expect((await store.triggers.get('trig_old')).status).toBe('canceled');
    expect((await store.triggers.due()).map((trigger) => trigger.id)).toEqual([taken?.id]);
    expect(await store.triggers.takeOver()).toEqual([]);
  });

  it('is fired by one of two processes', async () => {
    const { store, make } = await setup();
    const ids: string[] = [];
    for (let i = 0; i < 40; i++) ids.push((await make()).id);
    const call = '(store, id) => store.triggers.fire(id)';
    const [first = [], second = []] = await claimRace(store.path, call, ids);
    first.forEach((outcome, i) => {
      expect([outcome, second[i]].sort()).toEqual(['CONFLICT', 'won']);
    });
  });
});

describe('lists of triggers', () => {
  it('come newest first, in pages, without details, by an index', async () => {
    const { store, clock, log, make } = await setup();
    const ids: string[] = [];
    for (let i = 0; i < 5; i++) {
      clock.now += 1000;
      ids.unshift((await make()).id);
    }
    await store.triggers.cancel(ids[1] ?? '');
    log.take();
    const first = await store.triggers.list({ limit: 3 });
    const second = await store.triggers.list({ limit: 3, cursor: first.nextCursor });
    expect([...first.items, ...second.items].map((item) => item.id)).toEqual(ids);
    expect(second.nextCursor).toBeNull();
    expect(first.items[0]).not.toHaveProperty('details');
    const pending = await store.triggers.list({ status: 'pending', limit: 2 });
    expect(pending.items.map((item) => item.id)).toEqual([ids[0], ids[2]]);
    await store.triggers.due();
    await store.triggers.takeOver();
    // The one row of the device has no index.
    expectIndexed(
      store.path,
      log.take().filter((sql) => !/from device\b/.test(sql)),
    );
  });
});
