-- Checkpoints of a process's memory: what a run that waits left when its worker ended.

create table checkpoint (
  id uuid primary key,
  environment_id int not null,
  run_id uuid not null,
  execution_id uuid not null,
  state text not null default 'staged',
  key_encrypted bytea not null,
  chunks int not null default 0,
  bytes bigint not null default 0,
  stored_bytes bigint not null default 0,
  sha256 bytea,
  known int not null default 0,
  features jsonb,
  memo text,
  if_lost jsonb,
  failures smallint not null default 0,
  refused_nodes text[] not null default '{}',
  created_at timestamptz not null default now(),
  stored_at timestamptz,
  spent_by uuid,
  spent_at timestamptz
) with (fillfactor = 80);
create index checkpoint_environment on checkpoint (environment_id, state);
create index checkpoint_age on checkpoint (created_at);

-- Not compressed by Postgres: it is compressed and encrypted already.
create table checkpoint_chunk (
  checkpoint_id uuid not null references checkpoint (id) on delete cascade,
  number int not null,
  data bytea not null,
  primary key (checkpoint_id, number)
);
alter table checkpoint_chunk alter column data set storage external;

create table checkpoint_node (
  node text primary key,
  works boolean not null,
  reason text,
  features jsonb not null,
  seen_at timestamptz not null default now()
);

-- The next grant of the run brings back this process.
alter table run add column checkpoint_id uuid;
create index run_checkpoint on run (checkpoint_id) where checkpoint_id is not null;
