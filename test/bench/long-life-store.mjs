// Makes a store of many years through the public API, and goes on with one that was begun.
import { existsSync, statSync } from 'node:fs';

export const THREADS = 50;
export const SESSIONS = 10_000;
export const TASKS = 20_000;
export const WORD = 'thalassocracy';
const DAY = 86_400_000;
const YEARS = 3;
const STEP = 200;
/** What an event takes in the file besides its payload: ids, two indexes, the edges of pages. */
const EVENT_BYTES = 420;

/**
 * Fills the store until it has `events` events and about `bytes` bytes; what is there counts.
 *
 * @returns the runtime threads that hold the events, in order
 */
export async function fill(openStore, path, { events, bytes }, say) {
  const end = Date.now();
  let now = end;
  // Nothing here has to survive a power cut: it is made anew then.
  const store = await openStore({ path, durability: 'normal', clock: () => now });
  try {
    for (const [what, count, make] of [
      ['sessions', SESSIONS, createSession],
      ['tasks', TASKS, createTask],
    ]) {
      for (let start = 0; start < count; start += STEP) {
        if (await isThere(() => store[what].get(idOf(what, start)))) continue;
        if (start % 2000 === 0) say(`${start} of ${count} ${what}`);
        now = end - YEARS * 365 * DAY * (1 - (start + STEP) / count);
        await store.transaction(async (tx) => {
          for (let i = start; i < start + STEP; i++) await make(tx, i);
        });
      }
    }
    now = end;
    const threads = await threadsOf(store);
    const text = words(Math.max(Math.floor(bytes / events) - EVENT_BYTES, 20));
    const perThread = Math.ceil(events / THREADS);
    for (const [index, id] of threads.entries()) {
      const { nextSeq } = await store.events.tail(id, 1);
      if (nextSeq < perThread) say(`events of thread ${index + 1} of ${THREADS}`);
      for (let seq = nextSeq; seq < perThread; seq += STEP) {
        const count = Math.min(STEP, perThread - seq);
        await store.events.append(
          id,
          Array.from({ length: count }, () => ({ type: 'item.delta', payload: { text: text() } })),
        );
      }
    }
    return threads;
  } finally {
    await store.close();
  }
}

const idOf = (what, i) => `${what}-${String(i).padStart(8, '0')}`;

async function isThere(get) {
  try {
    await get();
    return true;
  } catch (error) {
    if (error.code === 'NOT_FOUND') return false;
    throw error;
  }
}

async function createSession({ sessions }, i) {
  const id = idOf('sessions', i);
  await sessions.create({ id, title: `session ${i}`, workspace: `/w/${i % 20}` });
  const rare = i % (SESSIONS / 20) === 7 ? WORD : '';
  const content = `why is the loader of number ${i} slow? ${'some words of it '.repeat(20)}${rare}`;
  await sessions.appendMessages(id, [
    { role: 'user', content },
    { role: 'assistant', content: `because of ${i}: ${'an answer in words '.repeat(20)}` },
  ]);
}

async function createTask({ tasks }, i) {
  const id = idOf('tasks', i);
  await tasks.create({ id, prompt: `review number ${i}`, workspace: `/w/${i % 20}` });
  await tasks.claim({ owner: 'bench', leaseMs: 60_000 });
  await tasks.finish(id, { owner: 'bench', status: i % 5 === 0 ? 'failed' : 'completed' });
}

async function threadsOf(store) {
  const ids = [];
  for (let i = 0; i < THREADS; i++) {
    const id = `thr_${i.toString(16).padStart(8, '0')}`;
    if (!(await isThere(() => store.runtime.getThread(id)))) {
      await store.runtime.createThread({ id, workspace: '/w', model: 'm', mode: 'agent' });
    }
    ids.push(id);
  }
  return ids;
}

/** Texts of a length, of words that differ from text to text. */
function words(length) {
  let state = 1;
  const pool = Array.from(
    { length: 4096 },
    (_, i) => `${((i * 2_654_435_761) >>> 0).toString(36)} `,
  );
  return () => {
    let text = '';
    while (text.length < length) {
      state = (state * 1_103_515_245 + 12_345) & 0x7fffffff;
      text += pool[(state >> 8) & 4095];
    }
    return text.slice(0, length);
  };
}

/** Bytes of a file; 0 where it is not. */
export const sizeOf = (file) => (existsSync(file) ? statSync(file).size : 0);
