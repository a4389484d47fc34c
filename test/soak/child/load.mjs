// The writes of a device: 40 % events, 40 % edits of registers, 20 % deletes, restores and what else
// a user does. An operation says beforehand which rows it makes and which registers it sets.
import { randomBytes } from 'node:crypto';
import { config } from './protocol.mjs';

const WEIGHTS = {
  ...{ events: 38, turn: 2 },
  ...{ rename: 10, archive: 4, prompt: 8, threadTitle: 4, runtimeTitle: 4, automation: 4 },
  ...{ task: 3, claim: 3 },
  ...{ remove: 9, messages: 7, create: 2, large: 0.4, purge: 0.3, read: 2 },
};
/** So many of what was made are still edited. */
const POOL_MAX = 12;

const newPool = (letter, count) =>
  Array.from({ length: count }, (_, i) => `soak.base.${letter}${i}`);

/** What all devices share: made by one of them before the others come. */
export const BASE = {
  sessions: newPool('s', 5),
  tasks: newPool('k', 5),
  threads: newPool('t', 3),
  runtime: newPool('r', 3),
  automations: newPool('a', 2),
};

export async function makeBase(store) {
  for (const id of BASE.sessions) await store.sessions.create({ id, title: id, workspace: '/w' });
  for (const id of BASE.tasks) await store.tasks.create({ id, prompt: id, workspace: '/w' });
  for (const id of BASE.threads) await store.threads.upsert({ id, cwd: '/w', title: id });
  for (const id of BASE.runtime)
    await store.runtime.createThread({ id, title: id, workspace: '/w' });
  for (const id of BASE.automations) {
    await store.automations.create({ id, name: id, prompt: id, rule: 'FREQ=HOURLY;INTERVAL=1' });
  }
}

export function startLoad(store, random) {
  const own = { sessions: [], tasks: [] };
  let claimed = null;
  const pick = (kind) =>
    own[kind]?.length > 0 && random.chance(0.3) ? random.pick(own[kind]) : random.pick(BASE[kind]);
  const keep = (kind, id) => {
    own[kind].push(id);
    if (own[kind].length > POOL_MAX) own[kind].shift();
  };
  const words = () => `${config.canary} ${random.pick(['loader', 'linker', 'parser', '数据库'])}`;
  // Of a time it is only known beforehand whether there will be one.
  const edit = (table, id, register, value, run, set = true) => ({
    edits: [[table, id, register, value, set]],
    run,
  });

  const operations = {
    events(tag) {
      const thread = random.pick(BASE.runtime);
      const count = random.chance(0.1) ? 3 : 1;
      const tags = Array.from({ length: count }, (_, i) => `${tag}.${i}`);
      return {
        rows: tags.map((one) => ['runtime_events', one, 'runtime_threads', thread]),
        run: async () => {
          const events = tags.map((type) => ({ type, payload: { text: words() } }));
          return (await store.events.append(thread, events)).map(({ id }) => id);
        },
      };
    },
    turn(tag) {
      const thread = random.pick(BASE.runtime);
      return {
        rows: [
          ['runtime_turns', tag, 'runtime_threads', thread],
          ['runtime_items', `${tag}.0`, 'runtime_threads', thread],
          ['runtime_items', `${tag}.1`, 'runtime_threads', thread],
          ['runtime_events', `${tag}.2`, 'runtime_threads', thread],
        ],
        run: async () => {
          const item = (i) => ({ id: `${tag}.${i}`, kind: 'agent_message', detail: words() });
          const saved = await store.runtime.saveTurnWithItems(thread, {
            turn: { id: tag, inputSummary: words(), status: 'completed' },
            items: [item(0), item(1)],
            events: [{ type: `${tag}.2`, payload: words() }],
          });
          return [tag, `${tag}.0`, `${tag}.1`, saved.events[0].id];
        },
      };
    },
    rename(tag) {
      const id = pick('sessions');
      return edit('sessions', id, 'title', tag, () => store.sessions.rename(id, tag));
    },
    archive() {
      const id = pick('sessions');
      const call = random.pick(['archive', 'unarchive']);
      const set = call === 'archive';
      return edit('sessions', id, 'archive', null, () => store.sessions[call](id), set);
    },
    prompt(tag) {
      const id = pick('tasks');
      return edit('tasks', id, 'prompt', tag, () => store.tasks.update(id, { prompt: tag }));
    },
    threadTitle(tag) {
      const id = random.pick(BASE.threads);
      const title = () => store.threads.upsert({ id, cwd: '/w', title: tag });
      return edit('threads', id, 'title', tag, title);
    },
    runtimeTitle(tag) {
      const id = random.pick(BASE.runtime);
      const title = () => store.runtime.updateThread(id, { title: tag });
      return edit('runtime_threads', id, 'title', tag, title);
    },
    automation(tag) {
      const id = random.pick(BASE.automations);
      const rename = () => store.automations.update(id, { name: tag });
      return edit('automations', id, 'name', tag, rename);
    },
    task(tag) {
      keep('tasks', tag);
      const run = () => store.tasks.create({ id: tag, prompt: tag, workspace: '/w' });
      return { rows: [['tasks', tag, 'tasks', tag]], run };
    },
    claim() {
      const owner = config.name;
      if (claimed === null) {
        return {
          run: async () => {
            claimed = (await store.tasks.claim({ owner, leaseMs: 60_000 }))?.id ?? null;
          },
        };
      }
      const id = claimed;
      claimed = null;
      const status = random.pick(['completed', 'failed']);
      const finish = () => store.tasks.finish(id, { owner, status, summary: words() });
      return edit('tasks', id, 'lifecycle', status, finish);
    },
    remove() {
      const kind = random.pick(['sessions', 'sessions', 'tasks', 'threads']);
      const id = pick(kind);
      const call = random.pick(['delete', 'restore']);
      return edit(kind, id, 'deleted', null, () => store[kind][call](id), call === 'delete');
    },
    messages(tag) {
      const session = pick('sessions');
      const tags = Array.from({ length: 1 + random.below(2) }, (_, i) => `${tag}.${i}`);
      // The role is free text: it tells whose message it is.
      const list = tags.map((role) => ({ role, content: words() }));
      return {
        rows: tags.map((one) => ['session_messages', one, 'sessions', session]),
        run: () => store.sessions.appendMessages(session, list),
      };
    },
    create(tag) {
      keep('sessions', tag);
      const run = () => store.sessions.create({ id: tag, title: tag, workspace: '/w' });
      return { rows: [['sessions', tag, 'sessions', tag]], run };
    },
    large(tag) {
      const session = pick('sessions');
      const content = randomBytes(20_000 + random.below(1_500_000)).toString('base64');
      return {
        rows: [['session_messages', tag, 'sessions', session]],
        run: () => store.sessions.appendMessages(session, [{ role: tag, content }]),
      };
    },
    purge() {
      const kind = random.pick(['sessions', 'tasks']);
      const id = own[kind].shift();
      if (id === undefined) return {};
      return { purged: [kind, id], run: () => store.purge(id) };
    },
    read() {
      const reads = [
        () => store.search(random.pick(['loader', 'parser', '数据'])),
        () => store.sessions.list({ archived: 'include' }),
        () => store.sessions.messages(pick('sessions'), { limit: 100 }),
        () => store.tasks.list(),
        () => store.events.tail(random.pick(BASE.runtime), 100),
      ];
      const read = random.pick(reads);
      return { run: async () => void (await read()) };
    },
  };
  return (tag) => {
    const name = random.weighted(WEIGHTS);
    return { name, rows: [], edits: [], run: async () => undefined, ...operations[name](tag) };
  };
}
