// First push and first pull of many rows, against the very bytes that the hub then holds, written and
// read by plain SQL on the same server.
import Driver from 'libsql';
import { copyFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { median, milliseconds, time } from './measure.mjs';
import { plainSql, startHub } from './sync-hub.mjs';

const ROWS = 100_000;
const BATCH = 1000;
/** As large as the pushes and the pages of sync. */
const PUSH_ROWS = 2000;
const PAGE_ROWS = 4000;

const SHAPE = `create table plain_entries (
  seq integer primary key, table_name text not null, id text not null, register text not null,
  version text not null, key_number integer not null, schema integer not null,
  payload blob not null, unique (table_name, id, register)) strict`;
const COLUMNS = 'seq, table_name, id, register, version, key_number, schema, payload';

export async function first({ openStore }, folder, rounds, say) {
  const source = join(folder, 'first', 'source.db');
  say(`writing ${ROWS} events`);
  await fill(openStore, source);
  const times = {};
  for (const encryption of [true, false]) {
    for (let round = 0; round <= rounds; round++) {
      say(`first push and pull, encryption ${encryption ? 'on' : 'off'}, ${round} of ${rounds}`);
      const one = await oneRound(openStore, folder, source, encryption);
      // The first round warms up.
      if (round === 0) continue;
      for (const [name, ms] of Object.entries(one)) {
        (times[`${name} ${encryption}`] ??= []).push(ms);
      }
    }
  }
  const rows = [];
  for (const encryption of [true, false]) {
    const of = (name) => times[`${name} ${encryption}`];
    const sealed = encryption ? 'encrypted' : 'not encrypted';
    rows.push(row(`first push of ${ROWS} rows, ${sealed}`, of('push'), of('pushPlain')));
    rows.push(row(`first pull over HTTP, ${sealed}`, of('http'), of('pullPlain')));
    rows.push(row(`first pull through a replica, ${sealed}`, of('replica'), of('pullPlain')));
  }
  return rows;
}

function row(work, own, other) {
  const [ours, theirs] = [median(own), median(other)];
  const rate = (ms) => `${milliseconds(ms)} (${(ROWS / ms).toFixed(1)}k rows/s)`;
  return [work, rate(ours), `plain SQL: ${rate(theirs)}`, `${(theirs / ours).toFixed(2)}×`];
}

async function fill(openStore, path) {
  const store = await openStore({ path, durability: 'normal' });
  const thread = await store.runtime.createThread({ workspace: '/w', model: 'm', mode: 'agent' });
  for (let start = 0; start < ROWS; start += BATCH) {
    await store.events.append(
      thread.id,
      Array.from({ length: BATCH }, (_, i) => ({
        type: 'item.delta',
        payload: {
          delta: `event ${start + i} ${'words of an answer '.repeat(11)}`,
          kind: 'agent_message',
        },
      })),
    );
  }
  await store.backup(`${path}.copy`);
  await store.close();
}

async function oneRound(openStore, folder, source, encryption) {
  const place = join(folder, 'first', 'round');
  const hub = await startHub(join(place, 'hub'));
  const result = {};
  try {
    const key = await push(openStore, hub, place, source, encryption, result);
    const batches = await readBatches(hub.url);
    await plainSql(hub.url, 'write', [SHAPE]);
    result.pushPlain = await time(() => plainPush(hub.url, batches));
    for (const pull of ['http', 'replica']) {
      const store = await openStore({ path: join(place, `${pull}.db`) });
      await store.sync.enable(hub.url, { encryption, pull, ...key });
      result[pull] = await time(() => store.sync.now());
      await store.close();
    }
    result.pullPlain = await time(() => plainPull(hub.url, join(place, 'plain.db')));
  } finally {
    await hub.stop();
    rmSync(place, { recursive: true, force: true });
  }
  return result;
}

async function push(openStore, hub, place, source, encryption, result) {
  const path = join(place, 'first.db');
  copyFileSync(`${source}.copy`, path);
  const store = await openStore({ path });
  await store.sync.enable(hub.url, { encryption });
  result.push = await time(() => store.sync.now());
  const { phrase } = await store.sync.exportKey();
  await store.close();
  if (phrase === null) return {};
  const keyFile = join(place, 'key');
  writeFileSync(keyFile, phrase, { mode: 0o600 });
  return { keyFile };
}

/** What the hub holds, in lists as large as pushes. */
async function readBatches(url) {
  const batches = [];
  for (let seq = 0; ;) {
    const [rows] = await plainSql(url, 'read', [
      `select ${COLUMNS} from hub_entries where seq > ? order by seq limit ?`,
      seq,
      PUSH_ROWS,
    ]);
    if (rows.length === 0) return batches;
    seq = rows.at(-1)[0];
    batches.push(rows);
  }
}

async function plainPush(url, batches) {
  for (const rows of batches) {
    let offset = 0;
    const list = rows.map((row) => {
      const length = row[7].length;
      offset += length;
      return [...row.slice(0, 7), offset - length, length];
    });
    await plainSql(url, 'write', [
      `insert into plain_entries (${COLUMNS})
       select value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5,
         value ->> 6, substr(?2, (value ->> 7) + 1, value ->> 8) from json_each(?1)`,
      JSON.stringify(list),
      Buffer.concat(rows.map((row) => row[7])),
    ]);
  }
}

async function plainPull(url, path) {
  const driver = new Driver(path);
  driver.exec('pragma journal_mode = wal; pragma synchronous = full;');
  driver.exec(SHAPE);
  const insert = driver.prepare(`insert into plain_entries values (?, ?, ?, ?, ?, ?, ?, ?)`);
  for (let seq = 0; ;) {
    const [rows] = await plainSql(url, 'read', [
      `select ${COLUMNS} from plain_entries where seq > ? order by seq limit ?`,
      seq,
      PAGE_ROWS,
    ]);
    if (rows.length === 0) break;
    driver.exec('begin immediate');
    for (const row of rows) insert.run(row);
    driver.exec('commit');
    seq = rows.at(-1)[0];
  }
  driver.close();
}
