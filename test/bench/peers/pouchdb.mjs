// PouchDB on LevelDB, with express-pouchdb as its server in a process of its own.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import PouchDB from 'pouchdb';
import find from 'pouchdb-find';
import { BATCH, NEWEST, WORD, batches, event, sessions } from '../contenders/records.mjs';

PouchDB.plugin(find);

const SERVER = fileURLToPath(new URL('./pouchdb-server.mjs', import.meta.url));
/** Ten times its default, which is slower. */
const REPLICATION = { batch_size: 1000 };

export async function open(folder) {
  mkdirSync(folder, { recursive: true });
  const events = new PouchDB(join(folder, 'events'));
  const talks = new PouchDB(join(folder, 'talks'));
  const list = new PouchDB(join(folder, 'sessions'));
  await fillSessions(list, talks);
  const lists = batches();
  let written = 0;
  let count = 0;
  return {
    append: () => events.put(documentOf('single', ++count, event(count))),
    async newest() {
      const { docs } = await list.find({
        selector: { updatedAt: { $gt: 0 } },
        sort: [{ updatedAt: 'desc' }],
        limit: NEWEST,
      });
      return docs.map(({ _id }) => _id);
    },
    async search() {
      const { rows } = await talks.allDocs({ include_docs: true });
      return rows.filter(({ doc }) => doc.text.toLowerCase().includes(WORD)).length;
    },
    write: () => writeEvents(events, `thread${++written}`, lists),
    async read() {
      let found = 0;
      let after = `thread${written}:`;
      for (let more = true; more;) {
        const { rows } = await events.allDocs({
          include_docs: true,
          startkey: after,
          endkey: `thread${written}:\uffff`,
          limit: BATCH,
        });
        found += rows.length;
        after = `${rows.at(-1)?.id}\0`;
        more = rows.length === BATCH;
      }
      return found;
    },
    close: () => Promise.all([events.close(), talks.close(), list.close()]),
  };
}

async function fillSessions(list, talks) {
  await list.createIndex({ index: { fields: ['updatedAt'] } });
  const all = sessions();
  for (let start = 0; start < all.length; start += BATCH) {
    const some = all.slice(start, start + BATCH);
    await list.bulkDocs(some.map(({ id, messages: _, ...session }) => ({ _id: id, ...session })));
    await talks.bulkDocs(
      some.flatMap(({ id, messages }) =>
        messages.map((message, i) => ({ _id: `${id}:${i}`, session: id, ...message })),
      ),
    );
  }
}

function documentOf(thread, seq, { type, payload }) {
  return { _id: `${thread}:${String(seq).padStart(10, '0')}`, seq, type, at: Date.now(), payload };
}

async function writeEvents(db, thread, lists) {
  let seq = 0;
  for (const list of lists) {
    await db.bulkDocs(list.map((one) => documentOf(thread, ++seq, one)));
  }
}

/** A server of its own on the loopback; `stop` ends it. */
export async function startServer(folder) {
  const path = join(folder, 'server');
  mkdirSync(path, { recursive: true });
  const child = fork(SERVER, [path]);
  const [{ port }] = await once(child, 'message');
  return {
    url: `http://127.0.0.1:${port}/events`,
    async stop() {
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
    },
  };
}

/** A device with events that no server has yet. */
export async function device(folder, url, lists) {
  mkdirSync(folder, { recursive: true });
  const db = new PouchDB(join(folder, 'device'));
  await writeEvents(db, 'thread', lists);
  return { push: () => db.replicate.to(url, REPLICATION), close: () => db.close() };
}

/** A new device, from nothing until what the server holds can be read; returns how much that is. */
export async function bootstrap(folder, url) {
  mkdirSync(folder, { recursive: true });
  const db = new PouchDB(join(folder, 'device'));
  await db.replicate.from(url, REPLICATION);
  const { doc_count: rows } = await db.info();
  await db.close();
  return rows;
}

/** Writes a row at each call; a live replication sends it. */
export async function tripWriter(folder, url) {
  mkdirSync(folder, { recursive: true });
  const db = new PouchDB(join(folder, 'device'));
  const live = db.replicate.to(url, { live: true, retry: true });
  let seq = 0;
  return {
    write: () =>
      db.put(documentOf('trip', ++seq, { type: 'note', payload: { text: 'a few words' } })),
    async close() {
      live.cancel();
      await db.close();
    },
  };
}

/** A live replication brings the rows; they are told by the changes of the local database. */
export async function tripReader(folder, url) {
  mkdirSync(folder, { recursive: true });
  const db = new PouchDB(join(folder, 'device'));
  const live = db.replicate.from(url, { live: true, retry: true });
  const changes = db.changes({ live: true, since: 'now' });
  return {
    next: () => once(changes, 'change'),
    async close() {
      live.cancel();
      changes.cancel();
      await db.close();
    },
  };
}
