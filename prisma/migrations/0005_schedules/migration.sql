-- Schedules and their due times. What each field means, its unit and its one writer: prisma/schema.prisma.
-- The previous release works on this schema: only additions.

create type schedule_kind as enum ('DECLARATIVE', 'IMPERATIVE');
create type due_state as enum ('claimed', 'waiting', 'triggered', 'skipped', 'failed');

create table schedule (
  id uuid primary key,
  environment_id int not null references environment (id) on delete cascade,
  kind schedule_kind not null,
  task_id text not null,
  deduplication_key text,
  external_id text,
  cron text not null,
  timezone text not null,
  overlap text not null,
  catch_up text not null,
  catch_up_window_ms bigint not null,
  jitter text,
  paused_at timestamptz,
  removed_at timestamptz,
  next_due_at timestamptz,
  next_start_at timestamptz,
  last_due_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create unique index schedule_declared on schedule (environment_id, task_id) where kind = 'DECLARATIVE';
create unique index schedule_deduplication on schedule (environment_id, deduplication_key) where deduplication_key is not null;
create index schedule_next on schedule (next_start_at) where paused_at is null;

-- The primary key is what makes a due time happen once.
create table schedule_due (
  schedule_id uuid not null references schedule (id) on delete cascade,
  due_at timestamptz not null,
  environment_id int not null,
  state due_state not null,
  reason text,
  run_id uuid,
  is_open boolean not null default false,
  retry_at timestamptz not null default now(),
  primary key (schedule_id, due_at)
);
create index schedule_due_pending on schedule_due (retry_at) where state in ('claimed', 'waiting');
create index schedule_due_open on schedule_due (schedule_id) where is_open;
create index schedule_due_age on schedule_due (due_at);
