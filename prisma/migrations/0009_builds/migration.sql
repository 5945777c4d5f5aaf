-- Builds of images and what they said. What each field means, its unit and its one writer: prisma/schema.prisma.
-- The previous release works on this schema: only additions.

create table build (
  id uuid primary key,
  environment_id int not null references environment (id) on delete cascade,
  status text not null default 'BUILDING',
  content_hash text not null,
  task_count int not null,
  version text,
  is_new boolean,
  error_code text,
  error_message text,
  started_at timestamptz not null default now(),
  seen_at timestamptz not null default now(),
  ended_at timestamptz
);
create index build_list on build (environment_id, id);

create table build_line (
  build_id uuid not null references build (id) on delete cascade,
  index int not null,
  step text,
  message text not null,
  at timestamptz not null,
  primary key (build_id, index)
);
