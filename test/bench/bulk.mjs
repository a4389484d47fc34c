// Many events through the public API, against the native binding with prepared statements on the
// same schema, the same pragmas, the same batches and the same columns.
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import Driver from 'libsql';
import { compare, milliseconds } from './measure.mjs';

const BATCH = 1000;
const BATCHES = 20;
const MIGRATION = new URL('../../migrations/0001_create_store.sql', import.meta.url);

export async function bulk({ openStore }, folder, rounds, say) {
  const store = await openStore({ path: join(folder, 'bulk', 'store.db') });
  mkdirSync(join(folder, 'native'));
  const native = openNative(join(folder, 'native', 'store.db'));
  const payload = (i) => ({
    delta: `event ${i} ${'words of an answer '.repeat(11)}`,
    kind: 'agent_message',
  });
  const batches = Array.from({ length: BATCHES }, (_, b) =>
    Array.from({ length: BATCH }, (_, i) => ({
      type: 'item.delta',
      payload: payload(b * BATCH + i),
    })),
  );
  let ours = '';
  let theirs = '';
  say(`writing ${BATCH * BATCHES} events, ${rounds + 1} times each`);
  const write = await compare(
    rounds,
    async () => {
      ours = (await store.runtime.createThread({ workspace: '/w', model: 'm', mode: 'agent' })).id;
      for (const events of batches) await store.events.append(ours, events);
    },
    () => {
      theirs = native.newThread();
      for (const events of batches) native.append(theirs, events);
    },
  );
  say(`reading ${BATCH * BATCHES} events, ${rounds + 1} times each`);
  const read = await compare(
    rounds,
    async () => {
      for (let seq = 0, more = true; more;) {
        const page = await store.events.since(ours, seq, { limit: BATCH });
        seq = page.nextSeq;
        more = page.items.length === BATCH;
      }
    },
    () => {
      for (let seq = 0, more = true; more;) {
        const items = native.since(theirs, seq, BATCH);
        seq = items.at(-1)?.seq ?? seq;
        more = items.length === BATCH;
      }
    },
  );
  await store.close();
  native.close();
  const rate = (ms) => `${Math.round((BATCH * BATCHES) / ms)}k rows/s`;
  const row = (work, result) => [
    work,
    `${milliseconds(result.ours)} (${rate(result.ours)})`,
    `native binding: ${milliseconds(result.theirs)} (${rate(result.theirs)})`,
    `${result.ratio.toFixed(2)}×`,
  ];
  return [
    row(`write ${BATCH * BATCHES} events in transactions of ${BATCH}`, write),
    row(`read them in pages of ${BATCH}`, read),
  ];
}

function openNative(path) {
  const driver = new Driver(path);
  driver.exec('pragma journal_mode = wal; pragma synchronous = full; pragma foreign_keys = on;');
  driver.exec('pragma temp_store = memory; pragma cache_size = -16000;');
  driver.exec(readFileSync(MIGRATION, 'utf8'));
  const last = driver.prepare('select max(seq) from runtime_events where thread_id = ?').raw();
  const insert = driver.prepare(
    `insert into runtime_events (id, device, thread_id, seq, type, turn_id, item_id, created_at, legacy_seq, legacy, body, body_hash)
     values (?, '01NATIVE0000000000000000AA', ?, ?, ?, null, null, ?, null, null, ?, null)`,
  );
  const since = driver
    .prepare(
      `select id, thread_id, turn_id, item_id, seq, type, created_at, device, body, body_hash
       from runtime_events where thread_id = ? and seq > ? order by seq limit ?`,
    )
    .raw();
  let threads = 0;
  let ids = 0;
  return {
    newThread: () => `native${threads++}`,
    append(thread, events) {
      driver.exec('begin immediate');
      let seq = last.get(thread)[0] ?? 0;
      const now = Date.now();
      for (const event of events) {
        // As long as a ULID.
        const id = `N${String(ids++).padStart(25, '0')}`;
        insert.run([id, thread, ++seq, event.type, now, JSON.stringify(event.payload)]);
      }
      driver.exec('commit');
    },
    since(thread, seq, limit) {
      return since.all([thread, seq, limit]).map((row) => ({
        id: row[0],
        threadId: row[1],
        turnId: row[2],
        itemId: row[3],
        seq: row[4],
        type: row[5],
        at: new Date(row[6]).toISOString(),
        device: row[7],
        payload: JSON.parse(row[8]),
      }));
    },
    close: () => driver.close(),
  };
}
