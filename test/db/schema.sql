CREATE TABLE ancestors (
  table_name text not null,
  row_id     text not null,
  register   text not null,
  -- JSON list.
  versions   text not null,
  primary key (table_name, row_id, register)
) strict, without rowid;

CREATE TABLE artifacts (
  -- The owner's kind and id and the path, joined by slashes.
  id         text    primary key,
  device     text    not null,
  owner_kind text    not null check (owner_kind in ('session', 'task')),
  owner_id   text    not null,
  path       text    not null,
  size       integer not null,
  modified_at integer not null,
  body_hash  text    not null
, deleted_at integer, content_version text not null default '') strict;

CREATE TABLE audit_log (
  number     integer primary key autoincrement,
  id         text    not null unique,
  device     text    not null,
  event      text    not null,
  created_at integer not null,
  -- As for events: a JSON string, the spelling of its time, or an object, the line without its details.
  legacy     text,
  body text,
  body_hash text, pulled integer not null default 0,
  check ((body is null) <> (body_hash is null))
) strict;

CREATE TABLE automation_runs (
  id         text    primary key,
  device     text    not null,
  automation_id text not null,
  -- The scheduled time, or null for a run that was asked for by hand or came in without a slot of its own.
  slot       integer,
  status     text    not null,
  attempt    integer not null,
  task_id    text,
  error      text,
  created_at integer not null,
  started_at integer,
  ended_at   integer,
  deleted_at integer,
  lifecycle_version text not null,
  details_version text not null,
  body text,
  body_hash text,
  check ((body is null) <> (body_hash is null))
) strict;

CREATE TABLE automations (
  id         text    primary key,
  device     text    not null,
  name       text    not null,
  prompt     text    not null,
  rule       text    not null,
  status     text    not null,
  -- What to do with slots missed while nothing ran: 'skip', 'once' or 'all'.
  catch_up   text    not null,
  owner      text    not null,
  next_run_at integer,
  last_run_at integer,
  created_at integer not null,
  updated_at integer not null,
  deleted_at integer,
  -- Emptied for good; the row stays as a mark.
  purged_at integer,
  name_version text not null,
  schedule_version text not null,
  last_run_version text not null,
  deleted_version text not null,
  purge_version text not null,
  details_version text not null,
  body text,
  body_hash text,
  check ((body is null) <> (body_hash is null))
) strict;

CREATE TABLE blob_chunks (
  hash     text    not null,
  position integer not null,
  -- 'raw' or 'deflate' (RFC 1951), whichever is smaller.
  codec    text    not null,
  data     blob    not null,
  primary key (hash, position)
) strict, without rowid;

CREATE TABLE blobs (
  hash text    primary key,
  size integer not null
) strict, without rowid;

CREATE TABLE clashes (
  table_name text not null,
  row_id     text not null,
  original_id text not null,
  found_at   integer not null,
  primary key (table_name, row_id)
) strict, without rowid;

CREATE TABLE conflicts (
  number      integer primary key autoincrement,
  table_name  text    not null,
  row_id      text    not null,
  register    text    not null,
  lost_version text   not null,
  won_version text    not null,
  found_at    integer not null,
  -- The columns that lost, JSON.
  body text,
  body_hash text,
  check ((body is null) <> (body_hash is null))
) strict;

CREATE TABLE device (
  only        integer primary key check (only = 1),
  store_id    text    not null,
  id          text    not null,
  content_key text    not null,
  clock_ms    integer not null,
  clock_counter integer not null,
  created_at  integer not null
, capturing integer not null default 0 check (capturing in (0, 1)), machine text, former_ids text not null default '[]') strict;

CREATE TABLE goals (
  -- 'thread', 'runtime' or 'session', a slash, the id of its owner.
  id         text    primary key,
  device     text    not null,
  scope      text    not null check (scope in ('thread', 'runtime', 'session')),
  owner_id   text    not null,
  status     text    not null,
  objective  text    not null,
  updated_at integer not null,
  deleted_at integer,
  state_version text not null,
  body text,
  body_hash text,
  check ((body is null) <> (body_hash is null))
) strict;

CREATE TABLE import_homes (
  number integer primary key,
  root   text    not null unique
) strict;

CREATE TABLE import_sources (
  -- The home's root and the path below it.
  path        text    primary key,
  kind        text    not null,
  size        integer not null,
  hash        text    not null,
  records     integer not null,
  -- Lines of it that are no records.
  ignored     integer not null,
  -- JSON list of the ids in it, for files that hold one or few records.
  ids         text    not null,
  imported_at integer not null
) strict, without rowid;

CREATE TABLE imported_bodies (
  table_name text not null,
  row_id     text not null,
  -- What the register would have as its version.
  version    text not null,
  body text,
  body_hash text,
  primary key (table_name, row_id),
  check ((body is null) <> (body_hash is null))
) strict;

CREATE TABLE jobs (
  id         text    primary key,
  device     text    not null,
  name       text    not null,
  status     text    not null,
  -- 0 to 255, or null.
  progress   integer,
  created_at integer not null,
  updated_at integer not null,
  deleted_at integer,
  state_version text not null,
  deleted_version text not null,
  body text,
  body_hash text,
  check ((body is null) <> (body_hash is null))
) strict;

CREATE TABLE legacy_records (
  id         text    primary key,
  device     text    not null,
  -- The importer's word for it, e.g. 'agent_mail'.
  kind       text    not null,
  -- Where it stood in its home; with position, the order in which it is written back.
  path       text    not null,
  position   integer not null,
  owner_id   text,
  -- 'kept', or 'orphaned' while its parent does not exist.
  state      text    not null check (state in ('kept', 'orphaned')),
  modified_at integer not null,
  content_version text not null,
  body text,
  body_hash text,
  check ((body is null) <> (body_hash is null))
) strict;

CREATE TABLE migrations (
      number     integer primary key,
      name       text    not null,
      checksum   text    not null,
      applied_at integer not null
    ) strict;

CREATE TABLE offline_queue (
  session_id text    primary key,
  saved_at   integer not null,
  body text,
  body_hash text,
  check ((body is null) <> (body_hash is null))
) strict;

CREATE TABLE outbox (
  -- Autoincrement, because an emptied outbox must not start again at 1.
  number     integer primary key autoincrement,
  table_name text    not null,
  row_id     text    not null,
  -- Of an immutable row that was purged: the content hash that it had.
  register   text    not null,
  noted_at   integer not null,
  -- JSON list of the versions that the edits replaced since the last acknowledgement.
  bases      text    not null,
  -- Why it cannot be sent as it is; null else.
  stuck      text,
  unique (table_name, row_id, register)
) strict;

CREATE TABLE parked (
  table_name text    not null,
  -- As on the hub.
  hub_id     text    not null,
  register   text    not null,
  version    text    not null,
  key_number integer not null,
  schema     integer not null,
  payload    blob    not null,
  -- 'schema', 'key', 'damaged', 'future' or 'chunks'.
  reason     text    not null,
  parked_at  integer not null,
  -- Above 0: to be offered, under this number.
  offer      integer not null,
  primary key (table_name, hub_id, register)
) strict, without rowid;

CREATE TABLE runtime_events (
  number     integer primary key autoincrement,
  id         text    not null unique,
  device     text    not null,
  thread_id  text    not null,
  -- The order of arrival on this device; the old program's own number is legacy_seq.
  seq        integer not null,
  type       text    not null,
  turn_id    text,
  item_id    text,
  created_at integer not null,
  -- As text, because it may pass 2^53.
  legacy_seq text,
  -- What the columns do not tell of a line of the old log: a JSON string, the spelling of its time,
  -- or an object, the line without its payload.
  legacy     text,
  body text,
  body_hash text, pulled integer not null default 0,
  check ((body is null) <> (body_hash is null))
) strict;

CREATE TABLE runtime_items (
  id         text    primary key,
  device     text    not null,
  legacy_id  text,
  turn_id    text    not null,
  position   integer not null,
  kind       text    not null,
  status     text    not null,
  attempt    integer not null,
  summary    text    not null,
  started_at integer,
  ended_at   integer,
  content_version text not null,
  body text,
  body_hash text,
  check ((body is null) <> (body_hash is null))
) strict;

CREATE TABLE runtime_threads (
  id         text    primary key,
  device     text    not null,
  -- The short id of the old program, where another record already bears it.
  legacy_id  text,
  title      text,
  workspace  text    not null,
  model      text    not null,
  mode       text    not null,
  session_id text,
  task_id    text,
  latest_turn_id text,
  archived   integer not null check (archived in (0, 1)),
  deleted_at integer,
  -- Emptied for good; the row stays as a mark.
  purged_at integer,
  created_at integer not null,
  updated_at integer not null,
  title_version text not null,
  archive_version text not null,
  deleted_version text not null,
  purge_version text not null,
  details_version text not null,
  body text,
  body_hash text,
  check ((body is null) <> (body_hash is null))
) strict;

CREATE TABLE runtime_turns (
  id         text    primary key,
  device     text    not null,
  legacy_id  text,
  thread_id  text    not null,
  position   integer not null,
  status     text    not null,
  attempt    integer not null,
  -- The device that runs it, and alone may recover it.
  owner      text    not null,
  input_summary text not null,
  error      text,
  created_at integer not null,
  started_at integer,
  ended_at   integer,
  lifecycle_version text not null,
  details_version text not null,
  body text,
  body_hash text,
  check ((body is null) <> (body_hash is null))
) strict;

CREATE TABLE search_docs (
  number    integer primary key,
  -- 'session', 'message', 'task' or 'item'.
  kind      text    not null,
  ref_id    text    not null,
  -- The session of a message, the thread of an item; the record itself else.
  owner_id  text    not null,
  at        integer not null,
  -- Imported rows are indexed afterwards.
  indexed   integer not null check (indexed in (0, 1)),
  unique (kind, ref_id)
) strict;

CREATE VIRTUAL TABLE search_index using fts5 (
  text,
  content = '',
  contentless_delete = 1,
  -- Marks are part of their letter: by default they would cut words of Indic scripts apart.
  tokenize = "unicode61 remove_diacritics 2 categories 'L* N* Co M*'"
);

CREATE TABLE 'search_index_config'(k PRIMARY KEY, v) WITHOUT ROWID;

CREATE TABLE 'search_index_data'(id INTEGER PRIMARY KEY, block BLOB);

CREATE TABLE 'search_index_docsize'(id INTEGER PRIMARY KEY, sz BLOB, origin INTEGER);

CREATE TABLE 'search_index_idx'(segid, term, pgno, PRIMARY KEY(segid, term)) WITHOUT ROWID;

CREATE TABLE session_checkpoints (
  id         text    primary key,
  session_id text    not null,
  saved_at   integer not null,
  body text,
  body_hash text,
  check ((body is null) <> (body_hash is null))
) strict;

CREATE TABLE session_leaves (
  session_id text primary key,
  leaf_id    text not null
, follows integer not null default 1 check (follows in (0, 1))) strict, without rowid;

CREATE TABLE session_messages (
  number     integer primary key autoincrement,
  id         text    not null unique,
  device     text    not null,
  session_id text    not null,
  parent_id  text,
  role       text    not null,
  -- Null where the source has none: a message of an old session file.
  created_at integer,
  body text,
  body_hash text, pulled integer not null default 0,
  check ((body is null) <> (body_hash is null))
) strict;

CREATE TABLE sessions (
  id         text    primary key,
  device     text    not null,
  title      text    not null,
  workspace  text    not null,
  model      text    not null,
  parent_id  text,
  created_at integer not null,
  archived_at integer,
  deleted_at integer,
  -- Emptied for good; the row stays as a mark.
  purged_at integer,
  -- Derived: the latest edit, and the length of the current branch.
  updated_at integer not null,
  message_count integer not null,
  title_version text not null,
  archive_version text not null,
  deleted_version text not null,
  purge_version text not null,
  details_version text not null,
  body text,
  body_hash text,
  check ((body is null) <> (body_hash is null))
) strict;

CREATE TABLE sqlite_sequence(name,seq);

CREATE TABLE stale_roots (
  table_name text not null,
  row_id     text not null,
  primary key (table_name, row_id)
) strict, without rowid;

CREATE TABLE sync_scans (
  table_name text primary key,
  after_number integer,
  -- The last number when the offer began: up to there the hub may hold rows already.
  until_number integer,
  after_id   text
) strict, without rowid;

CREATE TABLE sync_state (
  only        integer primary key check (only = 1),
  enabled     integer not null check (enabled in (0, 1)),
  url         text    not null,
  token_file  text,
  -- 'auto', 'replica' or 'http'.
  pull        text    not null,
  device_name text    not null,
  -- The keys of the group and the secret that opens them on the hub (JSON); null without encryption.
  key_ring    text,
  key_secret  text,
  -- The lock of the ring as the hub holds it, to found a lost hub anew (JSON).
  key_check   text,
  store_id    text,
  epoch       integer not null,
  epoch_token text    not null,
  cursor      integer not null,
  -- The state of the hub that was read, or reached by our own push.
  pair_head   integer,
  pair_token  text,
  -- The last push that was acknowledged, and the one that was last sent.
  acked_number integer,
  acked_token text,
  sent_number integer,
  sent_token  text,
  -- The latest version known to be accepted by a hub.
  floor_ms    integer not null,
  floor_counter integer not null,
  -- Raised when everything is offered anew; an immutable row that was pulled bears the number of its round.
  round       integer not null,
  -- 1 from taking a new device id until everything was read.
  copied      integer not null check (copied in (0, 1)),
  -- 1 while the address leads to the hub of another store.
  refused     integer not null check (refused in (0, 1))
) strict;

CREATE TABLE sync_status (
  only        integer primary key check (only = 1),
  leader      text,
  lease_until integer not null,
  hub_head    integer,
  clock_offset_ms integer,
  synced_at   integer,
  -- JSON {code, message, hint, retryable, at}.
  error       text,
  -- JSON list of the devices that the hub knows.
  devices     text    not null
) strict;

CREATE TABLE task_leases (
  task_id    text    primary key,
  worker     text    not null,
  expires_at integer not null
) strict, without rowid;

CREATE TABLE tasks (
  id         text    primary key,
  device     text    not null,
  prompt     text    not null,
  status     text    not null,
  attempt    integer not null,
  -- The device that may claim and recover it.
  owner      text    not null,
  -- Order in the queue of its owner.
  queued_at  integer not null,
  workspace  text    not null,
  model      text    not null,
  thread_id  text,
  session_id text,
  error      text,
  created_at integer not null,
  started_at integer,
  ended_at   integer,
  archived_at integer,
  deleted_at integer,
  -- Emptied for good; the row stays as a mark.
  purged_at integer,
  -- Derived: the last of created, started and ended.
  updated_at integer not null,
  prompt_version text not null,
  lifecycle_version text not null,
  archive_version text not null,
  deleted_version text not null,
  purge_version text not null,
  details_version text not null,
  body text,
  body_hash text,
  check ((body is null) <> (body_hash is null))
) strict;

CREATE TABLE thread_checkpoints (
  -- The thread's id, a slash, the checkpoint's id.
  id         text    primary key,
  device     text    not null,
  thread_id  text    not null,
  checkpoint_id text not null,
  created_at integer not null,
  deleted_at integer,
  state_version text not null,
  body text,
  body_hash text,
  check ((body is null) <> (body_hash is null))
) strict;

CREATE TABLE thread_leaves (
  thread_id text primary key,
  leaf_id   text not null
, follows integer not null default 1 check (follows in (0, 1))) strict, without rowid;

CREATE TABLE thread_messages (
  number     integer primary key autoincrement,
  id         text    not null unique,
  device     text    not null,
  thread_id  text    not null,
  parent_id  text,
  role       text    not null,
  created_at integer not null,
  body text,
  body_hash text, pulled integer not null default 0,
  check ((body is null) <> (body_hash is null))
) strict;

CREATE TABLE threads (
  id         text    primary key,
  device     text    not null,
  title      text,
  preview    text    not null,
  model_provider text not null,
  cwd        text    not null,
  source     text    not null,
  status     text    not null,
  archived   integer not null check (archived in (0, 1)),
  archived_at integer,
  deleted_at integer,
  -- Emptied for good; the row stays as a mark.
  purged_at integer,
  created_at integer not null,
  updated_at integer not null,
  -- JSON list of {name, description, inputSchema}, in order.
  tools      text    not null,
  title_version text not null,
  archive_version text not null,
  deleted_version text not null,
  purge_version text not null,
  tools_version text not null,
  details_version text not null,
  body text,
  body_hash text,
  check ((body is null) <> (body_hash is null))
) strict;

CREATE TABLE triggers (
  id         text    primary key,
  device     text    not null,
  fire_at    integer not null,
  message    text    not null,
  workspace  text,
  owner_session_id text,
  status     text    not null,
  attempt    integer not null,
  fired_at   integer,
  task_id    text,
  thread_id  text,
  error      text,
  created_at integer not null,
  lifecycle_version text not null,
  details_version text not null,
  body text,
  body_hash text,
  check ((body is null) <> (body_hash is null))
) strict;

CREATE TABLE unknown_columns (
  table_name text not null,
  row_id     text not null,
  register   text not null,
  columns    text not null,
  primary key (table_name, row_id, register)
) strict, without rowid;

CREATE TABLE workspaces (
  -- The device, a slash, a hash of the path.
  id         text    primary key,
  device     text    not null,
  path       text    not null,
  -- The remote of the repository without its protocol, user and '.git', and the path below its root.
  remote     text    not null,
  relative_path text not null,
  place_version text not null
) strict;

CREATE INDEX artifacts_body on artifacts (body_hash);

CREATE INDEX artifacts_owner on artifacts (owner_kind, owner_id);

CREATE INDEX audit_log_body on audit_log (body_hash) where body_hash is not null;

CREATE INDEX audit_log_created on audit_log (created_at, number);

CREATE INDEX audit_log_event on audit_log (event, created_at, number);

CREATE INDEX automation_runs_body on automation_runs (body_hash) where body_hash is not null;

CREATE INDEX automation_runs_created on automation_runs (automation_id, created_at, id) where deleted_at is null;

CREATE INDEX automation_runs_open on automation_runs (status) where status in ('queued', 'running');

CREATE INDEX automation_runs_slot on automation_runs (automation_id, slot) where slot is not null;

CREATE INDEX automations_body on automations (body_hash) where body_hash is not null;

CREATE INDEX automations_deleted on automations (updated_at, id) where deleted_at is not null;

CREATE INDEX automations_due on automations (owner, next_run_at) where status = 'active' and deleted_at is null;

CREATE INDEX automations_status on automations (status, updated_at, id) where deleted_at is null;

CREATE INDEX automations_updated on automations (updated_at, id) where deleted_at is null;

CREATE INDEX conflicts_body on conflicts (body_hash) where body_hash is not null;

CREATE INDEX conflicts_row on conflicts (table_name, row_id);

CREATE INDEX goals_body on goals (body_hash) where body_hash is not null;

CREATE INDEX goals_scope on goals (scope, updated_at, id) where deleted_at is null;

CREATE INDEX goals_updated on goals (updated_at, id) where deleted_at is null;

CREATE INDEX imported_bodies_body on imported_bodies (body_hash) where body_hash is not null;

CREATE INDEX jobs_body on jobs (body_hash) where body_hash is not null;

CREATE INDEX jobs_status on jobs (status, updated_at, id) where deleted_at is null;

CREATE INDEX jobs_updated on jobs (updated_at, id) where deleted_at is null;

CREATE INDEX legacy_records_body on legacy_records (body_hash) where body_hash is not null;

CREATE INDEX legacy_records_kind on legacy_records (kind, path, position);

CREATE INDEX legacy_records_orphans on legacy_records (state, kind) where state = 'orphaned';

CREATE INDEX offline_queue_body on offline_queue (body_hash) where body_hash is not null;

CREATE INDEX offline_queue_saved on offline_queue (saved_at, session_id);

CREATE INDEX parked_offer on parked (offer) where offer > 0;

CREATE INDEX runtime_events_body on runtime_events (body_hash) where body_hash is not null;

CREATE UNIQUE INDEX runtime_events_seq on runtime_events (thread_id, seq);

CREATE INDEX runtime_items_body on runtime_items (body_hash) where body_hash is not null;

CREATE INDEX runtime_items_turn on runtime_items (turn_id, position, id);

CREATE INDEX runtime_threads_archived on runtime_threads (archived, updated_at, id) where deleted_at is null;

CREATE INDEX runtime_threads_body on runtime_threads (body_hash) where body_hash is not null;

CREATE INDEX runtime_threads_deleted on runtime_threads (updated_at, id) where deleted_at is not null;

CREATE INDEX runtime_threads_updated on runtime_threads (updated_at, id) where deleted_at is null;

CREATE INDEX runtime_threads_workspace on runtime_threads (workspace, updated_at, id) where deleted_at is null;

CREATE INDEX runtime_turns_body on runtime_turns (body_hash) where body_hash is not null;

CREATE INDEX runtime_turns_open on runtime_turns (thread_id, status) where status in ('queued', 'in_progress');

CREATE INDEX runtime_turns_status on runtime_turns (status, owner) where status in ('queued', 'in_progress');

CREATE INDEX runtime_turns_thread on runtime_turns (thread_id, position, id);

CREATE INDEX search_docs_pending on search_docs (number) where indexed = 0;

CREATE INDEX session_checkpoints_body on session_checkpoints (body_hash) where body_hash is not null;

CREATE INDEX session_checkpoints_saved on session_checkpoints (saved_at, id);

CREATE INDEX session_messages_body on session_messages (body_hash) where body_hash is not null;

CREATE INDEX session_messages_parent on session_messages (parent_id) where parent_id is not null;

CREATE INDEX session_messages_session on session_messages (session_id, number);

CREATE INDEX sessions_active on sessions (updated_at, id) where deleted_at is null and archived_at is null;

CREATE INDEX sessions_archived on sessions (updated_at, id) where deleted_at is null and archived_at is not null;

CREATE INDEX sessions_body on sessions (body_hash) where body_hash is not null;

CREATE INDEX sessions_created on sessions (created_at, id) where deleted_at is null;

CREATE INDEX sessions_deleted on sessions (updated_at, id) where deleted_at is not null;

CREATE INDEX sessions_messages on sessions (message_count, id) where deleted_at is null;

CREATE INDEX sessions_parent on sessions (parent_id) where parent_id is not null;

CREATE INDEX sessions_title on sessions (title collate nocase, id) where deleted_at is null;

CREATE INDEX sessions_updated on sessions (updated_at, id) where deleted_at is null;

CREATE INDEX sessions_workspace on sessions (workspace, updated_at, id) where deleted_at is null;

CREATE INDEX tasks_active on tasks (updated_at, id) where deleted_at is null and archived_at is null;

CREATE INDEX tasks_archived on tasks (updated_at, id) where deleted_at is null and archived_at is not null;

CREATE INDEX tasks_body on tasks (body_hash) where body_hash is not null;

CREATE INDEX tasks_deleted on tasks (updated_at, id) where deleted_at is not null;

CREATE INDEX tasks_queue on tasks (owner, queued_at, id) where status = 'queued' and deleted_at is null;

CREATE INDEX tasks_running on tasks (owner, id) where status = 'running';

CREATE INDEX tasks_status on tasks (status, updated_at, id, archived_at, deleted_at) where deleted_at is null;

CREATE INDEX tasks_updated on tasks (updated_at, id) where deleted_at is null;

CREATE INDEX tasks_workspace on tasks (workspace, updated_at, id) where deleted_at is null;

CREATE INDEX thread_checkpoints_body on thread_checkpoints (body_hash) where body_hash is not null;

CREATE INDEX thread_checkpoints_thread on thread_checkpoints (thread_id, created_at, id) where deleted_at is null;

CREATE INDEX thread_messages_body on thread_messages (body_hash) where body_hash is not null;

CREATE INDEX thread_messages_parent on thread_messages (parent_id) where parent_id is not null;

CREATE INDEX thread_messages_thread on thread_messages (thread_id, number);

CREATE INDEX threads_archived on threads (archived, updated_at, id) where deleted_at is null;

CREATE INDEX threads_body on threads (body_hash) where body_hash is not null;

CREATE INDEX threads_cwd on threads (cwd, updated_at, id) where deleted_at is null;

CREATE INDEX threads_deleted on threads (updated_at, id) where deleted_at is not null;

CREATE INDEX threads_title on threads (title collate nocase, updated_at, id) where title is not null and deleted_at is null;

CREATE INDEX threads_updated on threads (updated_at, id) where deleted_at is null;

CREATE INDEX triggers_body on triggers (body_hash) where body_hash is not null;

CREATE INDEX triggers_created on triggers (created_at, id);

CREATE INDEX triggers_pending on triggers (device, fire_at, id) where status = 'pending';

CREATE INDEX triggers_status on triggers (status, created_at, id);

CREATE INDEX workspaces_path on workspaces (path);

CREATE INDEX workspaces_remote on workspaces (remote, relative_path);

CREATE TRIGGER artifacts_content_version before update on artifacts
when new.content_version <= old.content_version and (new.owner_kind is not old.owner_kind or new.owner_id is not old.owner_id or new.path is not old.path or new.size is not old.size or new.modified_at is not old.modified_at or new.deleted_at is not old.deleted_at or new.body_hash is not old.body_hash)
begin
  select raise (abort, 'VERSION: artifacts.content changed under an old version');
end;

CREATE TRIGGER audit_log_immutable before update on audit_log
when new.id is not old.id or new.device is not old.device or new.event is not old.event or new.created_at is not old.created_at or new.legacy is not old.legacy or new.body is not old.body or new.body_hash is not old.body_hash
begin
  select raise (abort, 'IMMUTABLE: audit_log rows never change');
end;

CREATE TRIGGER automation_runs_details_version before update on automation_runs
when new.details_version <= old.details_version and (new.automation_id is not old.automation_id or new.slot is not old.slot or new.created_at is not old.created_at or new.deleted_at is not old.deleted_at or new.body is not old.body or new.body_hash is not old.body_hash)
begin
  select raise (abort, 'VERSION: automation_runs.details changed under an old version');
end;

CREATE TRIGGER automation_runs_lifecycle_version before update on automation_runs
when new.lifecycle_version <= old.lifecycle_version and (new.status is not old.status or new.attempt is not old.attempt or new.started_at is not old.started_at or new.ended_at is not old.ended_at or new.error is not old.error or new.task_id is not old.task_id)
begin
  select raise (abort, 'VERSION: automation_runs.lifecycle changed under an old version');
end;

CREATE TRIGGER automations_deleted_version before update on automations
when new.deleted_version <= old.deleted_version and (new.deleted_at is not old.deleted_at)
begin
  select raise (abort, 'VERSION: automations.deleted changed under an old version');
end;

CREATE TRIGGER automations_details_version before update on automations
when new.details_version <= old.details_version and (new.prompt is not old.prompt or new.created_at is not old.created_at or new.body is not old.body or new.body_hash is not old.body_hash)
begin
  select raise (abort, 'VERSION: automations.details changed under an old version');
end;

CREATE TRIGGER automations_last_run_version before update on automations
when new.last_run_version <= old.last_run_version and (new.last_run_at is not old.last_run_at)
begin
  select raise (abort, 'VERSION: automations.last_run changed under an old version');
end;

CREATE TRIGGER automations_name_version before update on automations
when new.name_version <= old.name_version and (new.name is not old.name)
begin
  select raise (abort, 'VERSION: automations.name changed under an old version');
end;

CREATE TRIGGER automations_purge_version before update on automations
when new.purge_version <= old.purge_version and (new.purged_at is not old.purged_at)
begin
  select raise (abort, 'VERSION: automations.purge changed under an old version');
end;

CREATE TRIGGER automations_schedule_version before update on automations
when new.schedule_version <= old.schedule_version and (new.rule is not old.rule or new.status is not old.status or new.next_run_at is not old.next_run_at or new.catch_up is not old.catch_up or new.owner is not old.owner)
begin
  select raise (abort, 'VERSION: automations.schedule changed under an old version');
end;

CREATE TRIGGER goals_state_version before update on goals
when new.state_version <= old.state_version and (new.scope is not old.scope or new.owner_id is not old.owner_id or new.status is not old.status or new.objective is not old.objective or new.deleted_at is not old.deleted_at or new.body is not old.body or new.body_hash is not old.body_hash)
begin
  select raise (abort, 'VERSION: goals.state changed under an old version');
end;

CREATE TRIGGER jobs_deleted_version before update on jobs
when new.deleted_version <= old.deleted_version and (new.deleted_at is not old.deleted_at)
begin
  select raise (abort, 'VERSION: jobs.deleted changed under an old version');
end;

CREATE TRIGGER jobs_state_version before update on jobs
when new.state_version <= old.state_version and (new.name is not old.name or new.status is not old.status or new.progress is not old.progress or new.created_at is not old.created_at or new.body is not old.body or new.body_hash is not old.body_hash)
begin
  select raise (abort, 'VERSION: jobs.state changed under an old version');
end;

CREATE TRIGGER legacy_records_content_version before update on legacy_records
when new.content_version <= old.content_version and (new.kind is not old.kind or new.path is not old.path or new.position is not old.position or new.owner_id is not old.owner_id or new.state is not old.state or new.modified_at is not old.modified_at or new.body is not old.body or new.body_hash is not old.body_hash)
begin
  select raise (abort, 'VERSION: legacy_records.content changed under an old version');
end;

CREATE TRIGGER runtime_events_immutable before update on runtime_events
when new.id is not old.id or new.device is not old.device or new.thread_id is not old.thread_id or new.type is not old.type or new.turn_id is not old.turn_id or new.item_id is not old.item_id or new.created_at is not old.created_at or new.legacy_seq is not old.legacy_seq or new.legacy is not old.legacy or new.body is not old.body or new.body_hash is not old.body_hash
begin
  select raise (abort, 'IMMUTABLE: runtime_events rows never change');
end;

CREATE TRIGGER runtime_items_content_version before update on runtime_items
when new.content_version <= old.content_version and (new.legacy_id is not old.legacy_id or new.turn_id is not old.turn_id or new.position is not old.position or new.kind is not old.kind or new.status is not old.status or new.attempt is not old.attempt or new.summary is not old.summary or new.started_at is not old.started_at or new.ended_at is not old.ended_at or new.body is not old.body or new.body_hash is not old.body_hash)
begin
  select raise (abort, 'VERSION: runtime_items.content changed under an old version');
end;

CREATE TRIGGER runtime_threads_archive_version before update on runtime_threads
when new.archive_version <= old.archive_version and (new.archived is not old.archived)
begin
  select raise (abort, 'VERSION: runtime_threads.archive changed under an old version');
end;

CREATE TRIGGER runtime_threads_deleted_version before update on runtime_threads
when new.deleted_version <= old.deleted_version and (new.deleted_at is not old.deleted_at)
begin
  select raise (abort, 'VERSION: runtime_threads.deleted changed under an old version');
end;

CREATE TRIGGER runtime_threads_details_version before update on runtime_threads
when new.details_version <= old.details_version and (new.legacy_id is not old.legacy_id or new.workspace is not old.workspace or new.model is not old.model or new.mode is not old.mode or new.session_id is not old.session_id or new.task_id is not old.task_id or new.latest_turn_id is not old.latest_turn_id or new.created_at is not old.created_at or new.body is not old.body or new.body_hash is not old.body_hash)
begin
  select raise (abort, 'VERSION: runtime_threads.details changed under an old version');
end;

CREATE TRIGGER runtime_threads_purge_version before update on runtime_threads
when new.purge_version <= old.purge_version and (new.purged_at is not old.purged_at)
begin
  select raise (abort, 'VERSION: runtime_threads.purge changed under an old version');
end;

CREATE TRIGGER runtime_threads_title_version before update on runtime_threads
when new.title_version <= old.title_version and (new.title is not old.title)
begin
  select raise (abort, 'VERSION: runtime_threads.title changed under an old version');
end;

CREATE TRIGGER runtime_turns_details_version before update on runtime_turns
when new.details_version <= old.details_version and (new.legacy_id is not old.legacy_id or new.thread_id is not old.thread_id or new.position is not old.position or new.input_summary is not old.input_summary or new.created_at is not old.created_at or new.body is not old.body or new.body_hash is not old.body_hash)
begin
  select raise (abort, 'VERSION: runtime_turns.details changed under an old version');
end;

CREATE TRIGGER runtime_turns_lifecycle_version before update on runtime_turns
when new.lifecycle_version <= old.lifecycle_version and (new.status is not old.status or new.attempt is not old.attempt or new.started_at is not old.started_at or new.ended_at is not old.ended_at or new.error is not old.error or new.owner is not old.owner)
begin
  select raise (abort, 'VERSION: runtime_turns.lifecycle changed under an old version');
end;

CREATE TRIGGER session_messages_immutable before update on session_messages
when new.id is not old.id or new.device is not old.device or new.session_id is not old.session_id or new.parent_id is not old.parent_id or new.role is not old.role or new.created_at is not old.created_at or new.body is not old.body or new.body_hash is not old.body_hash
begin
  select raise (abort, 'IMMUTABLE: session_messages rows never change');
end;

CREATE TRIGGER sessions_archive_version before update on sessions
when new.archive_version <= old.archive_version and (new.archived_at is not old.archived_at)
begin
  select raise (abort, 'VERSION: sessions.archive changed under an old version');
end;

CREATE TRIGGER sessions_deleted_version before update on sessions
when new.deleted_version <= old.deleted_version and (new.deleted_at is not old.deleted_at)
begin
  select raise (abort, 'VERSION: sessions.deleted changed under an old version');
end;

CREATE TRIGGER sessions_details_version before update on sessions
when new.details_version <= old.details_version and (new.workspace is not old.workspace or new.model is not old.model or new.created_at is not old.created_at or new.parent_id is not old.parent_id or new.body is not old.body or new.body_hash is not old.body_hash)
begin
  select raise (abort, 'VERSION: sessions.details changed under an old version');
end;

CREATE TRIGGER sessions_purge_version before update on sessions
when new.purge_version <= old.purge_version and (new.purged_at is not old.purged_at)
begin
  select raise (abort, 'VERSION: sessions.purge changed under an old version');
end;

CREATE TRIGGER sessions_title_version before update on sessions
when new.title_version <= old.title_version and (new.title is not old.title)
begin
  select raise (abort, 'VERSION: sessions.title changed under an old version');
end;

CREATE TRIGGER tasks_archive_version before update on tasks
when new.archive_version <= old.archive_version and (new.archived_at is not old.archived_at)
begin
  select raise (abort, 'VERSION: tasks.archive changed under an old version');
end;

CREATE TRIGGER tasks_deleted_version before update on tasks
when new.deleted_version <= old.deleted_version and (new.deleted_at is not old.deleted_at)
begin
  select raise (abort, 'VERSION: tasks.deleted changed under an old version');
end;

CREATE TRIGGER tasks_details_version before update on tasks
when new.details_version <= old.details_version and (new.workspace is not old.workspace or new.model is not old.model or new.thread_id is not old.thread_id or new.session_id is not old.session_id or new.created_at is not old.created_at or new.body is not old.body or new.body_hash is not old.body_hash)
begin
  select raise (abort, 'VERSION: tasks.details changed under an old version');
end;

CREATE TRIGGER tasks_lifecycle_version before update on tasks
when new.lifecycle_version <= old.lifecycle_version and (new.status is not old.status or new.attempt is not old.attempt or new.started_at is not old.started_at or new.ended_at is not old.ended_at or new.error is not old.error or new.owner is not old.owner or new.queued_at is not old.queued_at)
begin
  select raise (abort, 'VERSION: tasks.lifecycle changed under an old version');
end;

CREATE TRIGGER tasks_prompt_version before update on tasks
when new.prompt_version <= old.prompt_version and (new.prompt is not old.prompt)
begin
  select raise (abort, 'VERSION: tasks.prompt changed under an old version');
end;

CREATE TRIGGER tasks_purge_version before update on tasks
when new.purge_version <= old.purge_version and (new.purged_at is not old.purged_at)
begin
  select raise (abort, 'VERSION: tasks.purge changed under an old version');
end;

CREATE TRIGGER thread_checkpoints_state_version before update on thread_checkpoints
when new.state_version <= old.state_version and (new.thread_id is not old.thread_id or new.checkpoint_id is not old.checkpoint_id or new.created_at is not old.created_at or new.deleted_at is not old.deleted_at or new.body is not old.body or new.body_hash is not old.body_hash)
begin
  select raise (abort, 'VERSION: thread_checkpoints.state changed under an old version');
end;

CREATE TRIGGER thread_messages_immutable before update on thread_messages
when new.id is not old.id or new.device is not old.device or new.thread_id is not old.thread_id or new.parent_id is not old.parent_id or new.role is not old.role or new.created_at is not old.created_at or new.body is not old.body or new.body_hash is not old.body_hash
begin
  select raise (abort, 'IMMUTABLE: thread_messages rows never change');
end;

CREATE TRIGGER threads_archive_version before update on threads
when new.archive_version <= old.archive_version and (new.status is not old.status or new.archived is not old.archived or new.archived_at is not old.archived_at)
begin
  select raise (abort, 'VERSION: threads.archive changed under an old version');
end;

CREATE TRIGGER threads_deleted_version before update on threads
when new.deleted_version <= old.deleted_version and (new.deleted_at is not old.deleted_at)
begin
  select raise (abort, 'VERSION: threads.deleted changed under an old version');
end;

CREATE TRIGGER threads_details_version before update on threads
when new.details_version <= old.details_version and (new.preview is not old.preview or new.model_provider is not old.model_provider or new.cwd is not old.cwd or new.source is not old.source or new.created_at is not old.created_at or new.body is not old.body or new.body_hash is not old.body_hash)
begin
  select raise (abort, 'VERSION: threads.details changed under an old version');
end;

CREATE TRIGGER threads_purge_version before update on threads
when new.purge_version <= old.purge_version and (new.purged_at is not old.purged_at)
begin
  select raise (abort, 'VERSION: threads.purge changed under an old version');
end;

CREATE TRIGGER threads_title_version before update on threads
when new.title_version <= old.title_version and (new.title is not old.title)
begin
  select raise (abort, 'VERSION: threads.title changed under an old version');
end;

CREATE TRIGGER threads_tools_version before update on threads
when new.tools_version <= old.tools_version and (new.tools is not old.tools)
begin
  select raise (abort, 'VERSION: threads.tools changed under an old version');
end;

CREATE TRIGGER triggers_details_version before update on triggers
when new.details_version <= old.details_version and (new.fire_at is not old.fire_at or new.message is not old.message or new.workspace is not old.workspace or new.owner_session_id is not old.owner_session_id or new.created_at is not old.created_at or new.body is not old.body or new.body_hash is not old.body_hash)
begin
  select raise (abort, 'VERSION: triggers.details changed under an old version');
end;

CREATE TRIGGER triggers_lifecycle_version before update on triggers
when new.lifecycle_version <= old.lifecycle_version and (new.status is not old.status or new.attempt is not old.attempt or new.fired_at is not old.fired_at or new.error is not old.error or new.task_id is not old.task_id or new.thread_id is not old.thread_id)
begin
  select raise (abort, 'VERSION: triggers.lifecycle changed under an old version');
end;

CREATE TRIGGER workspaces_place_version before update on workspaces
when new.place_version <= old.place_version and (new.path is not old.path or new.remote is not old.remote or new.relative_path is not old.relative_path)
begin
  select raise (abort, 'VERSION: workspaces.place changed under an old version');
end;
