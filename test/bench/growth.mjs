// What a row costs among a thousand, and among a million: every work at each size, in a store of its
// own. Work on one row (a list, a tail) should cost the same at every size, and work on all of them
// the same for each row.
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { median, time } from './measure.mjs';
import { startHub } from './sync-hub.mjs';

const SIZES = [1000, 10_000, 100_000, 1_000_000];
/** Stores of a size: the large ones take minutes, and their own noise is small. */
const ROUNDS = { 1000: 5, 10_000: 5, 100_000: 3, 1_000_000: 1 };
const BATCH = 1000;
const SESSIONS_BATCH = 200;
const CALLS = 25;
const APPENDS = 200;
const PAGE = 100;
/** As many messages with the one word at every size, so that only the size of the index differs. */
const WORD = 'thalassocracy';
const HITS = 20;
const PAYLOAD = { delta: 'a few words of an answer '.repeat(8), kind: 'agent_message' };

/** @returns `{ work, each, points: [{ rows, ms }] }`, `each` saying what a cost is counted for */
export async function growth({ openStore }, folder, _rounds, say, values) {
  const costs = new Map();
  for (const rows of SIZES.filter((size) => size <= Number(values['rows-max']))) {
    const rounds = ROUNDS[rows];
    for (let round = 1; round <= rounds; round++) {
      say(`${rows} rows, round ${round} of ${rounds}: events`);
      const place = join(folder, 'growth');
      const one = await events(openStore, place, rows);
      say(`${rows} rows, round ${round} of ${rounds}: sync`);
      Object.assign(one, await synced(openStore, place, rows));
      say(`${rows} rows, round ${round} of ${rounds}: sessions and messages`);
      Object.assign(one, await sessions(openStore, place, rows));
      rmSync(place, { recursive: true, force: true });
      for (const [key, ms] of Object.entries(one)) {
        const list = costs.get(key) ?? new Map();
        costs.set(key, list.set(rows, [...(list.get(rows) ?? []), ms]));
      }
    }
  }
  return [...costs].map(([key, list]) => ({
    work: WORKS[key][0],
    each: WORKS[key][1],
    points: [...list].map(([rows, times]) => ({ rows, ms: median(times) })),
  }));
}

/** What a work is called, and what its cost is counted for. */
const WORKS = {
  insert: [`append events, ${BATCH} a transaction`, 'row'],
  append: ['append one event more, durable', 'call'],
  tail: [`last ${PAGE} events`, 'call'],
  since: [`${PAGE} events from the middle`, 'call'],
  replay: ['replay every event from the first', 'row'],
  push: ['first push, encrypted', 'row'],
  bootstrap: ['a second device, until it can be read', 'row'],
  create: ['create a session with a message (of rows)', 'row'],
  list: ['newest 50 sessions (of rows)', 'call'],
  filtered: ['newest 50 sessions of one workspace', 'call'],
  search: [`find a word in messages, ${HITS} hits`, 'call'],
  common: ['find a word that all messages have', 'call'],
};

async function events(openStore, place, rows) {
  const store = await openStore({ path: join(place, 'a', 'store.db') });
  const { id } = await store.runtime.createThread({ workspace: '/w', model: 'm', mode: 'agent' });
  const list = Array.from({ length: BATCH }, () => ({ type: 'item.delta', payload: PAYLOAD }));
  const insert = await time(async () => {
    for (let i = 0; i < rows; i += BATCH) await store.events.append(id, list);
  });
  const tail = await middle(CALLS, () => store.events.tail(id, PAGE));
  const half = Math.floor(rows / 2);
  const since = await middle(CALLS, () => store.events.since(id, half, { limit: PAGE }));
  const replay = await time(async () => {
    for (let seq = 0, more = true; more;) {
      const page = await store.events.since(id, seq, { limit: BATCH });
      seq = page.nextSeq;
      more = page.items.length === BATCH;
    }
  });
  const append = await middle(APPENDS, () => store.events.append(id, [list[0]]));
  await store.close();
  return { insert: insert / rows, append, tail, since, replay: replay / rows };
}

async function synced(openStore, place, rows) {
  const hub = await startHub(join(place, 'hub'));
  try {
    const store = await openStore({ path: join(place, 'a', 'store.db') });
    await store.sync.enable(hub.url);
    const push = await time(() => store.sync.now());
    const keyFile = join(place, 'key');
    writeFileSync(keyFile, (await store.sync.exportKey()).phrase, { mode: 0o600 });
    await store.close();
    const bootstrap = await time(async () => {
      const other = await openStore({ path: join(place, 'b', 'store.db') });
      await other.sync.enable(hub.url, { keyFile });
      const { applied } = await other.sync.now();
      if (applied < rows) throw new Error(`${applied} of ${rows} rows came over`);
      await other.close();
    });
    return { push: push / rows, bootstrap: bootstrap / rows };
  } finally {
    await hub.stop();
  }
}

async function sessions(openStore, place, rows) {
  const store = await openStore({ path: join(place, 's', 'store.db') });
  const create = await time(async () => {
    for (let start = 0; start < rows; start += SESSIONS_BATCH) {
      await store.transaction(async ({ sessions: area }) => {
        for (let i = start; i < start + SESSIONS_BATCH; i++) await createOne(area, i, rows);
      });
    }
  });
  const list = await middle(CALLS, () => store.sessions.list({ limit: 50 }));
  const filtered = await middle(CALLS, () => store.sessions.list({ limit: 50, workspace: '/w/7' }));
  const search = await middle(CALLS, async () => {
    const { items } = await store.search(WORD);
    if (items.length !== HITS) throw new Error(`${items.length} of ${HITS} messages were found`);
  });
  const common = await middle(CALLS, () => store.search('loader'));
  await store.close();
  return { create: create / rows, list, filtered, search, common };
}

async function createOne(area, i, rows) {
  const session = await area.create({ title: `session ${i}`, workspace: `/w/${i % 20}` });
  const rare = i % (rows / HITS) === 7 ? WORD : '';
  const content = `why is the loader of number ${i} slow? ${'some words of it '.repeat(10)}${rare}`;
  await area.appendMessages(session.id, [{ role: 'user', content }]);
}

async function middle(times, call) {
  const took = [];
  for (let i = 0; i < times; i++) took.push(await time(call));
  return median(took);
}
