-- Adds only: nothing that is there changes, so that no copy is made before.

-- The body that imports alone would have left, of rows whose body has been edited since, or what stands
-- beside it: by this the next import tells what the old program changed from what was edited here.
create table imported_bodies (
  table_name text not null,
  row_id     text not null,
  -- What the register would have as its version.
  version    text not null,
  body text,
  body_hash text,
  primary key (table_name, row_id),
  check ((body is null) <> (body_hash is null))
) strict;

create index imported_bodies_body on imported_bodies (body_hash) where body_hash is not null;
