// A program of a device: writes all the time, and tells of each write before it begins and after it
// is on disk. Orders on standard input: pauses, settings of sync, checks.
import { writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeBase, startLoad } from './load.mjs';
import { config, failureOf, openHere, randomOf, serve, tell } from './protocol.mjs';

// After the library, which tells the driver to print nothing before it loads it.
const { default: Driver } = await import('libsql');

const COLUMNS = {
  title: 'title',
  archive: 'archived_at',
  deleted: 'deleted_at',
  prompt: 'prompt',
  lifecycle: 'status',
  name: 'name',
};
/** Of the record that a call returns. */
const FIELDS = { ...COLUMNS, archive: 'archivedAt', deleted: 'deletedAt' };
/** About ten transactions a second. */
const PERIOD_MS = 100;

const store = await openHere();
// Never closed: that would take away the locks of the library's own connections.
const driver = new Driver(config.path, { timeout: 5000 });
const random = randomOf(config.seed);
const next = startLoad(store, random);
let paused = true;
let busy = Promise.resolve();
let count = 0;

if (config.thread) await store.sync.start();

function written([table, id, register]) {
  const sql = `select ${register}_version, ${COLUMNS[register]} from ${table} where id = ?`;
  const row = driver.prepare(sql).raw().get([id]);
  return [table, id, register, row?.[0] ?? null, row?.[1] ?? null];
}

async function write() {
  const tag = `soak.${config.name}.${config.life}.${count++}`;
  const operation = next(tag);
  const { name, rows, edits, purged } = operation;
  tell({ t: 'try', tag, rows, edits, purged });
  const before = edits.map(written);
  const start = performance.now();
  let returned;
  try {
    returned = await operation.run();
    const ms = performance.now() - start;
    const ids = rows.length > 0 ? returned : undefined;
    tell({ t: 'ack', tag, name, ms, ids, at: Date.now() });
  } catch (error) {
    tell({ t: 'no', tag, name, ...failureOf(error) });
    return;
  }
  // A later version may have come in between: that is one that was told, too.
  if (edits.length === 0) return;
  const answers = edits.map(([, , register]) => returned[FIELDS[register]] ?? null);
  tell({ t: 'saw', tag, before, registers: edits.map(written), answers, at: Date.now() });
}

async function run() {
  for (;;) {
    const start = performance.now();
    if (!paused) {
      busy = write();
      await busy;
    }
    await sleep(
      Math.max(1, PERIOD_MS * (0.5 + random.below(1000) / 1000) - (performance.now() - start)),
    );
  }
}

const keyTo = async (file) => {
  const { phrase } = await store.sync.exportKey();
  writeFileSync(file, phrase, { mode: 0o600 });
};

const orders = {
  resume: () => {
    paused = false;
  },
  pause: async () => {
    paused = true;
    await busy;
  },
  base: () => makeBase(store),
  enable: async (url, options) => {
    const { deviceId } = await store.sync.enable(url, options);
    if (config.thread) await store.sync.start();
    return deviceId;
  },
  disable: () => store.sync.disable(),
  now: () => store.sync.now(),
  exportKey: keyTo,
  rotateKey: async (file) => {
    try {
      await store.sync.rotateKey();
    } finally {
      await keyTo(file);
    }
  },
  status: () => store.sync.status(),
  verify: () => store.sync.verify(),
  parked: () => store.sync.parked(),
  check: () => store.check(),
};

tell({ t: 'ready' });
await Promise.all([serve(orders), run()]);
