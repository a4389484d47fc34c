// Turso Database and Turso Sync, with the development server of its command line program.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { connect as connectLocal } from '@tursodatabase/database';
import { connect } from '@tursodatabase/sync';
import { BATCH, NEWEST, WORD, batches, event, idOf, sessions } from '../contenders/records.mjs';

export const durability = 'synchronous = full; its server is for development';

const BINARY = fileURLToPath(
  new URL('./node_modules/@tursodatabase/cli-linux-x64-gnu/tursodb', import.meta.url),
);
const EVENTS = `create table if not exists runtime_events (
  number integer primary key, id text not null unique, device text not null,
  thread_id text not null, seq integer not null, type text not null, created_at integer not null,
  body text not null)`;
const EVENTS_INDEX =
  'create unique index if not exists runtime_events_seq on runtime_events (thread_id, seq)';
const INSERT = `insert into runtime_events (id, device, thread_id, seq, type, created_at, body)
  values (?, '01TURSO00000000000000000AA', ?, ?, ?, ?, ?)`;

export async function open(folder) {
  mkdirSync(folder, { recursive: true });
  const db = await connectLocal(join(folder, 'local.db'));
  await makeEvents(db);
  await fillSessions(db);
  const insert = await db.prepare(INSERT);
  const newest = await db.prepare(
    `select id, title, workspace, model, updated_at, message_count from sessions
     order by updated_at desc limit ${NEWEST}`,
  );
  const search = await db.prepare(
    `select id, session_id from messages where text like '%${WORD}%'`,
  );
  const since = await db.prepare(
    `select id, thread_id, seq, type, created_at, device, body from runtime_events
     where thread_id = ? and seq > ? order by seq limit ${BATCH}`,
  );
  const lists = batches();
  let written = 0;
  let count = 0;
  return {
    append: () => insert.run(...rowOf('single', ++count, event(count))),
    newest: async () => (await newest.all()).map(({ id }) => id),
    search: async () => (await search.all()).length,
    write: () => writeEvents(db, `thread ${++written}`, lists),
    async read() {
      let found = 0;
      for (let seq = 0, more = true; more;) {
        const items = (await since.all(`thread ${written}`, seq)).map((row) => ({
          ...row,
          created_at: new Date(row.created_at).toISOString(),
          body: JSON.parse(row.body),
        }));
        found += items.length;
        seq = items.at(-1)?.seq ?? seq;
        more = items.length === BATCH;
      }
      return found;
    },
    close: () => db.close(),
  };
}

async function makeEvents(db) {
  await db.exec(EVENTS);
  await db.exec(EVENTS_INDEX);
}

async function fillSessions(db) {
  await db.exec(`create table sessions (id text primary key, title text not null,
    workspace text not null, model text not null, updated_at integer not null,
    message_count integer not null)`);
  await db.exec('create index sessions_updated on sessions (updated_at)');
  await db.exec(`create table messages (id integer primary key, session_id text not null,
    role text not null, text text not null)`);
  await db.transactionAsync(async (tx) => {
    const session = await tx.prepare('insert into sessions values (?, ?, ?, ?, ?, ?)');
    const message = await tx.prepare('insert into messages values (null, ?, ?, ?)');
    for (const { id, title, workspace, model, updatedAt, messages } of sessions()) {
      await session.run(id, title, workspace, model, updatedAt, messages.length);
      for (const { role, text } of messages) await message.run(id, role, text);
    }
  })();
}

let ids = 0;
function rowOf(thread, seq, { type, payload }) {
  const id = idOf(process.pid * 1e9 + ids++);
  return [id, thread, seq, type, Date.now(), JSON.stringify(payload)];
}

async function writeEvents(db, thread, lists) {
  let seq = 0;
  for (const list of lists) {
    await db.transactionAsync(async (tx) => {
      const insert = await tx.prepare(INSERT);
      for (const one of list) await insert.run(...rowOf(thread, ++seq, one));
    })();
  }
}

/** A server of its own on the loopback; `stop` ends it. */
export async function startServer(folder) {
  mkdirSync(folder, { recursive: true });
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address();
  probe.close();
  const child = spawn(
    BINARY,
    [join(folder, 'server.db'), '--sync-server', `127.0.0.1:${port}`],
    // It reports every first contact of a device as an error.
    { stdio: 'ignore' },
  );
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  const url = `http://127.0.0.1:${port}`;
  for (let i = 0; ; i++) {
    if (await fetch(url).catch(() => undefined)) break;
    if (i > 500 || child.exitCode !== null) throw new Error('tursodb did not start');
    await sleep(20);
  }
  return {
    url,
    async stop() {
      process.off('exit', kill);
      const gone = once(child, 'exit');
      kill();
      await gone;
    },
  };
}

/** A device with events that no server has yet. */
export async function device(folder, url, lists) {
  mkdirSync(folder, { recursive: true });
  const db = await connect({ path: join(folder, 'device.db'), url });
  await makeEvents(db);
  await writeEvents(db, 'thread', lists);
  return { push: () => db.push(), close: () => db.close() };
}

/** A new device, from nothing until what the server holds can be read; returns how much that is. */
export async function bootstrap(folder, url) {
  mkdirSync(folder, { recursive: true });
  const db = await connect({ path: join(folder, 'device.db'), url });
  const [{ rows }] = await db.all('select count(*) as rows from runtime_events');
  await db.close();
  return rows;
}

/** Writes a row and sends it, at each call. */
export async function tripWriter(folder, url) {
  mkdirSync(folder, { recursive: true });
  const db = await connect({ path: join(folder, 'device.db'), url });
  await makeEvents(db);
  await db.push();
  const insert = await db.prepare(INSERT);
  let seq = 0;
  return {
    async write() {
      await insert.run(...rowOf('trip', ++seq, { type: 'note', payload: { text: 'a few words' } }));
      await db.push();
    },
    close: () => db.close(),
  };
}

/** Pulls without a pause (its server answers at once, a long poll or not) until a row more is there. */
export async function tripReader(folder, url) {
  mkdirSync(folder, { recursive: true });
  const db = await connect({ path: join(folder, 'device.db'), url, longPollTimeoutMs: 5000 });
  const count = await db.prepare('select count(*) as rows from runtime_events');
  let seen = 0;
  return {
    async next() {
      seen++;
      while (!(await db.pull()) || (await count.get()).rows < seen);
    },
    close: () => db.close(),
  };
}
