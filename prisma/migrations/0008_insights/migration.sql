-- What people ask beside runs: figures of tasks, failed runs by their error, actions on many runs, and lists by any filter.
-- What each field means, its unit and its one writer: prisma/schema.prisma.
-- The previous release works on this schema: only additions. What it ends has no fingerprint, and is in no group.

alter table run_history add column error_fingerprint text;

-- Rows are stored in the order of their ends: a summary of each 32 pages finds a stretch of time, and costs an insert nothing.
create index run_history_ended on run_history using brin (finished_at) with (pages_per_range = 32, autosummarize = on);
-- Lists are newest first, by id. Indexes of what most runs do not have are partial.
create index run_history_error on run_history (environment_id, error_fingerprint, id) where error_fingerprint is not null;
create index run_history_root on run_history (root_run_id, id) where root_run_id is not null;
create index run_history_machine on run_history (environment_id, machine, id) where machine is not null;
create index run_history_version on run_history (deployment_id, id) where deployment_id is not null;
create index run_history_queue on run_history (queue_id, id);
create index run_history_test on run_history (environment_id, id) where is_test;
create index run_history_batch on run_history (batch_id) where batch_id is not null and status <> 'COMPLETED';
create index run_history_key on run_history (environment_id, hashtextextended(idempotency_key, 0), id) where idempotency_key is not null;
create index run_history_key_said on run_history (environment_id, hashtextextended(idempotency_options ->> 'key', 0), id)
  where idempotency_options is not null;
-- Of live runs only by what never changes: their other changes stay free of indexes.
create index run_root on run (root_run_id, id) where root_run_id is not null;
create index run_queue on run (queue_id, id);
create index run_machine on run (environment_id, machine, id) where machine is not null;
create index run_test on run (environment_id, id) where is_test;
create index run_key on run (environment_id, hashtextextended(idempotency_key, 0), id) where idempotency_key is not null;
create index run_key_said on run (environment_id, hashtextextended(idempotency_options ->> 'key', 0), id)
  where idempotency_options is not null;
create index batch_list on batch (environment_id, id);
create index schedule_due_run on schedule_due (schedule_id, run_id) where run_id is not null;

-- When a UUID of version 7 was made, by the platform's clock.
create function uuid_made_at(p uuid) returns timestamptz language sql immutable parallel safe as $$
  select to_timestamp(('x' || substr(p::text, 1, 8) || substr(p::text, 10, 4))::bit(48)::bigint / 1000.0)
$$;

create table insight_state (
  id int primary key default 1 check (id = 1),
  counted_until timestamptz not null
);
create table run_stat (
  environment_id int not null,
  task_id text not null,
  resolution smallint not null,
  bucket_at timestamptz not null,
  status run_status not null,
  duration_bin smallint not null,
  runs int not null,
  primary key (environment_id, task_id, resolution, bucket_at, status, duration_bin)
);
create index run_stat_age on run_stat (bucket_at);

create table error_group (
  environment_id int not null,
  fingerprint text not null,
  task_id text not null,
  status run_status not null,
  name text not null,
  code text,
  message text not null,
  first_seen_at timestamptz not null,
  last_seen_at timestamptz not null,
  run_id uuid not null,
  primary key (environment_id, fingerprint)
);
create index error_group_latest on error_group (environment_id, last_seen_at, fingerprint);
create table error_stat (
  environment_id int not null,
  fingerprint text not null,
  resolution smallint not null,
  bucket_at timestamptz not null,
  runs int not null,
  primary key (environment_id, fingerprint, resolution, bucket_at)
);
create index error_stat_age on error_stat (bucket_at);

create table bulk_action (
  id uuid primary key,
  environment_id int not null references environment (id) on delete cascade,
  name text,
  type text not null,
  filter jsonb,
  run_filter jsonb,
  cursor uuid,
  selected_at timestamptz,
  is_capped boolean not null default false,
  total int not null default 0,
  succeeded int not null default 0,
  failed int not null default 0,
  retry_at timestamptz not null default now(),
  aborted_at timestamptz,
  completed_at timestamptz,
  created_at timestamptz not null default now()
);
create index bulk_action_list on bulk_action (environment_id, id);
create index bulk_action_open on bulk_action (retry_at) where completed_at is null and aborted_at is null;
create table bulk_action_item (
  bulk_action_id uuid not null references bulk_action (id) on delete cascade,
  run_id uuid not null,
  state text not null default 'pending',
  result_run_id uuid,
  code text,
  message text,
  primary key (bulk_action_id, run_id)
);
create index bulk_action_item_pending on bulk_action_item (bulk_action_id, run_id) where state = 'pending';
