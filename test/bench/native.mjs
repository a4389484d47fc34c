// The limit of what can be: the native binding with prepared statements, on the same schema, with the
// same pragmas, columns and lengths of ids, without anything around it.
import { existsSync, readFileSync } from 'node:fs';
import Driver from 'libsql';

const MIGRATION = new URL('../../migrations/0001_create_store.sql', import.meta.url);

/** @param path - an empty store is made there, unless there is one */
export function openNative(path) {
  const isNew = !existsSync(path);
  const driver = new Driver(path);
  driver.exec('pragma journal_mode = wal; pragma synchronous = full; pragma foreign_keys = on;');
  driver.exec('pragma temp_store = memory; pragma cache_size = -16000;');
  if (isNew) driver.exec(readFileSync(MIGRATION, 'utf8'));
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
  const sessions = driver
    .prepare(
      `select id, title, workspace, model, created_at, updated_at, archived_at, deleted_at,
         message_count, parent_id, device
       from sessions indexed by sessions_active where deleted_at is null and archived_at is null
       order by updated_at desc, id desc limit ?`,
    )
    .raw();
  const hits = driver
    .prepare(
      `select d.kind, d.ref_id, d.owner_id, d.at, search_index.rank
       from search_index join search_docs d on d.number = search_index.rowid
       where search_index match ? order by search_index.rank limit ?`,
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
    newest: (limit) => sessions.all([limit]).map(([id]) => id),
    search: (word, limit) => hits.all([word, limit]),
    close: () => driver.close(),
  };
}
