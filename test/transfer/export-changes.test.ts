import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Store } from '../../src/index.ts';
import { minifyJson } from '../../src/model/json-text.ts';
import { takeMark } from '../../src/model/row-mark.ts';
import { withCopy } from '../support/compare-state-db.ts';
import { exportFrom, importInto, readLines, readRecord, workIn } from '../support/export-tools.ts';
import { canonical, member, readJson } from '../support/lossless-json.ts';
import { tempFolder } from '../support/temp-store.ts';

const HEAD = '"created_at":"2026-08-18T09:15:02.118234567Z","updated_at":"2026-08-18T09:20:44Z"';
const say = (role: string, text: string) => ({ role, content: [{ type: 'text', text }] });
const [ASK, LOOK, LOOK_AGAIN] = [
  say('user', 'why?'),
  say('assistant', 'look'),
  say('assistant', 'no'),
];
const entry = (id: string, parent: string | null, message: object) =>
  `{"id":"${id}",${parent === null ? '' : `"parent_id":"${parent}",`}"kind":"message","message":${JSON.stringify(message)},"created_at":"2026-08-18T09:15:02.5Z","spawn_depth":1}`;
const COMPACTION = `{"id":"c","parent_id":"b","kind":"compaction","summary":"short","created_at":"2026-08-18T09:16:00Z"}`;

const SESSION =
  `{"schema_version":1,"metadata":{"id":"s-1","title":"why",${HEAD},"message_count":2,"total_tokens":9007199254740993,` +
  `"model":"m","workspace":"/w","cost":{"session_cost_usd":1.0},"spawn_depth":1,"later":[1.50]},` +
  `"messages":${JSON.stringify([ASK, LOOK])},"journal":{"entries":[${entry('a', null, ASK)},${entry('b', 'a', LOOK)},` +
  `${entry('x', 'a', LOOK_AGAIN)}],"leaf_id":"b","schema_version":1},"leaf_id":"b","system_prompt":null}`;

describe('exportStore, legacy, after changes', () => {
  let home: string;
  let store: string;
  let dir: string;

  beforeEach(() => {
    const folder = tempFolder();
    [home, store, dir] = [join(folder, 'home'), join(folder, 'a.db'), join(folder, 'out')];
    put('sessions/s-1.json', SESSION);
  });

  function put(path: string, content: string): void {
    mkdirSync(join(home, path, '..'), { recursive: true });
    writeFileSync(join(home, path), content);
  }

  /** Imports, works, exports; returns what another store makes of the export. */
  async function round(work: (store: Store) => Promise<unknown>) {
    await importInto(store, home);
    await workIn(store, work);
    const report = await exportFrom(store, dir);
    const again = await importInto(`${store}.again`, dir);
    expect(again.problems).toEqual([]);
    return { report, again };
  }

  const session = () => readJson(readFileSync(join(dir, 'sessions/s-1.json'), 'utf8'));
  /** Without what the export tells an import, which the old program passes over. */
  const unmarked = () =>
    readJson(takeMark(minifyJson(readFileSync(join(dir, 'sessions/s-1.json'), 'utf8'))).raw);

  it('changes only the title of a session that was renamed', async () => {
    await round((s) => s.sessions.rename('s-1', 'new "title"'));
    const expected = SESSION.replace('"title":"why"', '"title":"new \\"title\\""');
    expect(canonical(unmarked())).toBe(canonical(readJson(expected)));
  });

  it('notes that a session was archived, and that it is no longer', async () => {
    await round((s) => s.sessions.archive('s-1'));
    expect(member(session(), 'metadata', 'archived')).toEqual({ type: 'word', text: 'true' });
    await workIn(store, (s) => s.sessions.unarchive('s-1'));
    await exportFrom(store, dir, { force: true });
    expect(canonical(unmarked())).toBe(canonical(readJson(SESSION)));
  });

  it('goes to the branch that became the current one, and keeps the entries as they are', async () => {
    await round(async (s) => {
      const branches = await s.sessions.branches('s-1');
      await s.sessions.setCurrent('s-1', branches.find((branch) => !branch.current)?.leaf ?? '');
    });
    const expected = SESSION.replaceAll('"leaf_id":"b"', '"leaf_id":"x"').replace(
      JSON.stringify([ASK, LOOK]),
      JSON.stringify([ASK, LOOK_AGAIN]),
    );
    expect(member(session(), 'journal', 'spawn_depth')).toEqual({ type: 'word', text: '1' });
    const journal = expected.replace(
      '"schema_version":1},"leaf_id"',
      '"schema_version":1,"spawn_depth":1},"leaf_id"',
    );
    expect(canonical(session())).toBe(canonical(readJson(journal)));
  });

  it('adds new messages to the journal, after a compaction too, and loses no branch', async () => {
    put('sessions/s-1.json', SESSION.replace(/\],"leaf_id":"b"/, `,${COMPACTION}],"leaf_id":"c"`));
    await round((s) =>
      s.sessions.appendMessages('s-1', [say('user', 'more'), say('assistant', 'ok')]),
    );
    const record = readRecord(dir, 'sessions/s-1.json') as {
      metadata: { message_count: number; updated_at: string; created_at: string };
      messages: { content: { text: string }[] }[];
      journal: { entries: { id: string; parent_id?: string }[]; leaf_id: string };
      leaf_id: string;
    };
    expect(record.messages.map((message) => message.content[0]?.text)).toEqual([
      'why?',
      'look',
      '[compaction summary] short',
      'more',
      'ok',
    ]);
    const { entries, leaf_id: leaf } = record.journal;
    expect(entries.slice(0, 4).map(({ id }) => id)).toEqual(['a', 'b', 'x', 'c']);
    expect(entries[4]?.parent_id).toBe('c');
    expect(entries[5]?.parent_id).toBe(entries[4]?.id);
    expect([leaf, record.leaf_id]).toEqual([entries[5]?.id, entries[5]?.id]);
    expect(record.metadata).toMatchObject({
      message_count: 5,
      created_at: '2026-08-18T09:15:02.118234567Z',
      updated_at: '2026-08-20T13:01:00Z',
    });
  });

  it('gives a session without a journal one when it has branches, and none when it has not', async () => {
    put('sessions/s-1.json', SESSION.replace(/"journal":.*?"leaf_id":"b",(?="system)/, ''));
    await round(async (s) => {
      const made = await s.sessions.create({ id: 'line', workspace: '/w', title: 'line' });
      await s.sessions.appendMessages(made.id, [ASK, LOOK]);
      const [first] = (await s.sessions.messages('s-1')).items;
      await s.sessions.appendMessages('s-1', [LOOK_AGAIN], { parent: first?.id ?? null });
    });
    const line = readRecord(dir, 'sessions/line.json');
    expect(Object.keys(line)).toEqual(['schema_version', 'metadata', 'messages', 'store_row']);
    const record = readRecord(dir, 'sessions/s-1.json') as {
      messages: unknown[];
      journal: { entries: { id: string }[]; leaf_id: string };
    };
    expect(record.messages).toEqual([ASK, LOOK_AGAIN]);
    expect(record.journal.entries).toHaveLength(3);
    expect(record.journal.leaf_id).toBe(record.journal.entries[2]?.id);
  });

  it('leaves out what was deleted, with all that belongs to it, and says so', async () => {
    put(
      'sessions/s-1/approval_receipts.jsonl',
      '{"phase":"asked","approval_id":"c","tool_call_id":"c","tool_name":"t","created_at":"2026-08-18T09:15:02Z"}\n',
    );
    put('sessions/s-1/artifacts/art_c.txt', 'bytes');
    const { report } = await round((s) => s.sessions.delete('s-1'));
    expect(report.records).toBe(0);
    expect(report.skipped).toEqual([
      { kind: 'approval_receipts', reason: 'deleted', count: 1 },
      { kind: 'artifacts', reason: 'deleted', count: 1 },
      { kind: 'sessions', reason: 'deleted', count: 1 },
    ]);
  });

  it('writes the queue anew only when its order changed', async () => {
    const task = (id: string) => {
      put(
        `tasks/tasks/${id}.json`,
        `{"schema_version":2,"id":"${id}","prompt":"p","model":"m","workspace":"/w","mode":"agent","allow_shell":false,"trust_mode":false,"status":"queued","created_at":"2026-08-18T09:00:00Z","tool_calls":[],"timeline":[],"lifecycle_seq":12345678901234567890}`,
      );
    };
    for (const id of ['task_1', 'task_2', 'task_3']) task(id);
    put('tasks/queue.json', '{"queue":["task_2","task_gone","task_1"],"later":1.0}');
    await round(() => Promise.resolve());
    const queue = () => readFileSync(join(dir, 'tasks/queue.json'), 'utf8').replace(/\s/g, '');
    expect(queue()).toBe('{"queue":["task_2","task_gone","task_1"],"later":1.0}');
    await workIn(store, (s) => s.tasks.cancel('task_2'));
    await exportFrom(store, dir, { force: true });
    expect(queue()).toBe('{"queue":["task_2","task_gone","task_1"],"later":1.0}');
    await workIn(store, (s) => s.tasks.retry('task_2'));
    await exportFrom(store, dir, { force: true });
    expect(queue()).toContain('{"queue":["task_1","task_3","task_2"],"later":1.0,"store_row":');
    const canceled = readFileSync(join(dir, 'tasks/tasks/task_3.json'), 'utf8');
    expect(canceled).toContain('"lifecycle_seq": 12345678901234567890');
  });
});

describe('exportStore, legacy, of what the library made', () => {
  it('writes records that are read again without one problem', async () => {
    const folder = tempFolder();
    const [store, dir] = [join(folder, 'a.db'), join(folder, 'out')];
    await workIn(store, makeOneOfEach);
    const report = await exportFrom(store, dir);
    const again = await importInto(join(folder, 'b.db'), dir);
    expect(again.problems).toEqual([]);
    expect(again.totals.orphaned).toBe(0);
    for (const [kind, counts] of Object.entries(again.byKind)) {
      // What only the export made is kept nowhere.
      const isMade = ['runtime_state', 'task_queue', 'session_index'].includes(kind);
      if (!isMade) expect([kind, counts.imported]).toEqual([kind, report.byKind[kind]]);
    }
    expect(report.byKind).toMatchObject({
      sessions: 2,
      checkpoints: 1,
      offline_queue: 1,
      session_goals: 1,
      threads: 2,
      tasks: 1,
      task_queue: 1,
      automations: 1,
      triggers: 1,
      audit: 1,
      runtime_goals: 1,
      runtime_state: 1,
      session_index: 1,
      'state.threads': 1,
      'state.messages': 3,
      'state.checkpoints': 1,
      'state.thread_dynamic_tools': 1,
      'state.thread_goals': 1,
      'state.jobs': 1,
    });
    const events = ['rt-1'].flatMap((id) => readLines(dir, `tasks/runtime/events/${id}.jsonl`));
    const counter = readRecord(dir, 'tasks/runtime/state.json') as { next_seq: number };
    expect(counter.next_seq).toBeGreaterThan(Math.max(...events.map((e) => Number(e['seq']))));
    const rows = withCopy(join(dir, 'state.db'), (db) =>
      db.prepare('select id, parent_entry_id as parent, content from messages order by id').all(),
    );
    expect(rows).toMatchObject([
      { id: 1, parent: null, content: 'one' },
      { id: 2, parent: 1, content: 'two' },
      { id: 3, parent: 1, content: 'other two' },
    ]);
  });
});

async function makeOneOfEach(store: Store): Promise<void> {
  await store.sessions.create({ id: 'ses.1:x~y', workspace: '/w', details: { journal: 'odd' } });
  await store.sessions.appendMessages('ses.1:x~y', [ASK, LOOK]);
  const [first] = (await store.sessions.messages('ses.1:x~y')).items;
  await store.sessions.appendMessages('ses.1:x~y', [LOOK_AGAIN], { parent: first?.id ?? null });
  await store.sessions.fork('ses.1:x~y');
  await store.checkpoints.save('ses.1:x~y', { turn: 1 });
  await store.offlineQueue.save('ses.1:x~y', { messages: [{ display: 'later' }] });
  await store.goals.upsert({
    scope: 'session',
    ownerId: 'ses.1:x~y',
    objective: 'green',
    status: 'usage_limited',
    details: { note: 'x' },
  });
  await store.runtime.createThread({ id: 'rt-1', workspace: '/w', sessionId: 'ses.1:x~y' });
  const turn = await store.runtime.startTurn('rt-1', {
    inputSummary: 'do',
    userItem: { detail: 'do it' },
  });
  await store.runtime.saveItem(turn.id, {
    kind: 'tool_call',
    detail: 'a\u0000b',
    metadata: { n: 1 },
  });
  await store.runtime.finishTurn(turn.id, { items: [{ kind: 'agent_message', detail: 'done' }] });
  await store.events.append('rt-1', [{ type: 'my.event', payload: { deep: [1, { a: null }] } }]);
  await store.runtime.fork('rt-1');
  await store.goals.upsert({ scope: 'runtime', ownerId: 'rt-1', objective: 'green' });
  await store.tasks.create({ id: 'task.1', prompt: 'p', workspace: '/w', threadId: 'rt-1' });
  const automation = await store.automations.create({
    name: 'nightly',
    prompt: 'p',
    rule: 'FREQ=HOURLY',
  });
  await store.automations.runNow(automation.id);
  await store.triggers.create({ fireAt: '2027-01-01T00:00:00Z', message: 'wake' });
  await store.audit.append({ event: 'e', details: { at: '\ud83d \ud83d\udc33 \\ud83d' } });
  await store.threads.upsert({ id: 'thread-1', cwd: '/w', title: 'name' });
  const one = await store.threads.appendMessage('thread-1', { role: 'user', content: 'one' });
  await store.threads.appendMessage('thread-1', {
    role: 'assistant',
    content: 'two',
    item: { a: 1 },
  });
  await store.threads.forkAt('thread-1', one.id, { role: 'assistant', content: 'other two' });
  await store.threads.saveCheckpoint('thread-1', 'latest', { reason: 'x' });
  await store.threads.setTools('thread-1', [{ name: 't', inputSchema: { type: 'object' } }]);
  await store.goals.upsert({ scope: 'thread', ownerId: 'thread-1', objective: 'green' });
  await store.jobs.upsert({ id: 'job-1', name: 'j', details: { detail: 'text', more: 1 } });
}
