// How long a write takes while the worker of its store pulls everything, against a quiet store.
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { median } from './measure.mjs';
import { startHub } from './sync-hub.mjs';

const ROWS = 60_000;
const BATCH = 1000;
const IDLE = 400;

export async function foreground({ openStore }, folder, rounds, say) {
  const place = join(folder, 'foreground');
  const hub = await startHub(join(place, 'hub'));
  try {
    say(`filling a hub with ${ROWS} rows`);
    await fill(openStore, join(place, 'source', 'store.db'), hub.url);
    const empty = join(place, 'empty.db');
    const fresh = await openStore({ path: join(place, 'fresh', 'store.db') });
    await fresh.backup(empty);
    await fresh.close();
    const rows = [];
    for (const pull of ['http', 'replica']) {
      const results = [];
      for (let round = 0; round < rounds; round++) {
        say(`writing during a full pull, ${pull}, round ${round + 1} of ${rounds}`);
        const path = join(place, `${pull}-${round}.db`);
        copyFileSync(empty, path);
        results.push(await during(openStore, path, hub.url, pull));
      }
      rows.push(rowOf(pull, results));
    }
    return rows;
  } finally {
    await hub.stop();
  }
}

function rowOf(pull, results) {
  const of = (name) => median(results.map((result) => result[name]));
  const rate = `${(of('rate') / 1000).toFixed(1)}k rows/s`;
  return [
    `write during a full pull (${pull}, ${rate})`,
    `p50 ${of('duringP50').toFixed(2)} ms, p99 ${of('duringP99').toFixed(2)} ms`,
    `idle: p50 ${of('idleP50').toFixed(2)} ms, p99 ${of('idleP99').toFixed(2)} ms`,
    `p99 ${(of('duringP99') / of('idleP99')).toFixed(1)}×`,
  ];
}

async function fill(openStore, path, url) {
  const store = await openStore({ path, durability: 'normal' });
  const thread = await store.runtime.createThread({ workspace: '/w', model: 'm', mode: 'agent' });
  const payload = { delta: 'a few words of an answer '.repeat(8), kind: 'agent_message' };
  const events = Array.from({ length: BATCH }, () => ({ type: 'item.delta', payload }));
  for (let i = 0; i < ROWS; i += BATCH) await store.events.append(thread.id, events);
  await store.sync.enable(url, { encryption: false });
  await store.sync.now();
  await store.close();
}

async function during(openStore, path, url, pull) {
  const store = await openStore({ path });
  const write = async () => {
    const start = performance.now();
    await store.audit.append({ event: 'note', details: { text: 'a few words' } });
    const took = performance.now() - start;
    await sleep(1 + Math.random() * 3);
    return took;
  };
  for (let i = 0; i < 100; i++) await write();
  const idle = [];
  for (let i = 0; i < IDLE; i++) idle.push(await write());
  await store.sync.enable(url, { encryption: false, pull });
  const busy = [];
  const start = performance.now();
  let applied = 0;
  let end;
  store.sync.on('applied', (count) => {
    applied += count;
    if (applied >= ROWS) end ??= performance.now();
  });
  await store.sync.start();
  while (end === undefined) busy.push(await write());
  await store.close();
  const at = (list, part) => list.sort((a, b) => a - b)[Math.floor(part * list.length)];
  return {
    rate: (ROWS / (end - start)) * 1000,
    idleP50: at(idle, 0.5),
    idleP99: at(idle, 0.99),
    duringP50: at(busy, 0.5),
    duringP99: at(busy, 0.99),
  };
}
