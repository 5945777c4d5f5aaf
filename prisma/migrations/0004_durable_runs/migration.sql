-- Journals, waits and what wakes a run. What each field means, its unit and its one writer: prisma/schema.prisma.
-- The previous release works on this schema: only additions, and `admit` keeps its signature.

alter table run add column has_journal boolean not null default false;
alter table run add column awaited boolean not null default false;
alter table run_history add column has_journal boolean not null default false;

alter table execution add column park jsonb;
create index execution_parked on execution (environment_id) where state = 'PARKED';

-- One narrow row for each live run with a journal: its lock puts the completions of a run in one order.
create table run_journal (
  run_id uuid primary key,
  environment_id int not null,
  seq int not null default 0,
  entries int not null default 0,
  bytes bigint not null default 0
) with (fillfactor = 50);

create table journal_entry (
  run_id uuid not null,
  entry int not null,
  environment_id int not null,
  kind text not null,
  key text not null,
  label text not null,
  fingerprint text,
  after int not null,
  attempt smallint not null,
  opened_at timestamptz not null default now(),
  started_at timestamptz,
  tries smallint not null default 1,
  due_at timestamptz,
  token_id uuid,
  child_run_id uuid,
  batch_id uuid,
  seq int,
  completed_at timestamptz,
  ok boolean,
  value bytea,
  value_type text,
  error jsonb,
  primary key (run_id, entry)
) with (fillfactor = 80);
create index journal_entry_due on journal_entry (due_at) where completed_at is null and due_at is not null;
create index journal_entry_token on journal_entry (token_id) where completed_at is null and token_id is not null;
create index journal_entry_child on journal_entry (child_run_id) where completed_at is null and child_run_id is not null;
create index journal_entry_batch on journal_entry (batch_id) where completed_at is null and batch_id is not null;

-- Journals of ended runs, partitioned by their end (ensure_partitions).
create table journal_history (
  run_id uuid not null,
  entry int not null,
  finished_at timestamptz not null,
  environment_id int not null,
  kind text not null,
  key text not null,
  label text not null,
  fingerprint text,
  after int not null,
  attempt smallint not null,
  opened_at timestamptz not null,
  started_at timestamptz,
  tries smallint not null,
  due_at timestamptz,
  token_id uuid,
  child_run_id uuid,
  batch_id uuid,
  seq int,
  completed_at timestamptz,
  ok boolean,
  value bytea,
  value_type text,
  error jsonb,
  primary key (run_id, entry, finished_at)
) partition by range (finished_at);
create table journal_history_default partition of journal_history default;

-- Runs that ended and concern others still: somebody waits for them, or their journal is to be moved.
create table settlement (
  run_id uuid not null,
  environment_id int not null,
  finished_at timestamptz not null,
  awaited boolean not null,
  has_journal boolean not null
);
create index settlement_run on settlement (run_id);

-- Runs of which an open entry was completed from outside; consumed by the wake loop.
create table run_wake (
  environment_id int not null,
  run_id uuid not null
);

-- Tokens: waitpoints that somebody outside completes.
create table waitpoint (
  id uuid primary key,
  environment_id int not null,
  idempotency_key text,
  idempotency_expires_at timestamptz,
  tags text[] not null default '{}',
  created_at timestamptz not null default now(),
  due_at timestamptz,
  status text not null default 'WAITING',
  completed_at timestamptz,
  output bytea,
  output_type text
);
create unique index waitpoint_idempotency on waitpoint (environment_id, md5(idempotency_key)) where idempotency_key is not null;
create index waitpoint_due on waitpoint (due_at) where status = 'WAITING' and due_at is not null;
create index waitpoint_list on waitpoint (environment_id, id);

-- Waits with an idempotency key of their own, so that several runs wait once.
create table wait_key (
  environment_id int not null,
  key bytea not null,
  due_at timestamptz not null,
  expires_at timestamptz not null,
  primary key (environment_id, key)
);
create index wait_key_expiry on wait_key (expires_at);

alter table batch_item add column awaits boolean not null default false;
create index batch_item_awaits on batch_item (batch_id) where awaits;
create index batch_item_awaited_run on batch_item (run_id) where awaits;

alter table ready add column is_root boolean not null default true;
create index ready_children on ready (lane_id, order_at, run_id) where not is_root;

alter table run_journal set (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0);
alter table journal_entry set (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0);
alter table run_wake set (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0);
alter table settlement set (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0);
