// One event, durable: against one line and an fsync, and against the whole append of the old program.
import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { openNative } from './native.mjs';
import { median, milliseconds } from './measure.mjs';

const APPENDS = 1000;
const PAYLOAD = { delta: 'a few words of an answer '.repeat(8), kind: 'agent_message' };

export async function appends({ openStore }, folder, rounds, say) {
  const store = await openStore({ path: join(folder, 'appends', 'store.db') });
  const thread = await store.runtime.createThread({ workspace: '/w', model: 'm', mode: 'agent' });
  const log = openSync(join(folder, 'plain.jsonl'), 'a');
  const old = openSync(join(folder, 'old.jsonl'), 'a');
  mkdirSync(join(folder, 'appends-native'));
  const native = openNative(join(folder, 'appends-native', 'store.db'));
  let seq = 0;
  const line = () =>
    `${JSON.stringify({ schema_version: 2, seq: ++seq, timestamp: new Date().toISOString(), thread_id: thread.id, event: 'item.delta', payload: PAYLOAD })}\n`;

  const works = {
    ours: () => store.events.append(thread.id, [{ type: 'item.delta', payload: PAYLOAD }]),
    native: () => native.append('thread', [{ type: 'item.delta', payload: PAYLOAD }]),
    plain: () => {
      writeSync(log, line());
      fsyncSync(log);
    },
    whole: () => {
      // The number is reserved first: a new counter file, synced, renamed, and its folder synced.
      const temporary = join(folder, '.tmpcount');
      const counter = openSync(temporary, 'w', 0o600);
      writeSync(counter, JSON.stringify({ schema_version: 2, next_seq: seq + 2 }, null, 2));
      fsyncSync(counter);
      closeSync(counter);
      renameSync(temporary, join(folder, 'state.json'));
      const directory = openSync(folder, 'r');
      fsyncSync(directory);
      closeSync(directory);
      writeSync(old, line());
      fsyncSync(old);
    },
  };
  const times = { ours: [], native: [], plain: [], whole: [] };
  for (let round = 0; round <= rounds; round++) {
    say(`appending, round ${round} of ${rounds}`);
    for (const [name, work] of Object.entries(works)) {
      const each = [];
      for (let i = 0; i < APPENDS; i++) {
        const start = performance.now();
        await work();
        each.push(performance.now() - start);
      }
      // The first round warms up.
      if (round > 0) times[name].push(median(each));
    }
  }
  await store.close();
  native.close();
  closeSync(log);
  closeSync(old);
  const [ours, bare, plain, whole] = Object.values(times).map(median);
  return [
    [
      'append one event, durable',
      milliseconds(ours),
      `JSONL append + fsync: ${milliseconds(plain)}`,
      `${(plain / ours).toFixed(2)}×`,
    ],
    [
      'the same',
      milliseconds(ours),
      `the old program's whole append: ${milliseconds(whole)}`,
      `${(whole / ours).toFixed(2)}×`,
    ],
    [
      'the same',
      milliseconds(ours),
      `native binding, one row a transaction: ${milliseconds(bare)}`,
      `${(bare / ours).toFixed(2)}×`,
    ],
  ];
}
