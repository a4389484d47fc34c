// A store of many years: what it costs to open, to list, to append to, to look after, against an
// empty one; how far its log grows while others read; and the memory of a process that goes on.
import { execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fill, sizeOf, THREADS, WORD } from './long-life-store.mjs';
import { soak } from './long-life-soak.mjs';
import { duration, median, quantile, time } from './measure.mjs';

const READER = fileURLToPath(new URL('./long-life-reader.mjs', import.meta.url));
const WATCH = fileURLToPath(new URL('./long-life-watch.mjs', import.meta.url));
const CALLS = 50;
const APPENDS = 500;
/** Of a thousand events each: more than the log may keep. */
const LOG_BATCHES = 250;
const DAY = 86_400_000;
const EVENT = { type: 'item.delta', payload: { text: 'a few words of an answer '.repeat(8) } };
const MIB = 2 ** 20;
const GIB = 2 ** 30;

/** @returns `[what, the store, an empty one, what is wanted]` as texts */
export async function longLife({ openStore }, folder, _rounds, say, values) {
  const place = values.dir ?? join(folder, 'long-life');
  const path = join(place, 'store.db');
  const size = { events: Number(values.events), bytes: Number(values.gb) * GIB };
  await fill(openStore, path, size, say);
  const bytes = sizeOf(path);
  const rows = [['size', `${gib(bytes)}, ${size.events.toLocaleString('en')} events`, '–', '']];
  rows.push(...(await opening(openStore, path, join(folder, 'empty', 'store.db'), say)));
  const store = await openStore({ path });
  const empty = await openStore({ path: join(folder, 'empty', 'store.db') });
  try {
    rows.push(...(await lists(store, empty, say)));
    rows.push(...(await appends(store, empty, say)));
    rows.push(...(await logs(store, path, say)));
    rows.push(...(await upkeep(store, place, path, say)));
  } finally {
    await store.close();
    await empty.close();
  }
  const minutes = Number(values['soak-minutes']);
  if (minutes > 0) rows.push(...(await soak(folder, minutes, say)));
  return rows;
}

async function opening(openStore, path, emptyPath, say) {
  say('opening');
  const open = async (file) => {
    let store;
    const took = await time(async () => (store = await openStore({ path: file })));
    const list = await time(() => store.sessions.list());
    await store.close();
    return { took, list };
  };
  const several = async (file, before) => {
    const found = [];
    for (let i = 0; i < 5; i++) {
      before?.();
      found.push(await open(file));
    }
    return found;
  };
  await open(emptyPath);
  const [warm, fresh] = [await several(path), await several(emptyPath)];
  const cold = await several(path, () => forget(path));
  const of = (list, key) => duration(median(list.map((one) => one[key])));
  return [
    ['open', of(warm, 'took'), of(fresh, 'took'), '50 ms'],
    ['open, nothing of the file in memory', of(cold, 'took'), '–', '50 ms'],
    ['first list after that', of(cold, 'list'), '–', ''],
  ];
}

/** Drops a file from the page cache of the machine. */
function forget(path) {
  execFileSync('dd', [`if=${path}`, 'iflag=nocache', 'count=0', 'status=none']);
}

async function lists(store, empty, say) {
  const thread = `thr_${(THREADS >> 1).toString(16).padStart(8, '0')}`;
  const { nextSeq } = await store.events.tail(thread, 1);
  const since = new Date(Date.now() - 7 * DAY).toISOString();
  const works = {
    'newest 50 sessions': (one) => one.sessions.list({ limit: 50 }),
    'sessions of one workspace': (one) => one.sessions.list({ limit: 50, workspace: '/w/7' }),
    'sessions by number of messages': (one) => one.sessions.list({ limit: 50, sort: 'messages' }),
    'failed tasks of 7 days': (one) => one.tasks.list({ status: ['failed'], since, limit: 50 }),
    'last 100 events of a thread': (one) => one === store && one.events.tail(thread, 100),
    '100 events from its middle': (one) =>
      one === store && one.events.since(thread, nextSeq >> 1, { limit: 100 }),
    'find a word, 20 hits': (one) => one.search(WORD),
    'find a word that all messages have': (one) => one.search('words'),
    'sync status': (one) => one.sync.status(),
  };
  const rows = [];
  for (const [work, call] of Object.entries(works)) {
    say(work);
    const of = async (one) => {
      const took = [];
      for (let i = 0; i < CALLS; i++) took.push(await time(() => call(one)));
      return took;
    };
    const [own, other] = [await of(store), await of(empty)];
    const text = `${duration(median(own))} (p95 ${duration(quantile(own, 0.95))})`;
    const none = call(empty) === false;
    rows.push([work, text, none ? '–' : duration(median(other)), '10 ms']);
  }
  return rows;
}

async function appends(store, empty, say) {
  const took = { single: [[], []], many: [[], []] };
  const threads = [];
  for (const one of [store, empty]) {
    threads.push(await one.runtime.createThread({ workspace: '/w', model: 'm', mode: 'agent' }));
  }
  const append = (index, events) => () =>
    [store, empty][index].events.append(threads[index].id, events);
  const many = Array.from({ length: 1000 }, () => EVENT);
  say('appending');
  for (let i = 0; i < APPENDS; i++) {
    for (const index of [0, 1]) took.single[index].push(await time(append(index, [EVENT])));
  }
  for (let i = 0; i < 20; i++) {
    for (const index of [0, 1]) took.many[index].push(await time(append(index, many)));
  }
  const row = (work, [own, other], part) => [
    work,
    duration(quantile(own, part)),
    duration(quantile(other, part)),
    'as an empty one',
  ];
  return [
    row('append one event, durable', took.single, 0.5),
    row('the same, 99th of 100', took.single, 0.99),
    row('append 1,000 events', took.many, 0.5),
  ];
}

/** How far the log grows while two processes read list after list, and while one stays in the past. */
async function logs(store, path, say) {
  const { id } = await store.runtime.createThread({ workspace: '/w', model: 'm', mode: 'agent' });
  const many = Array.from({ length: 1000 }, () => EVENT);
  const write = async (count) => {
    let largest = 0;
    for (let i = 0; i < count; i++) {
      await store.events.append(id, many);
      largest = Math.max(largest, sizeOf(`${path}-wal`));
    }
    return largest;
  };
  say('the log, with two processes that read all the time');
  const before = sizeOf(path);
  const beside = await withReaders(path, ['lists', 'lists'], () => write(LOG_BATCHES));
  const written = mib(sizeOf(path) - before);
  say('the log, with a reader that stays in the past');
  const held = await withReaders(path, ['snapshot'], () => write(LOG_BATCHES));
  // The log is folded in after the one, begun anew by the next, and cut when that is on the disk.
  await write(5);
  return [
    [`log after ${written}, two processes reading lists`, mib(beside), '–', '64 MiB'],
    [`log after ${written}, one reader in the past`, mib(held), '–', ''],
    ['log when that reader has gone', mib(sizeOf(`${path}-wal`)), '–', '64 MiB'],
  ];
}

async function withReaders(path, modes, work) {
  const readers = modes.map((mode) => fork(READER, [path, mode]));
  try {
    for (const reader of readers) await once(reader, 'message');
    return await work();
  } finally {
    for (const reader of readers) {
      const gone = once(reader, 'exit');
      reader.disconnect();
      await gone;
    }
  }
}

async function upkeep(store, place, path, say) {
  const rows = [];
  const work = async (name, run) => {
    say(name);
    // Another process: these works do not let this one look at itself.
    const watch = fork(WATCH, [String(process.pid), path]);
    await once(watch, 'message');
    const took = await time(run);
    watch.send('end');
    const [{ memory, log }] = await once(watch, 'message');
    rows.push([name, `${duration(took)}; memory up to ${mib(memory)}, log ${mib(log)}`, '–', '']);
  };
  const copy = join(place, 'copy.db');
  rmSync(copy, { force: true });
  await work('stats', () => store.stats());
  await work('backup, read back', () => store.backup(copy));
  rmSync(copy, { force: true });
  await work('vacuum', () => store.vacuum());
  return rows;
}

const gib = (value) => `${(value / GIB).toFixed(1)} GiB`;
const mib = (value) => `${Math.round(value / MIB)} MiB`;
