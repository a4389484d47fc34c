import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Store } from '../../src/index.ts';
import { FileHub } from '../support/file-hub.ts';
import { SmallHome, time } from '../support/small-home.ts';
import { syncDevice } from '../support/sync-device.ts';
import { tempFolder, tempStore } from '../support/temp-store.ts';

const SESSION = '5d0d3c0e-7a55-4f0b-9a3e-8a1f0c2b7d61';
const THREAD = 'thr_0a1b2c3d';
const TASK = 'task_0123456789abcdef';

type Members = Readonly<Record<string, unknown>>;

/** A kind of record of which people edit something in the store. */
interface Kind {
  /** How the old program writes it at a time in unix seconds; `members` over what it says by default. */
  write(home: SmallHome, at: number, members: Members): void;
  /** What the old program does beside, that has to come in. */
  readonly work: Members;
  /** What shows that it came in. */
  worked(store: Store): Promise<unknown>;
  /** Each edit, what shows it, and the old program doing something else to that very thing. */
  readonly edits: Readonly<Record<string, Edit>>;
}

interface Edit {
  edit(store: Store): Promise<unknown>;
  shown(store: Store): Promise<unknown>;
  /** None where the old program has no such thing. */
  readonly other?: Members;
}

interface WithDetails {
  readonly details: Members;
}
const detailsOf = ({ details }: WithDetails) => details;
const metadataOf = ({ details }: WithDetails) => details['metadata'] as Members;
const noteIn = async (members: Promise<Members>) => (await members)['note'] ?? null;

const title = (store: Store) => store.sessions.get(SESSION).then((one) => one.title);

const KINDS: Readonly<Record<string, Kind>> = {
  session: {
    write(home, at, members) {
      const metadata = {
        ...{ id: SESSION, title: 'legacy', created_at: time(1), updated_at: time(at) },
        ...{ message_count: 1, total_tokens: 0, model: 'm', workspace: '/w', ...members },
      };
      home.put(`sessions/${SESSION}.json`, { metadata, messages: [] });
    },
    work: { total_tokens: 5 },
    worked: async (store) => (await store.sessions.get(SESSION)).details['metadata'],
    edits: {
      title: {
        edit: (store) => store.sessions.rename(SESSION, 'mine'),
        shown: title,
        other: { title: 'theirs' },
      },
      archive: {
        edit: (store) => store.sessions.archive(SESSION),
        shown: async (store) => (await store.sessions.get(SESSION)).archivedAt !== null,
      },
      model: {
        edit: (store) => store.sessions.update(SESSION, { model: 'mine' }),
        shown: async (store) => (await store.sessions.get(SESSION)).model,
        other: { model: 'theirs' },
      },
      'a detail': {
        async edit(store) {
          const { metadata, ...details } = (await store.sessions.get(SESSION)).details;
          const edited = { ...(metadata as Members), note: 'mine' };
          await store.sessions.update(SESSION, { details: { ...details, metadata: edited } });
        },
        shown: (store) => noteIn(store.sessions.get(SESSION).then(metadataOf)),
        other: { note: 'theirs' },
      },
      deletion: {
        edit: (store) => store.sessions.delete(SESSION),
        shown: async (store) => (await store.sessions.get(SESSION)).deletedAt !== null,
      },
    },
  },
  'thread of state.db': {
    write(home, at, members) {
      home.row('threads', {
        ...{ id: 't1', title: 'legacy', preview: 'p', ephemeral: 0, model_provider: 'm' },
        ...{ created_at: 1, updated_at: at, status: 'idle', cwd: '/w', cli_version: 'v' },
        ...{ source: 'api', ...(members as Record<string, string>) },
      });
    },
    work: { git_branch: 'next' },
    worked: async (store) => (await store.threads.get('t1')).details,
    edits: {
      title: {
        edit: (store) => store.threads.upsert({ id: 't1', title: 'mine' }),
        shown: async (store) => (await store.threads.get('t1')).title,
        other: { title: 'theirs' },
      },
      archive: {
        edit: (store) => store.threads.archive('t1'),
        shown: async (store) => (await store.threads.get('t1')).archivedAt !== null,
      },
      'a detail': {
        edit: (store) => store.threads.upsert({ id: 't1', details: { git_sha: 'mine' } }),
        shown: async (store) => (await store.threads.get('t1')).details['git_sha'] ?? null,
        other: { git_sha: 'theirs' },
      },
      tools: {
        edit: (store) => store.threads.setTools('t1', [{ name: 'mine', inputSchema: {} }]),
        shown: async (store) => (await store.threads.tools('t1')).map(({ name }) => name),
      },
      deletion: {
        edit: (store) => store.threads.delete('t1'),
        shown: async (store) => (await store.threads.get('t1')).deletedAt !== null,
      },
    },
  },
  'runtime thread': {
    write(home, at, members) {
      home.put(`tasks/runtime/threads/${THREAD}.json`, {
        ...{ id: THREAD, created_at: time(1), updated_at: time(at), model: 'm', workspace: '/w' },
        ...{ mode: 'agent', allow_shell: true, trust_mode: false, auto_approve: false },
        ...{ title: 'legacy', note: 'legacy', ...members },
      });
    },
    work: { system_prompt: 'be brief' },
    worked: async (store) => (await store.runtime.getThread(THREAD)).details,
    edits: {
      title: {
        edit: (store) => store.runtime.updateThread(THREAD, { title: 'mine' }),
        shown: async (store) => (await store.runtime.getThread(THREAD)).title,
        other: { title: 'theirs' },
      },
      archive: {
        edit: (store) => store.runtime.updateThread(THREAD, { archived: true }),
        shown: async (store) => (await store.runtime.getThread(THREAD)).archived,
      },
      mode: {
        edit: (store) => store.runtime.updateThread(THREAD, { mode: 'plan' }),
        shown: async (store) => (await store.runtime.getThread(THREAD)).mode,
        other: { mode: 'operate' },
      },
      'a detail': {
        async edit(store) {
          const { details } = await store.runtime.getThread(THREAD);
          await store.runtime.updateThread(THREAD, { details: { ...details, note: 'mine' } });
        },
        shown: (store) => noteIn(store.runtime.getThread(THREAD).then(detailsOf)),
        other: { note: 'theirs' },
      },
      'a detail, taken away': {
        async edit(store) {
          const { note: _note, ...details } = detailsOf(await store.runtime.getThread(THREAD));
          await store.runtime.updateThread(THREAD, { details });
        },
        shown: (store) => noteIn(store.runtime.getThread(THREAD).then(detailsOf)),
        other: { note: 'theirs' },
      },
      deletion: {
        edit: (store) => store.runtime.deleteThread(THREAD),
        shown: async (store) => (await store.runtime.getThread(THREAD)).deletedAt !== null,
      },
    },
  },
  task: {
    write(home, at, members) {
      home.put(`tasks/tasks/${TASK}.json`, {
        ...{ id: TASK, prompt: 'legacy', model: 'm', workspace: '/w', mode: 'agent' },
        ...{ allow_shell: false, trust_mode: false, status: 'failed', created_at: time(1) },
        ...{ started_at: time(2), ended_at: time(at), tool_calls: [], timeline: [], ...members },
      });
    },
    work: { hunt_verdict: 'hunted' },
    worked: async (store) => (await store.tasks.get(TASK)).details,
    edits: {
      prompt: {
        edit: (store) => store.tasks.update(TASK, { prompt: 'mine' }),
        shown: async (store) => (await store.tasks.get(TASK)).prompt,
      },
      archive: {
        edit: (store) => store.tasks.archive(TASK),
        shown: async (store) => (await store.tasks.get(TASK)).archivedAt !== null,
      },
      retry: {
        edit: (store) => store.tasks.retry(TASK),
        shown: async (store) => (await store.tasks.get(TASK)).status,
      },
      model: {
        edit: (store) => store.tasks.update(TASK, { model: 'mine' }),
        shown: async (store) => (await store.tasks.get(TASK)).model,
        other: { model: 'theirs' },
      },
      'a detail': {
        async edit(store) {
          const { details } = await store.tasks.get(TASK);
          await store.tasks.update(TASK, { details: { ...details, note: 'mine' } });
        },
        shown: (store) => noteIn(store.tasks.get(TASK).then(detailsOf)),
        other: { note: 'theirs' },
      },
      deletion: {
        edit: (store) => store.tasks.delete(TASK),
        shown: async (store) => (await store.tasks.get(TASK)).deletedAt !== null,
      },
    },
  },
  automation: {
    write(home, at, members) {
      home.put('automations/automations/a1.json', {
        ...{ id: 'a1', name: 'legacy', prompt: 'p', rrule: 'FREQ=HOURLY;INTERVAL=2' },
        ...{ status: 'active', created_at: time(1), updated_at: time(at) },
        ...{ next_run_at: time(at + 100), last_run_at: time(at), ...members },
      });
    },
    work: { cwds: ['/elsewhere'] },
    worked: async (store) => (await store.automations.get('a1')).details,
    edits: {
      name: {
        edit: (store) => store.automations.update('a1', { name: 'mine' }),
        shown: async (store) => (await store.automations.get('a1')).name,
        other: { name: 'theirs' },
      },
      prompt: {
        edit: (store) => store.automations.update('a1', { prompt: 'mine' }),
        shown: async (store) => (await store.automations.get('a1')).prompt,
        other: { prompt: 'theirs' },
      },
      pause: {
        edit: (store) => store.automations.pause('a1'),
        async shown(store) {
          const { status, nextRunAt } = await store.automations.get('a1');
          return { status, nextRunAt };
        },
      },
      takeOver: {
        edit: (store) => store.automations.takeOver(),
        shown: async (store) => (await store.automations.get('a1')).owner,
      },
      rule: {
        edit: (store) => store.automations.update('a1', { rule: 'FREQ=HOURLY;INTERVAL=3' }),
        shown: async (store) => (await store.automations.get('a1')).rule,
        other: { rrule: 'FREQ=HOURLY;INTERVAL=4' },
      },
      'a detail': {
        async edit(store) {
          const { details } = await store.automations.get('a1');
          await store.automations.update('a1', { details: { ...details, note: 'mine' } });
        },
        shown: (store) => noteIn(store.automations.get('a1').then(detailsOf)),
        other: { note: 'theirs' },
      },
      deletion: {
        edit: (store) => store.automations.delete('a1'),
        shown: async (store) => (await store.automations.get('a1')).deletedAt !== null,
      },
    },
  },
  'goal of a thread': {
    write(home, at, members) {
      KINDS['runtime thread']?.write(home, 10, {});
      home.put(`tasks/runtime/goals/${THREAD}.json`, {
        ...{ thread_id: THREAD, goal_id: 'g', objective: 'legacy', status: 'active' },
        ...{ tokens_used: 0, time_used_seconds: 0, continuation_count: 0, created_at: 1 },
        ...{ updated_at: at, ...members },
      });
    },
    work: { tokens_used: 7 },
    worked: async (store) => (await store.goals.get('runtime', THREAD)).tokensUsed,
    edits: {
      status: {
        edit: (store) =>
          store.goals.upsert({ scope: 'runtime', ownerId: THREAD, status: 'paused' }),
        shown: async (store) => (await store.goals.get('runtime', THREAD)).status,
        other: { status: 'complete' },
      },
      objective: {
        edit: (store) =>
          store.goals.upsert({ scope: 'runtime', ownerId: THREAD, objective: 'mine' }),
        shown: async (store) => (await store.goals.get('runtime', THREAD)).objective,
        other: { objective: 'theirs' },
      },
      budget: {
        edit: (store) =>
          store.goals.upsert({ scope: 'runtime', ownerId: THREAD, tokenBudget: 5000 }),
        shown: async (store) => (await store.goals.get('runtime', THREAD)).tokenBudget,
        other: { token_budget: 100 },
      },
      deletion: {
        edit: (store) => store.goals.delete('runtime', THREAD),
        shown: async (store) => (await store.goals.list()).items,
      },
    },
  },
  job: {
    write(home, at, members) {
      home.row('jobs', {
        ...{ id: 'j1', name: 'legacy', status: 'running', progress: 1, created_at: 1 },
        ...{ updated_at: at, ...(members as Record<string, string>) },
      });
    },
    work: { detail: 'half of it' },
    worked: async (store) => (await store.jobs.get('j1')).details,
    edits: {
      name: {
        edit: (store) => store.jobs.upsert({ id: 'j1', name: 'mine' }),
        shown: async (store) => (await store.jobs.get('j1')).name,
        other: { name: 'theirs' },
      },
      'a detail': {
        edit: (store) => store.jobs.upsert({ id: 'j1', details: { note: 'mine' } }),
        shown: (store) => noteIn(store.jobs.get('j1').then(detailsOf)),
      },
      deletion: {
        edit: (store) => store.jobs.delete('j1'),
        shown: async (store) => (await store.jobs.list()).items,
      },
    },
  },
};

const cases = Object.entries(KINDS).flatMap(([name, kind]) =>
  Object.entries(kind.edits).map(([edit, one]) => [name, edit, kind, one] as const),
);

describe.each(cases)('%s, %s', (_, edit, kind, { other, ...one }) => {
  it('stays as it was edited while the old program goes on with the rest', async () => {
    const clock = { ms: 1_000_000 };
    const store = await tempStore({ clock: () => (clock.ms += 1000) });
    const home = new SmallHome();
    kind.write(home, 10, {});
    await store.import([home.root]);
    const before = await one.shown(store);
    await one.edit(store);
    const edited = await one.shown(store);
    expect(edited).not.toEqual(before);
    const work = await kind.worked(store).catch(() => undefined);

    for (let at = 2000; at < 2300; at += 100) {
      kind.write(home, at, kind.work);
      expect((await store.import([home.root])).totals).toMatchObject({ failed: 0 });
      expect(await one.shown(store)).toEqual(edited);
      clock.ms = at * 1000;
    }
    if (edit !== 'deletion' && edit !== 'tools') {
      expect(await kind.worked(store)).not.toEqual(work);
    }
    const again = await store.import([home.copy().root]);
    expect(again.totals).toMatchObject({ imported: 0, updated: 0 });
    expect(await one.shown(store)).toEqual(edited);

    if (!other) return;
    kind.write(home, 3000, { ...kind.work, ...other });
    await store.import([home.root]);
    expect(Object.values(other)).toContain(await one.shown(store));
  });
});

it('an edit holds on every device beside what the old program wrote', async () => {
  const hub = new FileHub({ path: join(tempFolder(), 'hub.db') });
  const clock = { ms: 1_000_000 };
  const now = () => (clock.ms += 1000);
  const [a, b] = [await syncDevice('a', hub, { now }), await syncDevice('b', hub, { now })];
  const home = new SmallHome();
  const kind = KINDS['session'] as Kind;
  kind.write(home, 10, {});
  for (const { store } of [a, b]) await store.import([home.root]);
  for (const one of [a, b]) await one.sync();
  await a.store.sessions.update(SESSION, { model: 'mine' });
  kind.write(home, 2000, kind.work);
  clock.ms = 3_000_000;
  // One of them knows nothing of the edit.
  for (const { store } of [a, b]) await store.import([home.root]);
  for (const one of [a, b, a]) await one.sync();
  for (const { store } of [a, b]) {
    expect((await store.sessions.get(SESSION)).model).toBe('mine');
    expect(await kind.worked(store)).toMatchObject(kind.work);
    expect((await store.import([home.copy().root])).totals).toMatchObject({ updated: 0 });
  }
  expect((await a.store.sync.verify()).digest).toBe((await b.store.sync.verify()).digest);
});
