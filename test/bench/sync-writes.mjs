// Local writes with sync on against sync off: the same calls on two stores in turns. The hub is
// there; the worker of the one store is first off, then at work.
import { join } from 'node:path';
import { compare, milliseconds } from './measure.mjs';
import { startHub } from './sync-hub.mjs';

const SINGLE = 500;
const BATCH = 1000;
const BATCHES = 10;
const PAYLOAD = { delta: 'a few words of an answer '.repeat(8), kind: 'agent_message' };
const EVENT = { type: 'item.delta', payload: PAYLOAD };

export async function writes({ openStore }, folder, rounds, say) {
  const hub = await startHub(join(folder, 'writes', 'hub'));
  const on = await openStore({ path: join(folder, 'writes', 'on', 'store.db') });
  const off = await openStore({ path: join(folder, 'writes', 'off', 'store.db') });
  const rows = [];
  try {
    await on.sync.enable(hub.url);
    await on.sync.now();
    const [ours, theirs] = [await worksOf(on), await worksOf(off)];
    for (const worker of ['off', 'at work']) {
      if (worker === 'at work') await on.sync.start();
      for (const [work, { count }] of Object.entries(ours)) {
        say(`${work}, worker ${worker}`);
        const result = await compare(rounds, ours[work].run, theirs[work].run);
        rows.push([
          `${work}, worker ${worker}`,
          milliseconds(result.ours / count),
          `sync off: ${milliseconds(result.theirs / count)}`,
          `${result.ratio.toFixed(2)}×`,
        ]);
      }
    }
  } finally {
    await on.close();
    await off.close();
    await hub.stop();
  }
  return rows;
}

async function worksOf(store) {
  const thread = await store.runtime.createThread({ workspace: '/w', model: 'm', mode: 'agent' });
  const session = await store.sessions.create({ title: 'a session', workspace: '/w', model: 'm' });
  const batch = Array.from({ length: BATCH }, () => EVENT);
  let edits = 0;
  const singly = (run) => ({
    count: SINGLE,
    run: async () => {
      for (let i = 0; i < SINGLE; i++) await run();
    },
  });
  return {
    'append one event': singly(() => store.events.append(thread.id, [EVENT])),
    [`append ${BATCH} events`]: {
      count: BATCHES,
      run: async () => {
        for (let i = 0; i < BATCHES; i++) await store.events.append(thread.id, batch);
      },
    },
    'create a task': singly(() => store.tasks.create({ prompt: `task ${edits++}` })),
    'rename a session': singly(() => store.sessions.rename(session.id, `title ${edits++}`)),
  };
}
