-- The hub: current state of every register, whatever table it is of. It knows no domain table, so
-- that old and new devices share one hub, and with encryption on it knows no content.

create table hub_meta (
  only        integer primary key check (only = 1),
  -- Minted once, kept by every device: two hubs with one store id are one hub that moved.
  store_id    text    not null,
  -- Raised by whoever notices that the hub went back; all devices then offer all they have.
  epoch       integer not null,
  epoch_token text    not null,
  protocol    integer not null,
  -- The number of the last entry; only rises.
  head        integer not null,
  -- The latest version that any device has seen accepted, unix milliseconds.
  floor_ms    integer not null,
  -- The locked keys of the group (JSON), or 'none'.
  key_check   text    not null
) strict;

-- Which states this hub was in: whoever remembers one that is not here knows that it went back.
create table hub_commits (
  head  integer primary key,
  token text    not null
) strict;

create table hub_devices (
  id          text    primary key,
  name        text    not null,
  platform    text    not null,
  push_number integer,
  push_token  text,
  seen_at     integer not null,
  revoked_at  integer
) strict;

-- Registers, each in its latest version. An upsert takes a new seq: a reader that goes on from the
-- last one that it saw misses nothing.
create table hub_entries (
  seq        integer primary key,
  table_name text    not null,
  id         text    not null,
  register   text    not null,
  -- Empty for an immutable row, whose register is its content hash.
  version    text    not null,
  key_number integer not null,
  -- The least schema that understands it.
  schema     integer not null,
  payload    blob    not null,
  unique (table_name, id, register)
) strict;
