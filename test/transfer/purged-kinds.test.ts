import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { LegacyKind } from '../../src/legacy/kinds.ts';
import { RECORD_OWNERS } from '../../src/model/record-owners.ts';
import { FileHub } from '../support/file-hub.ts';
import { SmallHome, time } from '../support/small-home.ts';
import { storeText } from '../support/store-text.ts';
import { syncDevice, type SyncDevice } from '../support/sync-device.ts';
import { tempFolder } from '../support/temp-store.ts';

/** The ids of one record of everything that can be purged. */
const IDS = {
  session: '5d0d3c0e-7a55-4f0b-9a3e-8a1f0c2b7d61',
  thread: 'thread-1',
  runtime: 'thr_0a1b2c3d',
  task: 'task_0123456789abcdef',
  automation: '3a0f7c55-2b1d-4c5e-8f00-0a0b0c0d0e0f',
} as const;
type Root = keyof typeof IDS;

const OTHER_THREAD = 'thr_0a1b2c3e';
const TURN = 'turn_11223344';
const LATE_TURN = 'turn_55667788';
const CANARY = 'cassowary';

/** How a record is written that says something; `at` in unix seconds. */
type Write = (home: SmallHome, says: string, at: number) => void;

interface Belongs {
  readonly to: Root;
  readonly write: Write;
  /** Kept apart where what it belongs to is nowhere. */
  readonly alone?: true;
}

const NOBODY = 'belongs to nobody';

const session = (says: string, at: number) => ({
  metadata: {
    ...{ id: IDS.session, title: says, created_at: time(1), updated_at: time(at) },
    ...{ message_count: 1, total_tokens: 0, model: 'm', workspace: '/w' },
  },
  messages: [{ role: 'user', content: [{ type: 'text', text: says }] }],
});
const runtimeThread = (id: string, says: string, at: number) => ({
  ...{ id, created_at: time(1), updated_at: time(at), model: 'm', workspace: '/w', mode: 'agent' },
  ...{ allow_shell: true, trust_mode: false, auto_approve: false, title: says },
});
const turn = (id: string, says: string, at: number) => ({
  ...{ id, thread_id: IDS.runtime, input_summary: says, status: 'completed' },
  ...{ created_at: time(1), started_at: time(2), ended_at: time(at) },
});
const item = (id: string, turnId: string, says: string, at: number) => ({
  ...{ id, turn_id: turnId, kind: 'agent_message', status: 'completed', summary: says },
  ...{ detail: says, started_at: time(2), ended_at: time(at) },
});
const goal = (says: string, at: number) => ({
  ...{ thread_id: IDS.runtime, goal_id: 'goal-1', objective: says, status: 'active' },
  ...{ tokens_used: 0, time_used_seconds: 0, continuation_count: 0, created_at: 1, updated_at: at },
});
const run = (says: string, at: number) => ({
  ...{ id: 'run-1', automation_id: IDS.automation, scheduled_for: time(1), status: 'failed' },
  ...{ created_at: time(1), ended_at: time(at), error: says },
});

/** Every kind of record, and whose it is: a new one has to say so here, too. */
const KINDS: Readonly<Record<LegacyKind, Belongs | typeof NOBODY>> = {
  'state.threads': { to: 'thread', write: stateThread },
  'state.messages': {
    to: 'thread',
    alone: true,
    write(home, says, at) {
      const row = { thread_id: IDS.thread, role: 'user', content: says, created_at: at };
      home.row('messages', { id: at, ...row });
    },
  },
  'state.checkpoints': {
    to: 'thread',
    alone: true,
    write(home, says, at) {
      const state_json = JSON.stringify({ says });
      const row = { thread_id: IDS.thread, checkpoint_id: 'latest', state_json, created_at: at };
      home.row('checkpoints', row);
    },
  },
  'state.thread_dynamic_tools': {
    to: 'thread',
    alone: true,
    write(home, says) {
      const row = { thread_id: IDS.thread, position: 0, name: says, input_schema: '{}' };
      home.row('thread_dynamic_tools', row);
    },
  },
  'state.thread_goals': {
    to: 'thread',
    alone: true,
    write(home, says, at) {
      const row = { thread_id: IDS.thread, goal_id: 'g', objective: says, status: 'active' };
      home.row('thread_goals', { ...row, created_at: 1, updated_at: at });
    },
  },
  'state.jobs': NOBODY,
  'state.workflow_runs': NOBODY,
  'state.branch_runs': NOBODY,
  'state.leaf_runs': NOBODY,
  'state.control_node_runs': NOBODY,
  'state.teacher_candidates': NOBODY,
  session_index: {
    to: 'thread',
    write(home, says, at) {
      const line = { thread_id: IDS.thread, thread_name: says, updated_at: at };
      home.line('session_index.jsonl', line);
    },
  },
  sessions: {
    to: 'session',
    write: (home, says, at) => {
      home.put(`sessions/${IDS.session}.json`, session(says, at));
    },
  },
  session_boot_owners: NOBODY,
  session_goals: {
    to: 'session',
    write(home, says) {
      const record = { objective: says, status: 'active' };
      home.put(`sessions/.goals/${IDS.session}.json`, record);
    },
  },
  approval_receipts: {
    to: 'session',
    alone: true,
    write(home, says, at) {
      const ids = { approval_id: says, tool_call_id: says };
      const line = { phase: 'asked', ...ids, tool_name: says, created_at: time(at) };
      home.line(`sessions/${IDS.session}/approval_receipts.jsonl`, line);
    },
  },
  work_graph_archive: {
    to: 'session',
    write(home, says) {
      home.put(`sessions/.work-graph-import-archive/${IDS.session}.json`, { title: says });
    },
  },
  checkpoints: {
    to: 'session',
    write(home, says, at) {
      home.put(`sessions/checkpoints/${IDS.session}.json`, session(says, at));
    },
  },
  offline_queue: {
    to: 'session',
    write(home, says) {
      const messages = [{ display: says }];
      home.put('sessions/checkpoints/offline_queue.json', { session_id: IDS.session, messages });
    },
  },
  threads: {
    to: 'runtime',
    write(home, says, at) {
      const thread = runtimeThread(IDS.runtime, says, at);
      home.put(`tasks/runtime/threads/${IDS.runtime}.json`, thread);
    },
  },
  turns: {
    to: 'runtime',
    alone: true,
    write(home, says, at) {
      home.put(`tasks/runtime/turns/${TURN}.json`, turn(TURN, says, at));
    },
  },
  items: {
    to: 'runtime',
    alone: true,
    write(home, says, at) {
      const id = `item_${String(at).padStart(8, '0')}`;
      home.put(`tasks/runtime/items/${id}.json`, item(id, TURN, says, at));
      home.put('tasks/runtime/items/item_aa.json', item('item_aa', TURN, says, at));
    },
  },
  events: {
    to: 'runtime',
    alone: true,
    write(home, says, at) {
      const payload = { delta: says };
      const event = { seq: at, timestamp: time(at), thread_id: IDS.runtime, event: 'item.delta' };
      home.line(`tasks/runtime/events/${IDS.runtime}.jsonl`, { ...event, payload });
    },
  },
  runtime_goals: {
    to: 'runtime',
    write(home, says, at) {
      home.put(`tasks/runtime/goals/${IDS.runtime}.json`, goal(says, at));
    },
  },
  agent_mail: {
    to: 'runtime',
    write(home, says) {
      const [a, b] = [{ thread_id: IDS.runtime }, { thread_id: OTHER_THREAD }];
      const put = (id: string, source: object, destination: object) => {
        const record = { message_id: id, source, destination, summary: says };
        home.put(`tasks/runtime/agent-mail/${id}.json`, record);
      };
      put('mail_1', a, b);
      put('mail_2', b, a);
    },
  },
  runtime_state: NOBODY,
  runtime_owner: NOBODY,
  tasks: {
    to: 'task',
    write(home, says, at) {
      const task = {
        // Another prompt would be another task.
        ...{
          id: IDS.task,
          prompt: CANARY,
          result_summary: says,
          model: 'm',
          workspace: '/w',
          mode: 'agent',
        },
        ...{ allow_shell: false, trust_mode: false, status: 'completed', created_at: time(1) },
        ...{ started_at: time(2), ended_at: time(at), tool_calls: [], timeline: [] },
      };
      home.put(`tasks/tasks/${IDS.task}.json`, task);
    },
  },
  task_queue: NOBODY,
  automations: {
    to: 'automation',
    write(home, says, at) {
      const automation = {
        ...{ id: IDS.automation, name: says, prompt: says, rrule: 'FREQ=HOURLY;INTERVAL=2' },
        ...{ status: 'paused', created_at: time(1), updated_at: time(at) },
      };
      home.put(`automations/automations/${IDS.automation}.json`, automation);
    },
  },
  automation_runs: {
    to: 'automation',
    alone: true,
    write(home, says, at) {
      home.put(`automations/runs/${IDS.automation}/run-1.json`, run(says, at));
    },
  },
  triggers: {
    to: 'session',
    write(home, says, at) {
      const trigger = {
        ...{ trigger_id: 'trig_1', fire_at: time(1), message: says, status: 'fired' },
        ...{ owner_session_id: IDS.session, created_at: time(1), fired_at: time(at) },
      };
      home.put('automations/triggers/trig_1.json', trigger);
    },
  },
  audit: NOBODY,
};

function stateThread(home: SmallHome, says: string, at: number): void {
  home.row('threads', {
    ...{ id: IDS.thread, title: says, preview: says, ephemeral: 0, model_provider: 'm' },
    ...{
      created_at: 1,
      updated_at: at,
      status: 'idle',
      cwd: '/w',
      cli_version: 'v',
      source: 'api',
    },
  });
}

/** The kinds that stand for what they are of. */
const ROOTS: Readonly<Record<Root, LegacyKind>> = {
  session: 'sessions',
  thread: 'state.threads',
  runtime: 'threads',
  task: 'tasks',
  automation: 'automations',
};

const owned = Object.entries(KINDS).filter(
  (one): one is [LegacyKind, Belongs] => one[1] !== NOBODY,
);

function writeRoot(home: SmallHome, root: Root): void {
  (KINDS[ROOTS[root]] as Belongs).write(home, 'plain', 10);
  if (root !== 'runtime') return;
  const other = runtimeThread(OTHER_THREAD, 'plain', 10);
  home.put(`tasks/runtime/threads/${OTHER_THREAD}.json`, other);
  home.put(`tasks/runtime/turns/${TURN}.json`, turn(TURN, 'plain', 10));
}

async function group() {
  const hub = new FileHub({ path: join(tempFolder(), 'hub.db') });
  return { f: await syncDevice('f', hub), g: await syncDevice('g', hub) };
}

const holdsCanary = async ({ database }: SyncDevice) =>
  (await storeText(database)).split('\n').filter((line) => line.includes(CANARY));

it('every kind says whose it is', () => {
  const belonging = Object.entries(RECORD_OWNERS).flatMap(([kind, owner]) => (owner ? [kind] : []));
  expect(belonging.sort()).toEqual(owned.map(([kind]) => kind).sort());
});

describe.each(owned)('%s of something that was purged', (_, { to, write, alone }) => {
  it('go with it, and no import brings them back', async () => {
    const { f } = await group();
    const home = new SmallHome();
    writeRoot(home, to);
    write(home, CANARY, 20);
    const report = await f.store.import([home.root]);
    expect(report.problems.filter((one) => one.class !== 'anomaly')).toEqual([]);
    expect(await holdsCanary(f)).not.toEqual([]);

    await f.store.purge(IDS[to]);
    expect(await holdsCanary(f)).toEqual([]);
    await f.store.import([home.root]);
    expect(await holdsCanary(f)).toEqual([]);
    const later = Math.floor(Date.now() / 1000) + 100;
    write(home, `${CANARY} later`, later);
    await f.store.import([home.root]);
    expect(await holdsCanary(f)).toEqual([]);
    await f.store.import([home.copy().root]);
    expect(await holdsCanary(f)).toEqual([]);
  });

  it('go from a device that had not heard of it, and come to none', async () => {
    const { f, g } = await group();
    const home = new SmallHome();
    writeRoot(home, to);
    await f.store.import([home.root]);
    for (const one of [f, g]) await one.sync();
    write(home, CANARY, 20);
    await g.store.import([home.root]);
    expect(await holdsCanary(g)).not.toEqual([]);
    await f.store.purge(IDS[to]);
    for (const one of [g, f]) await one.sync();
    expect(await holdsCanary(f)).toEqual([]);
    for (const one of [g, f, g]) await one.sync();
    for (const one of [f, g]) expect(await holdsCanary(one)).toEqual([]);
  });

  if (!alone) return;

  it('go with it where they had come before it', async () => {
    const { f } = await group();
    const [home, other] = [new SmallHome(), new SmallHome()];
    write(home, CANARY, 20);
    expect((await f.store.import([home.root])).totals.orphaned).toBeGreaterThan(0);
    expect(await holdsCanary(f)).not.toEqual([]);
    writeRoot(other, to);
    await f.store.import([other.root]);
    await f.store.purge(IDS[to]);
    expect(await holdsCanary(f)).toEqual([]);
  });
});

it('items of a turn that came after the purge stay out with it', async () => {
  const { f } = await group();
  const home = new SmallHome();
  writeRoot(home, 'runtime');
  await f.store.import([home.root]);
  await f.store.purge(IDS.runtime);
  home.put(`tasks/runtime/turns/${LATE_TURN}.json`, turn(LATE_TURN, CANARY, 20));
  await f.store.import([home.root]);
  home.put('tasks/runtime/items/item_bb.json', item('item_bb', LATE_TURN, CANARY, 20));
  await f.store.import([home.root]);
  expect(await holdsCanary(f)).toEqual([]);
});

it('what two homes call by one short id stays until both records are purged', async () => {
  const { f } = await group();
  const [home, other] = [new SmallHome(), new SmallHome()];
  writeRoot(home, 'runtime');
  const { write } = KINDS.agent_mail as Belongs;
  const thread = { ...runtimeThread(IDS.runtime, 'plain', 10), created_at: time(5) };
  other.put(`tasks/runtime/threads/${IDS.runtime}.json`, thread);
  write(other, CANARY, 20);
  await f.store.import([home.root, other.root]);
  const { items } = await f.store.runtime.listThreads();
  const [another] = items.map(({ id }) => id).filter((id) => id.startsWith(`${IDS.runtime}~`));
  await f.store.purge(IDS.runtime);
  expect(await holdsCanary(f)).not.toEqual([]);
  await f.store.purge(another ?? '');
  expect(await holdsCanary(f)).toEqual([]);
});
