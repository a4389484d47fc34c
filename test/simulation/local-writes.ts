import type { Device } from './device.ts';
import type { Random } from './random.ts';
import { expectRows, marking, saying } from './stands.ts';

/** What the user of a device may do; each is one acknowledged call of the public library. */
export interface Hands {
  readonly random: Random;
  readonly now: () => number;
  /** A text that stands nowhere else, and belongs to a record (table and id). */
  text(root: string): string;
  /** The texts of a record were copied into another one, which a purge of it does not reach. */
  copied(root: string): void;
}

type LocalWrite = (device: Device, hands: Hands) => Promise<unknown>;

const SHARED = ['0', '1', '2'];
const pickId = (hands: Hands, letter: string) => letter + hands.random.pick(SHARED);

async function orCreate(
  first: () => Promise<unknown>,
  create: () => Promise<unknown>,
): Promise<unknown> {
  try {
    return await first();
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'NOT_FOUND')) throw error;
    return create();
  }
}

/** The same few registers again and again: edits meet their own push, and each other. */
const retitle: LocalWrite = (device, hands) => {
  const { store } = device;
  const id = (letter: string) => (hands.random.chance(0.7) ? `${letter}0` : pickId(hands, letter));
  const letter = hands.random.pick(['S', 'S', 'T', 'K', 'R'] as const);
  const [table, which] = {
    S: ['sessions', id('S')] as const,
    T: ['threads', id('T')] as const,
    K: ['tasks', id('K')] as const,
    R: ['runtime_threads', id('R')] as const,
  }[letter];
  const text = hands.text(`${table}|${which}`);
  const call = {
    S: () =>
      orCreate(
        () => store.sessions.rename(which, text),
        () => store.sessions.create({ id: which, title: text, workspace: '/w' }),
      ),
    T: () => store.threads.upsert({ id: which, cwd: '/w', title: text }),
    K: () =>
      orCreate(
        () => store.tasks.update(which, { prompt: text }),
        () => store.tasks.create({ id: which, prompt: text }),
      ),
    R: () =>
      orCreate(
        () => store.runtime.updateThread(which, { title: text }),
        () => store.runtime.createThread({ id: which, title: text, workspace: '/w' }),
      ),
  }[letter];
  return saying(device, table, which, text)(call)();
};

const sessions: LocalWrite = (device, hands) => {
  const { store } = device;
  const id = pickId(hands, 'S');
  const text = hands.text(`sessions|${id}`);
  const says = saying(device, 'sessions', id, text);
  const marks = marking(device, 'sessions', id);
  const change = hands.random.pick<() => Promise<unknown>>([
    says(() => store.sessions.rename(id, text)),
    says(() => store.sessions.rename(id, text)),
    says(() => store.sessions.update(id, { details: { note: text } })),
    says(() => store.sessions.update(id, { title: text, workspace: `/w/${text}` })),
    marks('archived_at', true, () => store.sessions.archive(id)),
    marks('archived_at', false, () => store.sessions.unarchive(id)),
    marks('deleted_at', true, () => store.sessions.delete(id)),
    marks('deleted_at', false, () => store.sessions.restore(id)),
    () => {
      hands.copied(`sessions|${id}`);
      return store.sessions.fork(id);
    },
  ]);
  return orCreate(change, () =>
    store.sessions.create({ id, title: text, workspace: `/w/${text}` }),
  );
};

const messages: LocalWrite = (device, hands) => {
  const { store } = device;
  const id = pickId(hands, 'S');
  const text = hands.text(`sessions|${id}`);
  const list = Array.from({ length: 1 + hands.random.below(3) }, (_, i) => ({
    role: i % 2 ? 'assistant' : 'user',
    content: `${text} ${i}`,
  }));
  const branch = hands.random.chance(0.2);
  return orCreate(
    async () => {
      // Somebody who reads the session goes on from what it shows.
      if (branch) await store.sessions.messages(id);
      const ids = await store.sessions.appendMessages(id, list);
      const texts = list.map(({ content }) => content);
      expectRows(device, 'session_messages', ids, texts);
    },
    () => store.sessions.create({ id, title: text, workspace: '/w' }),
  );
};

/** A body that travels in pieces. */
const bigMessage: LocalWrite = ({ store }, hands) => {
  const id = pickId(hands, 'S');
  const text = hands.text(`sessions|${id}`);
  const noise = Array.from({ length: 1500 }, () => hands.random.below(2 ** 30).toString(36)).join(
    '',
  );
  return orCreate(
    () => store.sessions.appendMessages(id, [{ role: 'tool', content: `${text} ${noise}` }]),
    () => store.sessions.create({ id, title: text, workspace: '/w', details: { noise } }),
  );
};

const threads: LocalWrite = (device, hands) => {
  const { store } = device;
  const id = pickId(hands, 'T');
  const text = hands.text(`threads|${id}`);
  const says = saying(device, 'threads', id, text);
  const marks = marking(device, 'threads', id);
  const checkpoint = `c${hands.random.below(2)}`;
  const upsert = says(() => store.threads.upsert({ id, cwd: `/w/${text}`, title: text }));
  const change = hands.random.pick<() => Promise<unknown>>([
    upsert,
    says(() => store.threads.upsert({ id, cwd: '/w', preview: text, details: { note: text } })),
    marks('archived_at', true, () => store.threads.archive(id)),
    marks('archived_at', false, () => store.threads.unarchive(id)),
    marks('deleted_at', true, () => store.threads.delete(id)),
    marks('deleted_at', false, () => store.threads.restore(id)),
    () => store.threads.setTools(id, [{ name: text, inputSchema: {} }]),
    () => store.threads.saveCheckpoint(id, checkpoint, { text }),
    () => store.threads.deleteCheckpoint(id, checkpoint),
  ]);
  return orCreate(change, upsert);
};

const threadMessages: LocalWrite = ({ store }, hands) => {
  const id = pickId(hands, 'T');
  const text = hands.text(`threads|${id}`);
  return orCreate(
    () => store.threads.appendMessage(id, { role: 'user', content: text }),
    () => store.threads.upsert({ id, cwd: '/w', title: text }),
  );
};

const tasks: LocalWrite = (device, hands) => {
  const { store } = device;
  const id = pickId(hands, 'K');
  const text = hands.text(`tasks|${id}`);
  const says = saying(device, 'tasks', id, text);
  const marks = marking(device, 'tasks', id);
  const change = hands.random.pick<() => Promise<unknown>>([
    says(() => store.tasks.update(id, { prompt: text })),
    says(() => store.tasks.update(id, { details: { note: text } })),
    marks('archived_at', true, () => store.tasks.archive(id)),
    marks('archived_at', false, () => store.tasks.unarchive(id)),
    marks('deleted_at', true, () => store.tasks.delete(id)),
    marks('deleted_at', false, () => store.tasks.restore(id)),
    () => store.tasks.cancel(id),
    () => store.tasks.retry(id),
    () => store.tasks.handOver(id, hands.random.pick(['elsewhere', 'here'])),
  ]);
  return orCreate(change, () => store.tasks.create({ id, prompt: text, workspace: `/w/${text}` }));
};

const claimAndFinish: LocalWrite = async ({ store }, hands) => {
  const owner = `w${hands.random.below(2)}`;
  const task = await store.tasks.claim({ owner, leaseMs: 60_000 });
  if (!task || hands.random.chance(0.3)) return;
  const text = hands.text(`tasks|${task.id}`);
  const status = hands.random.pick(['completed', 'failed'] as const);
  await store.tasks.finish(task.id, { owner, status, error: text, summary: text });
};

const automations: LocalWrite = (device, hands) => {
  const { store, now } = device;
  const id = pickId(hands, 'A');
  const text = hands.text(`automations|${id}`);
  const says = saying(device, 'automations', id, text);
  const marks = marking(device, 'automations', id);
  const change = hands.random.pick<() => Promise<unknown>>([
    says(() => store.automations.update(id, { name: text })),
    says(() => store.automations.update(id, { prompt: text })),
    () => store.automations.pause(id),
    () => store.automations.resume(id),
    marks('deleted_at', true, () => store.automations.delete(id)),
    marks('deleted_at', false, () => store.automations.restore(id)),
    () => store.automations.takeOver(),
    async () => {
      const run = await store.automations.runNow(id, {
        status: 'running',
        details: { note: text },
      });
      if (hands.random.chance(0.5)) return;
      await store.automations.finishRun(run.id, { status: 'failed', error: text });
    },
    async () => {
      const { nextRunAt } = await store.automations.get(id);
      if (nextRunAt === null || Date.parse(nextRunAt) > now() + 40 * 86_400_000) return;
      await store.automations.recordRun({ automationId: id, slot: nextRunAt });
    },
  ]);
  const rule = 'FREQ=HOURLY;INTERVAL=1';
  return orCreate(change, () => store.automations.create({ id, name: text, prompt: text, rule }));
};

const jobs: LocalWrite = (device, hands) => {
  const { store } = device;
  const id = pickId(hands, 'J');
  const text = hands.text('none');
  const says = saying(device, 'jobs', id, text);
  return hands.random.pick<() => Promise<unknown>>([
    says(() => store.jobs.upsert({ id, name: text })),
    says(() => store.jobs.upsert({ id, name: text, progress: hands.random.below(100) })),
    says(() => store.jobs.upsert({ id, name: text, status: 'running', details: { text } })),
    () => store.jobs.delete(id),
  ])();
};

const goals: LocalWrite = ({ store }, hands) => {
  const letter = hands.random.pick(['S', 'T', 'R'] as const);
  const ownerId = pickId(hands, letter);
  const [scope, table] = {
    S: ['session', 'sessions'] as const,
    T: ['thread', 'threads'] as const,
    R: ['runtime', 'runtime_threads'] as const,
  }[letter];
  const objective = hands.text(`${table}|${ownerId}`);
  return hands.random.pick<() => Promise<unknown>>([
    () => store.goals.upsert({ scope, ownerId, objective }),
    () => store.goals.upsert({ scope, ownerId, objective, status: 'paused' }),
    () => store.goals.addUsage(scope, ownerId, { tokens: 5 }),
    () => store.goals.delete(scope, ownerId),
  ])();
};

const runtime: LocalWrite = (device, hands) => {
  const { store } = device;
  const id = pickId(hands, 'R');
  const text = hands.text(`runtime_threads|${id}`);
  const says = saying(device, 'runtime_threads', id, text);
  const marks = marking(device, 'runtime_threads', id);
  const change = hands.random.pick<() => Promise<unknown>>([
    says(() => store.runtime.updateThread(id, { title: text })),
    says(() => store.runtime.updateThread(id, { details: { note: text } })),
    () => store.runtime.updateThread(id, { archived: hands.random.chance(0.5) }),
    marks('deleted_at', true, () => store.runtime.deleteThread(id)),
    marks('deleted_at', false, () => store.runtime.restoreThread(id)),
    () => store.runtime.startTurn(id, { inputSummary: text, userItem: { detail: text } }),
    () => store.runtime.recover(),
    () => {
      hands.copied(`runtime_threads|${id}`);
      return store.runtime.fork(id);
    },
    () =>
      store.runtime.saveTurnWithItems(id, {
        turn: { inputSummary: text },
        items: [{ kind: 'agent_message', detail: text }],
        events: [{ type: 'turn.saved', payload: text }],
      }),
  ]);
  return orCreate(change, () => store.runtime.createThread({ id, title: text, workspace: '/w' }));
};

/** Items stream into the turn that is under way; then it ends. */
const turn: LocalWrite = async ({ store }, hands) => {
  const id = pickId(hands, 'R');
  const text = hands.text(`runtime_threads|${id}`);
  const { items } = await store.runtime.listTurns(id);
  const open = items.find(({ status }) => status === 'in_progress');
  if (!open) {
    await store.runtime.startTurn(id, { inputSummary: text });
    return;
  }
  if (hands.random.chance(0.3)) {
    const status = hands.random.pick(['completed', 'failed'] as const);
    await store.runtime.finishTurn(open.id, { status, error: text });
    return;
  }
  const item = `${open.id}i${hands.random.below(2)}`;
  const status = hands.random.pick(['in_progress', 'in_progress', 'completed'] as const);
  await store.runtime.saveItem(open.id, { id: item, kind: 'agent_message', detail: text, status });
};

const events: LocalWrite = (device, hands) => {
  const { store } = device;
  const id = pickId(hands, 'R');
  const text = hands.text(`runtime_threads|${id}`);
  const list = Array.from({ length: 1 + hands.random.below(3) }, (_, i) => ({
    type: 'noted',
    payload: `${text} ${i}`,
  }));
  return orCreate(
    async () => {
      const ids = (await store.events.append(id, list)).map((event) => event.id);
      const texts = list.map(({ payload }) => payload);
      expectRows(device, 'runtime_events', ids, texts);
    },
    () => store.runtime.createThread({ id, title: text, workspace: '/w' }),
  );
};

const audit: LocalWrite = ({ store }, hands) =>
  store.audit.append({ event: 'noted', details: { text: hands.text('none') } });

const triggers: LocalWrite = ({ store, now }, hands) => {
  const id = pickId(hands, 'G');
  const text = hands.text('sessions|S0');
  const change = hands.random.pick<() => Promise<unknown>>([
    () => store.triggers.fire(id),
    () => store.triggers.cancel(id),
    () => store.triggers.fail(id, { error: text }),
  ]);
  const fireAt = new Date(now() + 3_600_000).toISOString();
  return orCreate(change, () =>
    store.triggers.create({ id, fireAt, message: text, ownerSessionId: 'S0' }),
  );
};

/** One id with two contents, as two imports of files that differ can bring it. */
const sharedId: LocalWrite = async ({ database, now, id: device }, hands) => {
  const sessionId = pickId(hands, 'S');
  const text = hands.text(`sessions|${sessionId}`);
  await database.write({ now }, (transaction) => {
    const id = `M${hands.random.below(2)}`;
    const held = transaction.number('select count(*) from session_messages where id = ?', [id]);
    const purged = transaction.number(
      'select count(*) from sessions where id = ? and purged_at is not null',
      [sessionId],
    );
    if (held + purged > 0) return;
    transaction.insertPlain('session_messages', [
      {
        id,
        device,
        session_id: sessionId,
        parent_id: null,
        role: 'user',
        created_at: transaction.now(),
        body: JSON.stringify(text),
        body_hash: null,
      },
    ]);
  });
};

export const WRITES = {
  retitle: { weight: 14, write: retitle },
  sessions: { weight: 6, write: sessions },
  messages: { weight: 5, write: messages },
  bigMessage: { weight: 1, write: bigMessage },
  threads: { weight: 5, write: threads },
  threadMessages: { weight: 3, write: threadMessages },
  tasks: { weight: 5, write: tasks },
  claimAndFinish: { weight: 3, write: claimAndFinish },
  automations: { weight: 3, write: automations },
  jobs: { weight: 2, write: jobs },
  goals: { weight: 2, write: goals },
  runtime: { weight: 3, write: runtime },
  turn: { weight: 4, write: turn },
  events: { weight: 6, write: events },
  audit: { weight: 1, write: audit },
  triggers: { weight: 1, write: triggers },
  sharedId: { weight: 1, write: sharedId },
} as const;

export type WriteName = keyof typeof WRITES;

export const WRITE_WEIGHTS = Object.fromEntries(
  Object.entries(WRITES).map(([name, { weight }]) => [name, weight]),
) as Record<WriteName, number>;

/** Empties one of the shared records for good. */
export const purgeOne: LocalWrite = ({ store }, hands) =>
  store.purge(pickId(hands, hands.random.pick(['S', 'T', 'K', 'A', 'R'])));
