// The reading side of the old program, as its own code does it: what a list costs there. Files are
// read whole or by their first 64 KiB, parsed, filtered and sorted; nothing is kept between calls.
import { closeSync, openSync, readFileSync, readSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

const PREFIX_BYTES = 65_536;

/** Bytes that the last call has read. */
export let bytesRead = 0;

/** Newest sessions: the first 64 KiB of every file, of which the metadata is cut out and parsed. */
export function newestSessions(home, limit) {
  bytesRead = 0;
  const folder = join(home, 'sessions');
  const buffer = Buffer.alloc(PREFIX_BYTES);
  const found = [];
  for (const name of readdirSync(folder)) {
    if (!name.endsWith('.json') || name === 'session_boot_owners.json') continue;
    const file = openSync(join(folder, name), 'r');
    const length = readSync(file, buffer, 0, PREFIX_BYTES, 0);
    closeSync(file);
    bytesRead += length;
    found.push(metadataOf(buffer.toString('utf8', 0, length)));
  }
  found.sort((a, b) => (a.updated_at < b.updated_at ? 1 : -1));
  return found.slice(0, limit);
}

function metadataOf(prefix) {
  const start = prefix.indexOf('{', prefix.indexOf('"metadata"'));
  let depth = 0;
  let inString = false;
  for (let i = start; i < prefix.length; i++) {
    const c = prefix[i];
    if (inString) {
      if (c === '\\') i++;
      else if (c === '"') inString = false;
    } else if (c === '"') inString = true;
    else if (c === '{') depth++;
    else if (c === '}' && --depth === 0) return JSON.parse(prefix.slice(start, i + 1));
  }
  throw new Error('no metadata in the first 64 KiB');
}

/** Failed tasks since a time: the old task manager loads every task file whole. */
export function failedTasks(home, since) {
  bytesRead = 0;
  const folder = join(home, 'tasks', 'tasks');
  const found = [];
  for (const name of readdirSync(folder)) {
    if (!name.endsWith('.json') || name.startsWith('.')) continue;
    const text = readFileSync(join(folder, name), 'utf8');
    bytesRead += text.length;
    const task = JSON.parse(text);
    const at = task.ended_at ?? task.started_at ?? task.created_at;
    if (task.status === 'failed' && Date.parse(at) >= since) found.push(task);
  }
  return found.sort((a, b) => (a.created_at < b.created_at ? 1 : -1));
}

/** The last events of a thread: its log is read from the start, every line parsed. */
export function lastEvents(home, threadId, count) {
  const path = join(home, 'tasks', 'runtime', 'events', `${threadId}.jsonl`);
  bytesRead = statSync(path).size;
  const lines = readFileSync(path, 'utf8').split('\n');
  const events = lines.filter((line) => line !== '').map((line) => JSON.parse(line));
  return events.slice(-count);
}
