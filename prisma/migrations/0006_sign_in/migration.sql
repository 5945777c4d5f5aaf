-- Who signs in, their sessions, and who did what. What each field means, its unit and its one writer: prisma/schema.prisma.
-- The previous release works on this schema: only additions.

create type user_role as enum ('viewer', 'developer', 'admin');

create table gantry_user (
  id uuid primary key,
  email text not null unique,
  name text not null,
  role user_role not null,
  password_hash text,
  oidc_issuer text,
  oidc_subject text,
  created_at timestamptz not null default now(),
  last_sign_in_at timestamptz,
  disabled_at timestamptz
);
create unique index gantry_user_subject on gantry_user (oidc_issuer, oidc_subject);

create table user_session (
  id uuid primary key,
  user_id uuid not null references gantry_user (id) on delete cascade,
  token_hash bytea not null unique,
  method text not null,
  address text,
  user_agent text,
  created_at timestamptz not null default now(),
  last_seen_at timestamptz not null default now(),
  expires_at timestamptz not null,
  revoked_at timestamptz
);
create index user_session_user on user_session (user_id);
create index user_session_expiry on user_session (expires_at);

create table user_invitation (
  user_id uuid primary key references gantry_user (id) on delete cascade,
  token_hash bytea not null unique,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null
);

create table sign_in_attempt (
  key text primary key,
  attempts int not null,
  window_ends_at timestamptz not null
);

create table audit_entry (
  id bigint generated always as identity primary key,
  at timestamptz not null default now(),
  actor_kind text not null,
  actor_id text,
  actor_name text,
  action text not null,
  target text,
  environment_id int,
  outcome text not null,
  address text,
  request_id text,
  details jsonb not null default '{}'
);
create index audit_entry_age on audit_entry (at);

alter table access_token add column user_id uuid references gantry_user (id) on delete cascade;
create index access_token_user on access_token (user_id);
