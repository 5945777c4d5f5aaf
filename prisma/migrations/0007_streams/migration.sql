-- Streams of runs. What each field means, its unit and its one writer: prisma/schema.prisma.
-- The previous release works on this schema: only additions.

create table stream (
  id bigint generated always as identity primary key,
  environment_id int not null,
  run_id uuid not null,
  direction text not null,
  name text not null,
  chunks int not null default 0,
  bytes bigint not null default 0,
  taken int not null default 0,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  ended_at timestamptz,
  ended_attempt smallint
) with (fillfactor = 70);
create unique index stream_environment_id_run_id_direction_name_key on stream (environment_id, run_id, direction, name);
create index stream_age on stream (created_at);

-- What one append stored: a row for each chunk would be mostly headers.
create table stream_batch (
  stream_id bigint not null references stream (id) on delete cascade,
  first_index int not null,
  chunks bytea not null,
  producer text not null,
  sequence int not null,
  attempt smallint,
  stored_at timestamptz not null default now(),
  primary key (stream_id, first_index)
);

create table stream_producer (
  stream_id bigint not null references stream (id) on delete cascade,
  producer text not null,
  sequence int not null,
  primary key (stream_id, producer)
) with (fillfactor = 70);

-- Waits for the next message of an input stream, oldest first.
create table stream_wait (
  stream_id bigint not null references stream (id) on delete cascade,
  id bigint generated always as identity,
  token_id uuid not null,
  primary key (stream_id, id)
);
