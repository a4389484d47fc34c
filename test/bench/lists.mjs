// Lists against the legacy files: newest 50 of 10,000 sessions, failed tasks of the last 7 days
// among 50,000, last 100 of 100,000 events. Both read the same records; the files are in the cache.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as legacy from './legacy-reader.mjs';
import { compare, milliseconds } from './measure.mjs';

const SESSIONS = 10_000;
const TASKS = 50_000;
const EVENTS = 100_000;
const DAY = 86_400_000;
const NOW = Date.UTC(2026, 7, 20, 12);
const THREAD = 'thr_0a1b2c3d';

export async function lists({ openStore }, folder, rounds, say) {
  const home = join(folder, 'home');
  say(`writing ${SESSIONS} sessions, ${TASKS} tasks and ${EVENTS} events as legacy files`);
  writeHome(home);
  const store = await openStore({ path: join(folder, 'lists', 'store.db'), clock: () => NOW });
  say('importing them');
  await store.import([home]);
  const since = NOW - 7 * DAY;
  const rows = [];
  const row = async (work, ours, theirs) => {
    say(work);
    const result = await compare(rounds, ours, theirs);
    rows.push([
      work,
      milliseconds(result.ours),
      milliseconds(result.theirs),
      `${(legacy.bytesRead / 2 ** 20).toFixed(0)} MiB`,
      `${Math.round(result.ratio)}×`,
    ]);
  };
  await row(
    `newest 50 of ${SESSIONS} sessions`,
    () => store.sessions.list({ limit: 50 }),
    () => legacy.newestSessions(home, 50),
  );
  await row(
    `failed tasks of 7 days among ${TASKS}`,
    () =>
      everyPage((cursor) =>
        store.tasks.list({
          status: ['failed'],
          since: new Date(since).toISOString(),
          limit: 1000,
          cursor,
        }),
      ),
    () => legacy.failedTasks(home, since),
  );
  await row(
    `last 100 of ${EVENTS} events`,
    () => store.events.tail(THREAD, 100),
    () => legacy.lastEvents(home, THREAD, 100),
  );
  await store.close();
  return rows;
}

async function everyPage(list) {
  const items = [];
  let cursor = null;
  do {
    const page = await list(cursor);
    items.push(...page.items);
    cursor = page.nextCursor;
  } while (cursor !== null);
  return items;
}

function writeHome(home) {
  const runtime = join(home, 'tasks', 'runtime');
  for (const name of ['sessions', 'tasks/tasks', 'tasks/runtime/threads', 'tasks/runtime/events']) {
    mkdirSync(join(home, name), { recursive: true });
  }
  const at = (ms) => new Date(ms).toISOString();
  const pretty = (path, value) => writeFileSync(path, JSON.stringify(value, null, 2));
  for (let i = 0; i < SESSIONS; i++) {
    const id = `00000000-0000-4000-8000-${String(i).padStart(12, '0')}`;
    const updated = at(NOW - ((i * 7919) % SESSIONS) * 60_000);
    const messages = Array.from({ length: 6 }, (_, n) => ({
      role: n % 2 ? 'assistant' : 'user',
      content: [{ type: 'text', text: `${n} of ${i}: ${'why is the loader slow? '.repeat(40)}` }],
    }));
    pretty(join(home, 'sessions', `${id}.json`), {
      schema_version: 1,
      metadata: {
        id,
        title: `session ${i}`,
        created_at: updated,
        updated_at: updated,
        message_count: 6,
        total_tokens: 100,
        model: 'm',
        workspace: `/w/${i % 20}`,
      },
      messages,
    });
  }
  const states = ['completed', 'completed', 'completed', 'failed', 'canceled'];
  for (let i = 0; i < TASKS; i++) {
    const id = `task_${i.toString(16).padStart(16, '0')}`;
    // Spread over two years: about a hundred failed ones fall into the last week.
    const time = at(NOW - ((i * 7919) % TASKS) * ((730 * DAY) / TASKS));
    pretty(join(home, 'tasks', 'tasks', `${id}.json`), {
      schema_version: 2,
      id,
      prompt: `review number ${i}`,
      model: 'm',
      workspace: `/w/${i % 20}`,
      mode: 'agent',
      allow_shell: false,
      trust_mode: false,
      auto_approve: false,
      status: states[i % states.length],
      created_at: time,
      started_at: time,
      ended_at: time,
      duration_ms: 1,
      tool_calls: [],
      timeline: Array.from({ length: 8 }, (_, n) => ({
        timestamp: time,
        kind: 'message',
        summary: `step ${n} of ${i}, some words about it`,
      })),
    });
  }
  pretty(join(runtime, 'threads', `${THREAD}.json`), {
    schema_version: 2,
    id: THREAD,
    created_at: at(NOW),
    updated_at: at(NOW),
    model: 'm',
    workspace: '/w',
    mode: 'agent',
    allow_shell: false,
    trust_mode: false,
    auto_approve: false,
  });
  const lines = [];
  for (let i = 1; i <= EVENTS; i++) {
    lines.push(
      JSON.stringify({
        schema_version: 2,
        seq: i,
        timestamp: at(NOW + i),
        thread_id: THREAD,
        event: 'item.delta',
        payload: { delta: 'a few words of an answer '.repeat(10), kind: 'agent_message' },
      }),
    );
  }
  writeFileSync(join(runtime, 'events', `${THREAD}.jsonl`), `${lines.join('\n')}\n`);
}
