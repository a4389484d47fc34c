import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadBody, type BodyColumns } from '../../src/db/bodies.ts';
import type { Reader } from '../../src/db/reader.ts';
import type { Row } from '../../src/db/transaction.ts';
import type { Store } from '../../src/index.ts';
import { MUTABLE_TABLES } from '../../src/model/registers.ts';
import { homeOf, session } from '../legacy/legacy-home.ts';
import { FileHub } from '../support/file-hub.ts';
import { makeNativeRows } from '../support/native-rows.ts';
import { syncDevice, type SyncDevice } from '../support/sync-device.ts';
import { tempFolder } from '../support/temp-store.ts';

const MINUTE = 60_000;
const LEASE = { owner: 'w', leaseMs: 60 * MINUTE };

/** All that a device holds of what can change; when it was taken is no part of it. */
async function mutableRows({ database }: SyncDevice): Promise<Record<string, unknown>> {
  return database.read((reader) =>
    Object.fromEntries(
      MUTABLE_TABLES.map(({ name, registers }) => {
        const columns = ['id', 'device', ...Object.values(registers).flat()];
        const versions = Object.keys(registers).map((register) => `${register}_version`);
        const names = [...new Set([...columns, ...versions])];
        return [name, reader.list<Row>(names, `from ${name} order by id`).map(withoutBody(reader))];
      }),
    ),
  );
}

/** Wherever the body of a row stands, and however long it is. */
const withoutBody = (reader: Reader) => (row: Row) => {
  const { body = null, body_hash = null, ...rest } = row;
  if (body_hash === null && body === null) return rest;
  const text = loadBody(reader, { body, body_hash } as BodyColumns);
  return { ...rest, body: createHash('sha256').update(text).digest('hex') };
};

/** What is long in this session is no message: an import reads it as one text. */
function homeOfLongSummary(): string {
  const at = '2026-02-20T10:00:00Z';
  const message = { role: 'user', content: [{ type: 'text', text: 'why?' }] };
  const summary = 'j'.repeat(5_000_000);
  const entries = [
    { id: 'a', kind: 'message', message, created_at: at, spawn_depth: 0 },
    { id: 'c', parent_id: 'a', kind: 'compaction', summary, created_at: at, spawn_depth: 0 },
  ];
  const journal = { schema_version: 1, entries, leaf_id: 'a' };
  const raw = JSON.stringify(session({ messages: [message], journal, leaf_id: 'a' }));
  return homeOf({ 'sessions/s-1.json': raw });
}

/** Two devices of one group, and what a person would miss of the first one. */
async function setup() {
  const clock = { now: Date.now() - 90 * MINUTE };
  const now = () => clock.now;
  const hub = new FileHub({ path: join(tempFolder(), 'hub.db') });
  const [a, b] = [await syncDevice('a', hub, { now }), await syncDevice('b', hub, { now })];
  const { store } = a;
  // Queued once more, and so after one that was created later.
  const again = await store.tasks.create({ prompt: 'again' });
  await store.tasks.claim(LEASE);
  await store.tasks.finish(again.id, { owner: 'w', status: 'failed' });
  clock.now += MINUTE;
  await store.tasks.create({ prompt: 'in between' });
  clock.now += MINUTE;
  await store.tasks.retry(again.id);
  await makeNativeRows(store, 'n');
  const thread = await store.threads.upsert({
    id: 'thread-of-a',
    cwd: '/w',
    modelProvider: 'p',
    preview: '',
    title: 'one',
    details: { precious: 1 },
  });
  const look = { name: 'look', description: 'looks', inputSchema: { type: 'object' } };
  await store.threads.setTools(thread.id, [look]);
  const automation = await store.automations.create({
    name: 'nightly',
    prompt: 'tidy up',
    rule: 'FREQ=HOURLY',
    catchUp: 'all',
  });
  await store.tasks.create({ prompt: 'build', details: { plan: 'none' } });
  await store.tasks.create({ prompt: 'later' });
  const running = await store.tasks.claim(LEASE);
  const plan = await store.sessions.create({
    title: 'plan',
    workspace: '/w',
    details: { w: 'x' },
  });
  clock.now += MINUTE;
  // Times of the records are later now than those of most registers.
  await store.threads.upsert({ id: thread.id, title: 'two' });
  await store.automations.update(automation.id, { name: 'hourly' });
  await store.sessions.rename(plan.id, 'plans');
  clock.now += MINUTE;
  const carryHome = async () => {
    const dir = join(tempFolder(), 'home');
    await store.export(dir, { format: 'legacy' });
    clock.now += MINUTE;
    await b.store.import([dir]);
  };
  const exchange = async (...devices: SyncDevice[]) => {
    for (const device of devices) await device.sync();
  };
  return { a, b, running, plan, automation, clock, carryHome, exchange };
}

/** But for goals of sessions: their files have no place for a mark. */
const conflictsOf = async ({ store }: SyncDevice) =>
  (await store.sync.conflicts()).items.filter(({ id }) => !id.startsWith('session/'));

/** Records that an export writes, and an import reads, without their long strings in memory. */
async function makeLargeRows(store: Store): Promise<void> {
  const { sessions, runtime, tasks } = store;
  const long = (letter: string) => letter.repeat(1_500_000);
  const say = (text: string) => ({ role: 'user', content: [{ type: 'text', text }] });
  const plain = await sessions.create({ id: 'of.long~words', workspace: '/w' });
  await sessions.appendMessages(plain.id, ['a', 'é', 'c', 'd'].map(long).map(say));
  const branched = await sessions.create({ id: 'of.long~branches', workspace: '/w' });
  const [first] = await sessions.appendMessages(branched.id, ['a', 'b'].map(long).map(say));
  await sessions.appendMessages(branched.id, ['c', 'd'].map(long).map(say), {
    parent: first ?? null,
  });
  const thread = await runtime.createThread({ workspace: '/w', details: { notes: long('n') } });
  const turn = await runtime.startTurn(thread.id, { details: { steps: long('s').repeat(3) } });
  await runtime.saveItem(turn.id, {
    kind: 'tool_call',
    detail: `"ß" ${long('\n').repeat(2)}`,
    metadata: { text: long('m') },
  });
  await tasks.create({ prompt: 'p', workspace: '/w', details: { plan: long('p').repeat(3) } });
}

describe('an export of a device, imported on one that has not its rows', () => {
  it.each<[string, readonly ('a' | 'b')[]]>([
    ['first', ['a', 'b', 'a', 'b']],
    ['last', ['b', 'a', 'b', 'a']],
  ])('takes nothing from it that exchanges %s', async (_, order) => {
    const { a, b, running, carryHome, exchange } = await setup();
    const before = await mutableRows(a);
    await carryHome();
    await exchange(...order.map((name) => ({ a, b })[name]), a, b);
    expect(await mutableRows(a)).toEqual(before);
    expect(await mutableRows(b)).toEqual(before);
    expect([await conflictsOf(a), await conflictsOf(b)]).toEqual([[], []]);
    await a.store.tasks.finish(String(running?.id), { owner: 'w' });
  });

  it('takes nothing from records that are read without their long strings', async () => {
    const { a, b, clock, carryHome, exchange } = await setup();
    await makeLargeRows(a.store);
    clock.now += MINUTE;
    const before = await mutableRows(a);
    await carryHome();
    await exchange(b, a, b, a);
    expect(await mutableRows(a)).toEqual(before);
    expect(await mutableRows(b)).toEqual(before);
    expect([await conflictsOf(a), await conflictsOf(b)]).toEqual([[], []]);
  });

  it('takes nothing from a long session that is read as one text', async () => {
    const { a, b, clock, carryHome, exchange } = await setup();
    await a.store.import([homeOfLongSummary()]);
    await a.store.sessions.rename('s-1', 'of a long summary');
    clock.now += MINUTE;
    // Raises the time of the record over that of its title.
    await a.store.sessions.appendMessages('s-1', [{ role: 'user', content: 'and now?' }]);
    const titleOf = async ({ database }: SyncDevice) =>
      database.read((reader) =>
        reader.rows(`select title, title_version from sessions where id = 's-1'`),
      );
    const before = await titleOf(a);
    await carryHome();
    await exchange(b, a, b, a);
    expect([await titleOf(a), await titleOf(b)]).toEqual([before, before]);
  });

  it('is behind what was said since, too', async () => {
    const { a, b, plan, automation, clock, carryHome, exchange } = await setup();
    await exchange(a, b);
    await a.store.automations.update(automation.id, { prompt: 'tidy up well' });
    await carryHome();
    clock.now += MINUTE;
    await a.store.sessions.rename(plan.id, 'later');
    await a.store.automations.update(automation.id, { catchUp: 'skip' });
    const before = await mutableRows(a);
    await exchange(b, a, b, a);
    expect(await mutableRows(a)).toEqual(before);
    expect(await mutableRows(b)).toEqual(before);
    expect([await conflictsOf(a), await conflictsOf(b)]).toEqual([[], []]);
  });
});
