// Everything of a store file that the book is compared with. Not through the library: as another
// program that reads the file would.
import Driver from 'libsql';

const ROWS = {
  runtime_events: `select type, id, thread_id, seq from runtime_events
    where type glob 'soak.*' order by thread_id, seq`,
  session_messages: `select role, id from session_messages where role glob 'soak.*'`,
  runtime_turns: `select id, id from runtime_turns where id glob 'soak.*'`,
  runtime_items: `select id, id from runtime_items where id glob 'soak.*'`,
  sessions: `select id, id from sessions where id glob 'soak.*'`,
  tasks: `select id, id from tasks where id glob 'soak.*'`,
};
const REGISTERS = [
  ['sessions', { title: 'title', archive: 'archived_at', deleted: 'deleted_at' }],
  ['tasks', { prompt: 'prompt', deleted: 'deleted_at', lifecycle: 'status' }],
  ['threads', { title: 'title', deleted: 'deleted_at' }],
  ['runtime_threads', { title: 'title' }],
  ['automations', { name: 'name' }],
];
/** Rows of what was purged: there may be none. */
const PURGED = [
  ['session_messages', 'session_id', 'sessions'],
  ['runtime_events', 'thread_id', 'runtime_threads'],
];

export function inspect(path) {
  const driver = new Driver(path, { timeout: 20_000 });
  const all = (sql) => driver.prepare(sql).raw().all([]);
  // One snapshot.
  driver.exec('begin');
  const rows = Object.entries(ROWS).map(([table, sql]) => [table, all(sql)]);
  const registers = REGISTERS.flatMap(([table, columns]) =>
    Object.entries(columns).flatMap(([register, column]) =>
      all(`select id, ${register}_version, ${column} from ${table} where id glob 'soak.*'`).map(
        ([id, version, value]) => [table, id, register, version, value],
      ),
    ),
  );
  const found = {
    rows: Object.fromEntries(rows),
    registers,
    threads: all('select thread_id, max(seq) from runtime_events group by thread_id'),
    left: PURGED.map(
      ([table, column, owner]) =>
        all(`select '${table}', count(*) from ${table} t join ${owner} o on o.id = t.${column}
        where o.purged_at is not null`)[0],
    ).filter(([, count]) => count > 0),
    state: all('select store_id, epoch, cursor, key_ring, enabled from sync_state')[0] ?? null,
    device: all('select id, clock_ms from device')[0],
    integrity: all('pragma integrity_check').map(([line]) => line),
  };
  driver.exec('rollback');
  return found;
}
