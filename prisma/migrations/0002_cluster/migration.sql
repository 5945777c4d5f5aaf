-- Runs as Kubernetes Jobs: what binds a worker to its pod, why a run's worker does not come, variables of environments.
-- Expand only: the release before this one works on it.

alter table execution add column bootstrap_nonce bytea;
alter table failure_hook add column bootstrap_nonce bytea;

alter table run
  add column start_failures smallint not null default 0,
  add column hold jsonb;

alter table deployment add column image_deleted_at timestamptz;

create table environment_variable (
  environment_id int not null references environment (id) on delete cascade,
  name text not null,
  value_encrypted bytea not null,
  is_secret boolean not null default false,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (environment_id, name)
);
