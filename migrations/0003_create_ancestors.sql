-- Adds only: nothing that is there changes, so that no copy is made before.

-- What a register's version was made on top of: of the devices that wrote it before, the latest
-- version of each. Only where more than one device did: else the version itself tells. By this a
-- device that missed some versions tells a successor from a conflict.
create table ancestors (
  table_name text not null,
  row_id     text not null,
  register   text not null,
  -- JSON list.
  versions   text not null,
  primary key (table_name, row_id, register)
) strict, without rowid;

-- JSON list of the ids that this device had before it was found to be restored or copied.
alter table device add column former_ids text not null default '[]';
