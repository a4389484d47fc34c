import { appendFileSync, mkdirSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { largeText } from './large-text.ts';

const AT = '"2026-07-25T14:00:00Z"';
const RECORD = '"schema_version":2,"id":';
const AGENT = `"created_at":${AT},"model":"auto","workspace":"/w","mode":"agent","allow_shell":false`;
const RUNTIME = 'tasks/runtime';

/** A record of each kind that may hold a large text, as what comes before and after it. */
const RECORDS: Record<string, readonly [path: string, before: string, after: string]> = {
  items: [
    `${RUNTIME}/items/item_a.json`,
    `{${RECORD}"item_a","turn_id":"turn_a","kind":"tool_call","status":"completed","summary":"","detail":"`,
    `","started_at":${AT},"ended_at":${AT}}`,
  ],
  events: [
    `${RUNTIME}/events/thr_a.jsonl`,
    `{"schema_version":2,"seq":1,"timestamp":${AT},"thread_id":"thr_a","event":"own","payload":{"text":"`,
    '"}}\n',
  ],
  sessions: [
    'sessions/s1.json',
    `{"schema_version":1,"metadata":{"id":"s1","title":"t","created_at":${AT},"updated_at":${AT}` +
      ',"message_count":1,"total_tokens":1,"model":"auto","workspace":"/w"}' +
      ',"messages":[{"role":"user","content":[{"type":"text","text":"',
    '"}]}]}',
  ],
  tasks: [
    'tasks/tasks/task_a.json',
    `{${RECORD}"task_a","prompt":"p",${AGENT},"trust_mode":false,"status":"completed","result_summary":"`,
    '","tool_calls":[],"timeline":[]}',
  ],
};

export const LARGE_KINDS = Object.keys(RECORDS);

/** Writes a home with one large record of a kind, and its parents. */
export function writeLargeHome(home: string, kind: string, script: string, bytes: number): void {
  const thread = `{${RECORD}"thr_a","updated_at":${AT},${AGENT},"trust_mode":false,"auto_approve":false}`;
  const turn = `{${RECORD}"turn_a","thread_id":"thr_a","input_summary":"","created_at":${AT},"status":"completed"}`;
  write(join(home, RUNTIME, 'threads/thr_a.json'), thread);
  write(join(home, RUNTIME, 'turns/turn_a.json'), turn);
  const [path, before, after] = RECORDS[kind] as (typeof RECORDS)[string];
  const text = JSON.stringify(largeText(script, bytes)).slice(1, -1);
  write(join(home, path), before, text, after);
}

function write(path: string, ...parts: string[]): void {
  mkdirSync(join(path, '..'), { recursive: true });
  for (const part of parts) appendFileSync(path, part);
  const rested = new Date('2026-08-01T00:00:00Z');
  utimesSync(path, rested, rested);
}
