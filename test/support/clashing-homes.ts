import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { tempFolder } from './temp-store.ts';

export const RUNTIME = 'tasks/runtime';

/** Writes a record or a text into a home. */
export function put(home: string, path: string, content: object | string): void {
  mkdirSync(dirname(join(home, path)), { recursive: true });
  writeFileSync(join(home, path), typeof content === 'string' ? content : JSON.stringify(content));
}

/** Appends an event to the log of the one thread of a home. */
export function addEvent(home: string, seq: number | string, payload: string): void {
  const line =
    `{"schema_version":2,"seq":${seq},"timestamp":"2026-08-18T09:15:06Z","thread_id":"thr_aaaaaaaa",` +
    `"turn_id":"turn_aaaaaaaa","item_id":"item_aaaaaaaa","event":"note","payload":"${payload}"}\n`;
  mkdirSync(join(home, RUNTIME, 'events'), { recursive: true });
  appendFileSync(join(home, RUNTIME, 'events/thr_aaaaaaaa.jsonl'), line);
}

export const thread = (name: string, second: number, extra: object = {}) => ({
  id: 'thr_aaaaaaaa',
  created_at: `2026-02-20T10:00:0${second}Z`,
  updated_at: '2026-02-20T10:00:05Z',
  model: 'm',
  workspace: `/w${name}`,
  mode: 'agent',
  allow_shell: true,
  trust_mode: false,
  auto_approve: false,
  latest_turn_id: 'turn_aaaaaaaa',
  task_id: 'task_aaaaaaaa',
  ...extra,
});

export const turn = (name: string, second: number, extra: object = {}) => ({
  id: 'turn_aaaaaaaa',
  thread_id: 'thr_aaaaaaaa',
  input_summary: name,
  created_at: `2026-02-20T10:00:0${second}Z`,
  status: 'completed',
  item_ids: ['item_aaaaaaaa'],
  ...extra,
});

export const item = (name: string, extra: object = {}) => ({
  id: 'item_aaaaaaaa',
  turn_id: 'turn_aaaaaaaa',
  kind: 'agent_message',
  status: 'completed',
  summary: name,
  detail: `text of ${name}`,
  ...extra,
});

export const task = (name: string, second: number, extra: object = {}) => ({
  id: 'task_aaaaaaaa',
  prompt: `prompt ${name}`,
  model: 'm',
  workspace: `/w${name}`,
  mode: 'agent',
  allow_shell: false,
  trust_mode: false,
  status: 'queued',
  created_at: `2026-02-20T10:00:0${second}Z`,
  thread_id: 'thr_aaaaaaaa',
  turn_id: 'turn_aaaaaaaa',
  result_detail_path: 'artifacts/task_aaaaaaaa/out.txt',
  tool_calls: [],
  timeline: [],
  ...extra,
});

/** A home whose records bear the ids of those of its like; `second` is when they were made. */
export function clashingHome(name: string, second: number): string {
  const home = tempFolder();
  put(home, `${RUNTIME}/threads/thr_aaaaaaaa.json`, thread(name, second));
  put(home, `${RUNTIME}/turns/turn_aaaaaaaa.json`, turn(name, second));
  put(home, `${RUNTIME}/items/item_aaaaaaaa.json`, item(name));
  put(home, 'tasks/tasks/task_aaaaaaaa.json', task(name, second));
  put(home, 'tasks/artifacts/task_aaaaaaaa/out.txt', `output of ${name}`);
  put(home, 'tasks/queue.json', { queue: ['task_aaaaaaaa'] });
  addEvent(home, 1, `first of ${name}`);
  return home;
}
