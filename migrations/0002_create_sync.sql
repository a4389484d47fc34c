-- What sync needs on a device. Only the notes of what changed and the columns of the tables that are
-- sent concern a store whose sync is off, and they stay empty there. All of it is this device's own.

-- 1 while changes are noted for the hub; in the row that every write reads anyway.
alter table device add column capturing integer not null default 0 check (capturing in (0, 1));
-- The machine on which this store was last at work; another one means that it was copied.
alter table device add column machine text;

-- Where the hub is, how far it was read, and what it acknowledged.
create table sync_state (
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

-- What the leading worker last did, for every process; and its lease.
create table sync_status (
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

-- How far the rows of a table were sent. Immutable tables: the last number; mutable tables: the last
-- id, there only while all of the table is being offered.
create table sync_scans (
  table_name text primary key,
  after_number integer,
  -- The last number when the offer began: up to there the hub may hold rows already.
  until_number integer,
  after_id   text
) strict, without rowid;

-- What this device has not yet sent: one note per register, '*' for all of a new row. A second edit
-- replaces the note under a new number, so that an answer to the first push cannot trim it.
create table outbox (
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

-- Received and not applicable: kept as it came, tried again, offered to a hub that lost it.
create table parked (
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

create index parked_offer on parked (offer) where offer > 0;

-- Versions that lost against one that did not know them.
create table conflicts (
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

create index conflicts_row on conflicts (table_name, row_id);
create index conflicts_body on conflicts (body_hash) where body_hash is not null;

-- Immutable rows whose id another content bears: that one keeps the id, this one has one of its own.
create table clashes (
  table_name text not null,
  row_id     text not null,
  original_id text not null,
  found_at   integer not null,
  primary key (table_name, row_id)
) strict, without rowid;

-- Columns of newer versions of this library: sent on as they came.
create table unknown_columns (
  table_name text not null,
  row_id     text not null,
  register   text not null,
  columns    text not null,
  primary key (table_name, row_id, register)
) strict, without rowid;

-- Sessions and threads whose derived columns and leaf wait for the end of a pull.
create table stale_roots (
  table_name text not null,
  row_id     text not null,
  primary key (table_name, row_id)
) strict, without rowid;

-- Where a working tree lies on a device.
create table workspaces (
  -- The device, a slash, a hash of the path.
  id         text    primary key,
  device     text    not null,
  path       text    not null,
  -- The remote of the repository without its protocol, user and '.git', and the path below its root.
  remote     text    not null,
  relative_path text not null,
  place_version text not null
) strict;

create index workspaces_path on workspaces (path);
create index workspaces_remote on workspaces (remote, relative_path);

-- The round in which a row was pulled; 0 for one that this device made.
alter table session_messages add column pulled integer not null default 0;
alter table thread_messages add column pulled integer not null default 0;
alter table runtime_events add column pulled integer not null default 0;
alter table audit_log add column pulled integer not null default 0;

-- 0 for a device that went back to a message which others follow: a pull does not move it.
alter table session_leaves add column follows integer not null default 1 check (follows in (0, 1));
alter table thread_leaves add column follows integer not null default 1 check (follows in (0, 1));

alter table artifacts add column deleted_at integer;
alter table artifacts add column content_version text not null default '';
-- Under an empty version they would never be sent. The same file gets the same one everywhere.
update artifacts set content_version =
  printf('%012x0000-import-', max(0, modified_at)) || substr(body_hash, 1, 12);

-- Two devices may both have run one slot: both runs are kept and shown.
drop index automation_runs_slot;
create index automation_runs_slot on automation_runs (automation_id, slot) where slot is not null;

-- What is purged is gone: no blank rows stay, and nobody is at one of them.
delete from session_leaves where session_id in (select id from sessions where purged_at is not null);
delete from session_messages where session_id in (select id from sessions where purged_at is not null);
delete from thread_leaves where thread_id in (select id from threads where purged_at is not null);
delete from thread_messages where thread_id in (select id from threads where purged_at is not null);
delete from runtime_events where thread_id in (select id from runtime_threads where purged_at is not null);

-- The main register of a row governs every column of its own.
drop trigger thread_checkpoints_state_version;
drop trigger goals_state_version;
drop trigger runtime_threads_details_version;
drop trigger runtime_turns_details_version;
drop trigger runtime_items_content_version;
drop trigger legacy_records_content_version;

create trigger thread_checkpoints_state_version before update on thread_checkpoints
when new.state_version <= old.state_version and (new.thread_id is not old.thread_id or new.checkpoint_id is not old.checkpoint_id or new.created_at is not old.created_at or new.deleted_at is not old.deleted_at or new.body is not old.body or new.body_hash is not old.body_hash)
begin
  select raise (abort, 'VERSION: thread_checkpoints.state changed under an old version');
end;

create trigger goals_state_version before update on goals
when new.state_version <= old.state_version and (new.scope is not old.scope or new.owner_id is not old.owner_id or new.status is not old.status or new.objective is not old.objective or new.deleted_at is not old.deleted_at or new.body is not old.body or new.body_hash is not old.body_hash)
begin
  select raise (abort, 'VERSION: goals.state changed under an old version');
end;

create trigger runtime_threads_details_version before update on runtime_threads
when new.details_version <= old.details_version and (new.legacy_id is not old.legacy_id or new.workspace is not old.workspace or new.model is not old.model or new.mode is not old.mode or new.session_id is not old.session_id or new.task_id is not old.task_id or new.latest_turn_id is not old.latest_turn_id or new.created_at is not old.created_at or new.body is not old.body or new.body_hash is not old.body_hash)
begin
  select raise (abort, 'VERSION: runtime_threads.details changed under an old version');
end;

create trigger runtime_turns_details_version before update on runtime_turns
when new.details_version <= old.details_version and (new.legacy_id is not old.legacy_id or new.thread_id is not old.thread_id or new.position is not old.position or new.input_summary is not old.input_summary or new.created_at is not old.created_at or new.body is not old.body or new.body_hash is not old.body_hash)
begin
  select raise (abort, 'VERSION: runtime_turns.details changed under an old version');
end;

create trigger runtime_items_content_version before update on runtime_items
when new.content_version <= old.content_version and (new.legacy_id is not old.legacy_id or new.turn_id is not old.turn_id or new.position is not old.position or new.kind is not old.kind or new.status is not old.status or new.attempt is not old.attempt or new.summary is not old.summary or new.started_at is not old.started_at or new.ended_at is not old.ended_at or new.body is not old.body or new.body_hash is not old.body_hash)
begin
  select raise (abort, 'VERSION: runtime_items.content changed under an old version');
end;

create trigger legacy_records_content_version before update on legacy_records
when new.content_version <= old.content_version and (new.kind is not old.kind or new.path is not old.path or new.position is not old.position or new.owner_id is not old.owner_id or new.state is not old.state or new.modified_at is not old.modified_at or new.body is not old.body or new.body_hash is not old.body_hash)
begin
  select raise (abort, 'VERSION: legacy_records.content changed under an old version');
end;

create trigger artifacts_content_version before update on artifacts
when new.content_version <= old.content_version and (new.owner_kind is not old.owner_kind or new.owner_id is not old.owner_id or new.path is not old.path or new.size is not old.size or new.modified_at is not old.modified_at or new.deleted_at is not old.deleted_at or new.body_hash is not old.body_hash)
begin
  select raise (abort, 'VERSION: artifacts.content changed under an old version');
end;

create trigger workspaces_place_version before update on workspaces
when new.place_version <= old.place_version and (new.path is not old.path or new.remote is not old.remote or new.relative_path is not old.relative_path)
begin
  select raise (abort, 'VERSION: workspaces.place changed under an old version');
end;

drop trigger session_messages_immutable;
create trigger session_messages_immutable before update on session_messages
when new.id is not old.id or new.device is not old.device or new.session_id is not old.session_id or new.parent_id is not old.parent_id or new.role is not old.role or new.created_at is not old.created_at or new.body is not old.body or new.body_hash is not old.body_hash
begin
  select raise (abort, 'IMMUTABLE: session_messages rows never change');
end;

drop trigger thread_messages_immutable;
create trigger thread_messages_immutable before update on thread_messages
when new.id is not old.id or new.device is not old.device or new.thread_id is not old.thread_id or new.parent_id is not old.parent_id or new.role is not old.role or new.created_at is not old.created_at or new.body is not old.body or new.body_hash is not old.body_hash
begin
  select raise (abort, 'IMMUTABLE: thread_messages rows never change');
end;

drop trigger runtime_events_immutable;
create trigger runtime_events_immutable before update on runtime_events
when new.id is not old.id or new.device is not old.device or new.thread_id is not old.thread_id or new.type is not old.type or new.turn_id is not old.turn_id or new.item_id is not old.item_id or new.created_at is not old.created_at or new.legacy_seq is not old.legacy_seq or new.legacy is not old.legacy or new.body is not old.body or new.body_hash is not old.body_hash
begin
  select raise (abort, 'IMMUTABLE: runtime_events rows never change');
end;

drop trigger audit_log_immutable;
create trigger audit_log_immutable before update on audit_log
when new.id is not old.id or new.device is not old.device or new.event is not old.event or new.created_at is not old.created_at or new.legacy is not old.legacy or new.body is not old.body or new.body_hash is not old.body_hash
begin
  select raise (abort, 'IMMUTABLE: audit_log rows never change');
end;
