-- Several replicas: what one of them does, the others must be able to see.
-- Expand only: the release before this one works on it.

alter table cluster_state add column heartbeats_at timestamptz;
