// The files of the old program. Its lists and its append are its own; a search of what was said it
// has none, so that every session file is looked through.
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  renameSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { lastEvents, newestSessions } from '../legacy-reader.mjs';
import { EVENTS, NEWEST, WORD, event, sessions } from './records.mjs';

const THREAD = 'thr_0a1b2c3d';

export function open(folder) {
  const home = join(folder, 'home');
  writeHome(home);
  const log = openSync(join(home, 'appended.jsonl'), 'a');
  let seq = 0;
  return {
    append() {
      reserve(home, ++seq);
      writeSync(log, lineOf(seq, event(seq)));
      fsyncSync(log);
    },
    newest: () => newestSessions(home, NEWEST).map((found) => found.id),
    search: () => searchFiles(join(home, 'sessions')),
    read: () => lastEvents(home, THREAD, EVENTS).length,
    close: () => closeSync(log),
  };
}

/** The next number goes to disk first: a new counter file, synced, renamed, and its folder synced. */
function reserve(home, seq) {
  const temporary = join(home, '.tmpcount');
  const counter = openSync(temporary, 'w', 0o600);
  writeSync(counter, JSON.stringify({ schema_version: 2, next_seq: seq + 1 }, null, 2));
  fsyncSync(counter);
  closeSync(counter);
  renameSync(temporary, join(home, 'state.json'));
  const directory = openSync(home, 'r');
  fsyncSync(directory);
  closeSync(directory);
}

function lineOf(seq, { type, payload }) {
  const line = {
    ...{ schema_version: 2, seq, timestamp: new Date().toISOString() },
    ...{ thread_id: THREAD, event: type, payload },
  };
  return `${JSON.stringify(line)}\n`;
}

function searchFiles(folder) {
  let hits = 0;
  for (const name of readdirSync(folder)) {
    const { messages } = JSON.parse(readFileSync(join(folder, name), 'utf8'));
    for (const { content } of messages) {
      if (content.some((block) => block.text.toLowerCase().includes(WORD))) hits++;
    }
  }
  return hits;
}

function writeHome(home) {
  const events = join(home, 'tasks', 'runtime', 'events');
  for (const path of [join(home, 'sessions'), events]) mkdirSync(path, { recursive: true });
  for (const { id, title, workspace, model, updatedAt, messages } of sessions()) {
    const at = new Date(updatedAt).toISOString();
    const file = {
      schema_version: 1,
      metadata: {
        ...{ id, title, created_at: at, updated_at: at, message_count: messages.length },
        ...{ total_tokens: 100, model, workspace },
      },
      messages: messages.map(({ role, text }) => ({ role, content: [{ type: 'text', text }] })),
    };
    writeFileSync(join(home, 'sessions', `${id}.json`), JSON.stringify(file, null, 2));
  }
  const lines = Array.from({ length: EVENTS }, (_, i) => lineOf(i + 1, event(i)));
  writeFileSync(join(events, `${THREAD}.jsonl`), lines.join(''));
}
