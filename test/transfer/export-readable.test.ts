import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { Store } from '../../src/index.ts';
import { tempFolder, tempStore } from '../support/temp-store.ts';

/** Blocks as providers have them, and anything else that a message may hold. */
const BLOCKS: Record<string, unknown> = {
  image: { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AA==' } },
  document: { type: 'document', source: { type: 'text', data: 'x' } },
  redacted: { type: 'redacted_thinking', data: 'x' },
  odd: { type: 'odd', n: 12345678901234567890n.toString(), nested: [{ a: 1 }] },
  'text without text': { type: 'text' },
  'call without input': { type: 'tool_use', id: 't', name: 'f' },
  'result in blocks': {
    type: 'tool_result',
    tool_use_id: 't',
    is_error: true,
    content: [
      { type: 'text', text: 'found' },
      { type: 'image', source: {} },
    ],
  },
  'no object': 7,
  'plain string': 'said',
};

async function exported(store: Store) {
  const folder = join(tempFolder(), 'home');
  const report = await store.export(folder, { format: 'legacy' });
  return { folder, report };
}

it.each(Object.entries(BLOCKS))(
  'a message with %s can be read by the old program and comes back',
  async (_, block) => {
    const store = await tempStore();
    const { id } = await store.sessions.create({ title: 't', workspace: '/w' });
    const text = { type: 'text', text: 'before' };
    await store.sessions.appendMessages(id, [
      { role: 'assistant', content: [text, block] as never },
    ]);
    await store.checkpoints.save(id, { messages: [{ role: 'user', content: [block] }] });
    const { folder, report } = await exported(store);
    expect(report.skipped).toEqual([]);
    const other = await tempStore();
    const { problems } = await other.import([folder]);
    expect(problems).toEqual([]);
    const { items } = await other.sessions.messages(id);
    expect(items).toEqual((await store.sessions.messages(id)).items);
    expect(items[0]?.content).toEqual([text, block]);
    expect(await other.checkpoints.load(id)).toMatchObject({
      messages: [{ content: [block] }],
    });
    // What was exported changes nothing where it came from.
    expect((await store.import([folder])).totals).toMatchObject({ imported: 0, updated: 0 });
    expect(await store.sessions.branches(id)).toHaveLength(1);
  },
);

it('brings such blocks back on every branch', async () => {
  const store = await tempStore();
  const { id } = await store.sessions.create({ title: 't', workspace: '/w' });
  const say = (block: unknown, parent: string | null) =>
    store.sessions.appendMessages(id, [{ role: 'user', content: [block] as never }], { parent });
  const [first] = await say(BLOCKS['image'], null);
  await say(BLOCKS['odd'], first ?? null);
  await say(BLOCKS['document'], first ?? null);
  const { folder } = await exported(store);
  const other = await tempStore();
  expect((await other.import([folder])).problems).toEqual([]);
  const branches = await store.sessions.branches(id);
  expect(branches).toHaveLength(2);
  for (const { leaf } of branches) {
    const { items } = await store.sessions.messages(id, { leaf });
    expect((await other.sessions.messages(id, { leaf })).items).toEqual(items);
  }
});

it('shows the old program the text of a block that it does not know', async () => {
  const store = await tempStore();
  const { id } = await store.sessions.create({ title: 't', workspace: '/w' });
  const content = [BLOCKS['result in blocks'], BLOCKS['image'], BLOCKS['call without input']];
  await store.sessions.appendMessages(id, [{ role: 'assistant', content: content }]);
  const { folder } = await exported(store);
  const [file = ''] = readdirSync(join(folder, 'sessions'));
  const record = JSON.parse(readFileSync(join(folder, 'sessions', file), 'utf8')) as {
    messages: { content: object[] }[];
  };
  expect(record.messages[0]?.content).toMatchObject([
    { type: 'tool_result', tool_use_id: 't', is_error: true, content: 'found\n[image]' },
    { type: 'text', text: '[image]' },
    { type: 'tool_use', id: 't', name: 'f', input: {} },
  ]);
});

it('leaves out details that the old program would refuse, and says so', async () => {
  const store = await tempStore();
  const session = await store.sessions.create({
    title: 't',
    workspace: '/w',
    details: { context_references: 'odd', note: 'kept' },
  });
  const task = await store.tasks.create({
    prompt: 'p',
    workspace: '/w',
    details: { timeline: 4, auto_approve: 'no', note: 'kept' },
  });
  const thread = await store.runtime.createThread({
    workspace: '/w',
    model: 'm',
    details: { auto_approve: 'x', note: 'kept' },
  });
  await store.runtime.startTurn(thread.id, { details: { usage: 'x', note: 'kept' } });
  const { folder, report } = await exported(store);
  expect(report.skipped).toEqual(
    ['runtime_threads', 'runtime_turns', 'sessions', 'tasks'].map((table) => ({
      kind: `${table}.details`,
      reason: 'wrong_shape',
      count: 1,
    })),
  );
  const other = await tempStore();
  expect((await other.import([folder])).problems).toEqual([]);
  expect(await other.sessions.get(session.id)).toMatchObject({ title: 't' });
  expect((await other.tasks.get(task.id)).details).toMatchObject({ note: 'kept' });
  expect((await other.runtime.getThread(thread.id)).details).toMatchObject({ note: 'kept' });
});

it('leaves out a checkpoint that is no session, and says so', async () => {
  const store = await tempStore();
  const { id } = await store.sessions.create({ title: 't', workspace: '/w' });
  await store.checkpoints.save(id, { messages: 'none' });
  const { folder, report } = await exported(store);
  expect(report.skipped).toEqual([{ kind: 'checkpoints', reason: 'wrong_shape', count: 1 }]);
  expect((await (await tempStore()).import([folder])).problems).toEqual([]);
});

it('says what an old home has no place for', async () => {
  const store = await tempStore();
  await store.jobs.upsert({ name: 'j', details: { attempts: 3 } });
  await store.jobs.upsert({ name: 'k', details: { detail: 'has a column' } });
  const { id: threadId } = await store.threads.upsert({ cwd: '/w', details: { mine: 1 } });
  await store.threads.appendMessage(threadId, { role: 'user', content: 'c', item: { a: 1 } });
  await store.threads.saveCheckpoint(threadId, 'c', { state: 1 });
  const { id: sessionId } = await store.sessions.create({ workspace: '/w' });
  for (const [scope, ownerId] of [
    ['session', sessionId],
    ['thread', threadId],
  ] as const) {
    await store.goals.upsert({ scope, ownerId, objective: 'o', details: { mine: 1 } });
  }
  const automation = { prompt: 'p', rule: 'FREQ=HOURLY' } as const;
  await store.automations.create({ ...automation, name: 'n', catchUp: 'all' });
  await store.automations.create({ ...automation, name: 'm' });
  const { report } = await exported(store);
  const kinds = ['automations.catch_up', 'session_goals.details', 'state.jobs.details'];
  kinds.push('state.thread_goals.details', 'state.threads.details');
  expect(report.skipped).toEqual(kinds.map((kind) => ({ kind, reason: 'no_place', count: 1 })));
});
