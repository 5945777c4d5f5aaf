-- Checkpoints of a process's memory: what a run that waits left when its worker ended.
-- The previous release works on this schema: only additions, and it leaves runs alone whose process is stored.

-- Narrow, but for what is read by id alone: sums and counts go along an index.
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
  memo_encrypted bytea,
  if_lost jsonb,
  failures smallint not null default 0,
  refused_nodes text[] not null default '{}',
  created_at timestamptz not null default now(),
  stored_at timestamptz
) with (fillfactor = 80);
create index checkpoint_environment on checkpoint (environment_id, state) include (stored_bytes);
create index checkpoint_unneeded on checkpoint (created_at) where state <> 'stored';

-- Sums are read from an index alone as long as vacuum keeps up.
alter table checkpoint set (
  autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500,
  autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 500);

-- Not compressed by Postgres: it is compressed and encrypted already.
create table checkpoint_chunk (
  checkpoint_id uuid not null references checkpoint (id) on delete cascade,
  number int not null,
  data bytea not null,
  primary key (checkpoint_id, number)
);
alter table checkpoint_chunk alter column data set storage external;
-- A chunk of 2 MB is a thousand rows of its TOAST table: what was deleted is to be used again soon.
alter table checkpoint_chunk set (
  autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 200,
  toast.autovacuum_vacuum_scale_factor = 0.05, toast.autovacuum_vacuum_threshold = 50000);

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
-- What this execution has brought back, so that it may ask again whether it may go on.
alter table execution add column restored_checkpoint_id uuid;

-- Triggers, so that it happens however a run ends or goes on, also by the release before this one.
create function release_checkpoint() returns trigger language plpgsql as $$ begin
  update checkpoint c set state = 'released' where c.id = old.checkpoint_id and c.state = 'stored';
  return null;
end $$;
create trigger run_ended_with_checkpoint after delete on run for each row when (old.checkpoint_id is not null)
  execute function release_checkpoint();
create trigger run_left_checkpoint after update of checkpoint_id on run for each row
  when (old.checkpoint_id is not null and old.checkpoint_id is distinct from new.checkpoint_id)
  execute function release_checkpoint();

-- As `admit_runs` of the fourth migration, and besides: a run whose process is stored goes to no worker that is there already, as
-- one is to be launched where the process can be brought back.
--
-- p_restores: not for the release before this one, which would start such a run from its first line. It passes over them, and
-- leaves what it cannot see the end of as it is.
create function admit_runs(
  p_environment int, p_n int, p_lanes bigint[], p_orders timestamptz[], p_warm jsonb, p_lease_ms int, p_start_ms int,
  p_only_starts boolean, p_restores boolean
) returns table (
  run_id uuid, execution_id uuid, fence text, direct boolean, deployment_id uuid, task_id text, queue_id int,
  attempt smallint, max_attempts smallint, payload bytea, payload_type text, metadata bytea, tags text[], is_test boolean,
  created_at timestamptz, started_at timestamptz, idempotency_key text, max_duration_ms bigint, compute_ms bigint,
  priority_ms int, concurrency_key text, parent_run_id uuid, root_run_id uuid, depth smallint, batch_id uuid, machine text,
  resumes boolean, has_journal boolean, has_checkpoint boolean
) language plpgsql
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
  v_limit int;
  v_paused timestamptz;
  v_current uuid;
  v_epoch bigint;
  v_used int;
  v_room int;
  v_admitted int;
  v_left int := p_n;
  v_now timestamptz;
  v_earliest timestamptz;
  v_turns_from timestamptz;
  v_first_turn timestamptz;
  v_shared int[];
  v_full int[] := '{}';
  v_crowded int[] := '{}';
  v_max_held int;
  v_is_pressed boolean;
  v_resumes_before timestamptz;
  v_skips boolean;
  v_is_partial boolean;
begin
  if not pg_try_advisory_xact_lock(4400, p_environment) then
    return query select null::uuid, null::uuid, null::text, null::boolean, null::uuid, null::text, null::int,
      null::smallint, null::smallint, null::bytea, null::text, null::bytea, null::text[], null::boolean,
      null::timestamptz, null::timestamptz, null::text, null::bigint, null::bigint,
      null::int, null::text, null::uuid, null::uuid, null::smallint, null::uuid, null::text, null::boolean, null::boolean,
      null::boolean;
    return;
  end if;
  v_now := clock_timestamp();

  select e.concurrency_limit, e.paused_at, e.current_deployment_id,
    greatest(1, coalesce(case when (e.limits ->> 'maxHeld')::int >= 0 then (e.limits ->> 'maxHeld')::int end, e.concurrency_limit))
  into v_limit, v_paused, v_current, v_max_held
  from environment e where e.id = p_environment;
  select c.epoch into v_epoch from cluster_state c;
  select u.used_upper, u.turns_from into v_used, v_turns_from from environment_usage u where u.environment_id = p_environment;
  v_turns_from := coalesce(v_turns_from, '-infinity');
  -- Should the clock have stepped back, time stands still until it has caught up: no turn may lie before the floor.
  v_now := greatest(v_now, v_turns_from);
  v_resumes_before := v_now - interval '50 years';
  v_skips := not p_restores and exists (
    select 1 from run r where r.checkpoint_id is not null and r.environment_id = p_environment);
  v_is_partial := p_only_starts or v_skips;

  -- Wake announced lanes that could be served; note for the others that a run sorts before their head, and bring the
  -- turns of those that are awake forward to it.
  if cardinality(p_lanes) > 0 then
    with announced as materialized (
      select a.lane_id, min(a.order_at) as order_at from unnest(p_lanes, p_orders) as a (lane_id, order_at) group by a.lane_id
    ), met as materialized (
      select a.lane_id, a.order_at, q.paused_at is null
        and exists (select 1 from ready r where r.lane_id = a.lane_id and r.order_at >= least(l.head_at, a.order_at))
        and (coalesce(q.override_limit, q.declared_limit) is null
          or (coalesce(q.override_limit, q.declared_limit) > 0
            and not exists (select 1 from slot s where s.lane_id = a.lane_id and s.admitted_at >= l.slots_from
                            offset greatest(coalesce(q.override_limit, q.declared_limit) - 1, 0) limit 1))) as is_servable
      from announced a join lane l on l.id = a.lane_id join queue q on q.id = l.queue_id
      where l.parked and l.environment_id = p_environment
    ), woken as (
      update lane l set parked = not m.is_servable, head_at = least(l.head_at, m.order_at)
      from met m where l.id = m.lane_id and l.parked and (m.is_servable or m.order_at < l.head_at)
      returning l.id, l.queue_id, l.head_at, l.parked, l.slots_from
    )
    insert into turn (environment_id, served_at, lane_id, queue_id, head_at, slots_from)
    select p_environment, v_now, w.id, w.queue_id, w.head_at, w.slots_from from woken w where not w.parked;

    -- Turns are found by environment alone: they are read once, and only where some head may be too late.
    select min(a.order_at) into v_earliest from unnest(p_orders) as a (order_at);
    if v_earliest < 'infinity' then
      with late as materialized (
        select t.ctid as tid, t.lane_id, t.head_at, t.served_at from turn t
        where t.environment_id = p_environment and t.served_at >= v_turns_from
          and (t.head_at > v_earliest or (v_earliest < v_resumes_before and t.served_at > v_now))
      ), announced as materialized (
        select a.lane_id, min(a.order_at) as order_at from unnest(p_lanes, p_orders) as a (lane_id, order_at) group by a.lane_id
      ), earlier as materialized (
        select l.tid, a.order_at from late l join announced a on a.lane_id = l.lane_id
        where l.head_at > a.order_at or (a.order_at < v_resumes_before and l.served_at > v_now)
      )
      -- A woken run does not wait for what keeps new ones.
      update turn t set head_at = least(t.head_at, e.order_at),
        served_at = case when e.order_at < v_resumes_before then least(t.served_at, v_now) else t.served_at end
      from earlier e where t.ctid = e.tid;
    end if;
  end if;

  if v_paused is not null then
    return;
  end if;

  if v_used is null then
    insert into environment_usage (environment_id, used_upper) values (p_environment, 0) on conflict do nothing;
    v_used := v_limit;
  end if;
  if v_used + p_n > v_limit then
    select count(*) into v_used from slot s where s.environment_id = p_environment;
  end if;
  select count(*) >= v_max_held into v_is_pressed from (
    select 1 from execution x where x.environment_id = p_environment and x.state = 'PARKED' limit v_max_held
  ) k;
  -- Queues with a limit over all their lanes: one that is full is passed over as a whole, however many lanes it has.
  select array_agg(q.id) into v_shared from queue q
  where q.environment_id = p_environment and (q.combined_limit is not null or q.rate_key = 'queue');
  -- Each pass serves at most 32 lanes and takes those it could not serve out of the way, until the room or the due lanes
  -- are used up, or a tenth of a second is.
  loop
  v_room := least(v_left, v_limit - v_used);
  if v_room > 0 and v_shared is not null then
    select coalesce(array_agg(k.id), '{}'), coalesce(array_agg(k.id) filter (where k.is_crowded), '{}')
    into v_full, v_crowded
    from (
      select q.id,
        q.combined_limit - (select count(*)::int from slot s where s.environment_id = p_environment and s.queue_id = q.id) <= 0
          as is_crowded,
        case when q.rate_key = 'queue' then rate_room(q.id, 0, q.rate_limit, q.rate_period_ms, v_now) end <= 0 as is_spent
      from queue q where q.id = any (v_shared)
    ) k where k.is_crowded or k.is_spent;
  end if;
  exit when v_room <= 0 or clock_timestamp() - v_now > interval '100 ms'
    or not exists (select 1 from turn t where t.environment_id = p_environment and t.served_at between v_turns_from and v_now
                   and (t.queue_id <> all (v_full) or (t.head_at < v_resumes_before and t.queue_id <> all (v_crowded))));

  return query
  with candidate as materialized (
    select t.tid, t.lane_id, t.served_at, t.head_at, t.slots_from, l.queue_id, q.paused_at is not null as paused,
      coalesce(q.override_limit, q.declared_limit) as lane_limit, q.combined_limit,
      q.rate_limit, q.rate_period_ms, q.rate_key = 'queue' as rate_by_queue
    from (
      select n.ctid as tid, n.* from turn n
      where n.environment_id = p_environment and n.served_at between v_turns_from and v_now
        and (n.queue_id <> all (v_full) or (n.head_at < v_resumes_before and n.queue_id <> all (v_crowded)))
      order by n.served_at limit least(v_room, 32)
    ) t
    join lane l on l.id = t.lane_id
    join queue q on q.id = l.queue_id
  ), queue_room as materialized (
    -- What a combined limit and a rate over the whole queue leave; null: it is not set.
    select c.queue_id,
      c.combined_limit - (select count(*)::int from slot s where s.environment_id = p_environment and s.queue_id = c.queue_id)
        as room,
      case when c.rate_by_queue then rate_room(c.queue_id, 0, c.rate_limit, c.rate_period_ms, v_now) end as starts
    from (select distinct k.queue_id, k.combined_limit, k.rate_limit, k.rate_period_ms, k.rate_by_queue from candidate k
          where k.combined_limit is not null or k.rate_by_queue) c
  ), room as materialized (
    select c.*, c.lane_limit - k.n as slots_left, k.oldest,
      case when c.rate_limit is not null and not c.rate_by_queue
           then rate_room(c.queue_id, c.lane_id, c.rate_limit, c.rate_period_ms, v_now) end as rate_left,
      (select qr.room from queue_room qr where qr.queue_id = c.queue_id) as queue_left,
      (select qr.starts from queue_room qr where qr.queue_id = c.queue_id) as queue_starts
    from candidate c cross join lateral (
      -- What has ended since an old snapshot still lies in the index: the search begins at the oldest slot that was live.
      select count(*)::int as n, min(s.admitted_at) as oldest from slot s
      where s.lane_id = c.lane_id and c.lane_limit is not null and s.admitted_at >= c.slots_from
    ) k
  ), asked as materialized (
    -- `starts`: how many of those that were not woken; a resume spends no start of a rate. Null: as many as wanted.
    select r.*, case when r.rate_left is not null or r.queue_starts is not null then greatest(0, least(r.rate_left, r.queue_starts)) end as starts,
      case when r.paused then 0 else greatest(0, least(
      r.slots_left, r.queue_left,
      ceil(1.5 * v_room / greatest(1, (select count(*) from room)))::int)) end as want
    from room r
  ), pick as materialized (
    select a.lane_id, a.queue_id, a.served_at, a.queue_left, a.queue_starts, d.*,
      d.order_at >= v_resumes_before as is_start
    from asked a cross join lateral (
      select u.*, row_number() over (order by u.order_at, u.run_id) as position from (
        -- Woken runs, which sort before all others; most lanes have none, and their head says so.
        (select e.ctid as tid, e.run_id, e.order_at, e.admission from ready e
         where a.head_at < v_resumes_before and not p_only_starts
           and e.lane_id = a.lane_id and e.order_at >= a.head_at and e.order_at < v_resumes_before
           and (not v_skips or not exists (
             select 1 from run k where k.environment_id = p_environment and k.id = e.run_id and k.checkpoint_id is not null))
         order by e.order_at, e.run_id limit a.want)
        union all
        (select e.ctid, e.run_id, e.order_at, e.admission from ready e
         where not v_is_pressed
           and e.lane_id = a.lane_id and e.order_at >= greatest(a.head_at, v_resumes_before)
           and (not v_skips or not exists (
             select 1 from run k where k.environment_id = p_environment and k.id = e.run_id and k.checkpoint_id is not null))
         order by e.order_at, e.run_id limit least(a.want, a.starts))
        union all
        -- So many workers are held that only children of running runs may start.
        (select e.ctid, e.run_id, e.order_at, e.admission from ready e
         where v_is_pressed and not e.is_root
           and e.lane_id = a.lane_id and e.order_at >= greatest(a.head_at, v_resumes_before)
           and (not v_skips or not exists (
             select 1 from run k where k.environment_id = p_environment and k.id = e.run_id and k.checkpoint_id is not null))
         order by e.order_at, e.run_id limit least(a.want, a.starts))
      ) u order by u.order_at, u.run_id limit a.want
    ) d
  ), chosen as materialized (
    select p.* from (
      select k.*, row_number() over by_place as queue_position,
        count(*) filter (where k.is_start) over (by_place rows unbounded preceding) as queue_start
      from pick k window by_place as (partition by k.queue_id order by k.position, k.served_at)
    ) p
    where (p.queue_left is null or p.queue_position <= p.queue_left)
      and (not p.is_start or p.queue_starts is null or p.queue_start <= p.queue_starts)
    order by p.position, p.served_at limit v_room
  ), resumable as materialized (
    -- One that is being ended is left to whoever ends it, who has locked it.
    select c.run_id from chosen c
    join run r on r.environment_id = p_environment and r.id = c.run_id
    join execution x on x.id = r.execution_id
    where c.admission = 'resumeInPlace' for key share of x skip locked
  ), left_alone as materialized (
    select c.tid, c.lane_id from chosen c join run r on r.environment_id = p_environment and r.id = c.run_id
    where c.admission = 'resumeInPlace' and exists (select 1 from execution x where x.id = r.execution_id)
      and c.run_id not in (select k.run_id from resumable k)
  ), taken as (
    -- A cancel or an expiry that won is simply not returned.
    delete from ready d where d.ctid = any (array(select c.tid from chosen c where c.tid not in (select k.tid from left_alone k)))
    returning d.run_id, d.lane_id, d.order_at, d.admission
  ), found as materialized (
    select t.run_id, t.lane_id, t.order_at, coalesce(r.deployment_id, v_current) as deployment_id,
      case when t.admission = 'resumeInPlace' then (
        select x.id from execution x where x.id = r.execution_id and x.state = 'PARKED') end as held_id,
      r.checkpoint_id is not null as restores
    from taken t join run r on r.environment_id = p_environment and r.id = t.run_id
  ), plan as materialized (
    select t.run_id, t.lane_id, t.deployment_id, t.held_id is not null as resumes,
      t.held_id is not null or (not t.restores
        and row_number() over (partition by t.deployment_id, t.held_id is null, t.restores order by t.order_at)
          <= coalesce((p_warm ->> t.deployment_id::text)::int, 0)) as direct,
      coalesce(t.held_id, gen_random_uuid()) as execution_id
    from found t
  ), admitted as (
    update run r set
      status = (case when p.direct then 'EXECUTING' else 'DEQUEUED' end)::run_status,
      deployment_id = p.deployment_id,
      execution_id = p.execution_id,
      fence = case when p.resumes then r.fence else (v_epoch << 32) + (r.fence & 4294967295) + 1 end,
      attempt = greatest(r.attempt, 1::smallint),
      attempt_started_at = case when p.resumes then r.attempt_started_at when p.direct then v_now end,
      started_at = case when p.direct then coalesce(r.started_at, v_now) else r.started_at end,
      updated_at = v_now,
      revision = r.revision + 1
    from plan p where r.environment_id = p_environment and r.id = p.run_id
    returning r.*, p.direct as is_direct, p.resumes as is_resumed, p.lane_id as admitted_lane_id
  ), slots as (
    insert into slot (run_id, execution_id, environment_id, queue_id, lane_id, admitted_at)
    select a.id, a.execution_id, p_environment, a.queue_id, a.admitted_lane_id,
      -- Never before a lane's floor, even should the clock have stepped back.
      greatest(v_now, (select max(k.slots_from) from asked k))
    from admitted a
  ), executions as (
    insert into execution (id, run_id, environment_id, deployment_id, state, fence, attempt, machine, created_at,
                           started_at, start_deadline_at, lease_expires_at)
    select a.execution_id, a.id, p_environment, a.deployment_id,
      (case when a.is_direct then 'RUNNING' else 'STARTING' end)::execution_state, a.fence, a.attempt, a.machine, v_now,
      case when a.is_direct then v_now end,
      case when not a.is_direct then v_now + p_start_ms * interval '1 ms' end,
      case when a.is_direct then v_now + p_lease_ms * interval '1 ms' end
    from admitted a where not a.is_resumed
  ), resumed as (
    update execution x set state = 'RUNNING', park = null from admitted a where a.is_resumed and x.id = a.execution_id
  ), served as materialized (
    select a.*, coalesce(k.n, 0) as n, coalesce(k.starts, 0) as n_starts, coalesce(p.n, 0) as picked,
      coalesce(p.starts, 0) as picked_starts, k.last_order,
      (select count(*)::int from left_alone x where x.lane_id = a.lane_id) as alone
    from asked a
    left join (
      select c.lane_id, count(*)::int as n, (count(*) filter (where c.is_start))::int as starts, max(c.order_at) as last_order
      from chosen c group by c.lane_id
    ) k on k.lane_id = a.lane_id
    left join (
      select c.lane_id, count(*)::int as n, (count(*) filter (where c.is_start))::int as starts from pick c group by c.lane_id
    ) p on p.lane_id = a.lane_id
  ), seen as materialized (
    -- What is left in the lane, as far as it was looked at: no woken run; nothing at all.
    select s.*,
      not v_is_partial and s.want > 0 and s.alone = 0 and s.picked - s.picked_starts = s.n - s.n_starts
        and s.picked - s.picked_starts < s.want as no_resumes,
      s.want > 0 and s.picked < s.want and s.picked_starts < coalesce(s.starts, s.want) as is_dry
    from served s
  ), fate as materialized (
    -- park: nothing to serve it with until an announcement. Otherwise its next turn: in the future where a rate holds it,
    -- now where it was served, unchanged where others took the room.
    select s.tid, s.lane_id, s.queue_id, s.served_at,
      -- Seen to have no woken run: it must not be asked again for them while its queue's rate is used up.
      s.queue_starts is not null and s.no_resumes and s.head_at < v_resumes_before as was_asked,
      -- What was passed over must not be left behind.
      case when s.alone > 0 or v_is_partial then s.head_at
           else greatest(s.head_at, case when not v_is_pressed then s.last_order - interval '2 seconds' end,
                         case when s.no_resumes then v_resumes_before end) end as head_at,
      case when s.lane_limit is null then s.slots_from else coalesce(s.oldest, v_now) end as slots_from,
      s.paused or coalesce(s.slots_left <= s.n - s.alone, false)
        or (s.is_dry and s.n = s.picked and s.alone = 0 and not v_is_pressed and not v_is_partial) as park,
      case
        when s.alone > 0 then v_now + interval '50 ms'
        when (v_is_pressed and s.is_dry) or (v_is_partial and (s.is_dry or s.picked = 0)) then v_now + interval '1 second'
        when s.n > 0 and s.picked - s.picked_starts >= s.want then v_now
        when s.rate_left is not null and s.rate_left <= s.n_starts then
          case when s.rate_left <= 0 then greatest(rate_due(s.queue_id, s.lane_id, s.rate_period_ms, v_now), v_now + interval '1 ms')
               else v_now + interval '1 ms' end
        when s.n > 0 or s.queue_left is not null or s.queue_starts is not null then v_now
        else s.served_at
      end as next_at
    from seen s
  ), rotated as (
    delete from turn t where t.ctid = any (array(select f.tid from fate f where f.park or f.next_at <> f.served_at or f.was_asked))
  ), turned as (
    insert into turn (environment_id, served_at, lane_id, queue_id, head_at, slots_from)
    select p_environment, f.next_at, f.lane_id, f.queue_id, f.head_at, f.slots_from from fate f
    where not f.park and (f.next_at <> f.served_at or f.was_asked)
  ), parked as (
    update lane l set parked = true, head_at = f.head_at, slots_from = f.slots_from from fate f where f.park and l.id = f.lane_id
  ), rated as materialized (
    select rate_add(x.queue_id, x.lane_id, x.rate_period_ms, v_now, x.n) from (
      select s.queue_id, case when s.rate_by_queue then 0 else s.lane_id end as lane_id, s.rate_period_ms, sum(s.n_starts)::int as n
      from served s where s.rate_limit is not null and s.n_starts > 0 group by 1, 2, 3
    ) x
  )
  select a.id, a.execution_id, a.fence::text, a.is_direct, a.deployment_id, a.task_id, a.queue_id,
    a.attempt, a.max_attempts, a.payload, a.payload_type, a.metadata, a.tags, a.is_test,
    a.created_at, a.started_at, a.idempotency_key, a.max_duration_ms, a.compute_ms,
    a.priority_ms, a.concurrency_key, a.parent_run_id, a.root_run_id, a.depth, a.batch_id, a.machine,
    a.is_resumed, a.has_journal, a.checkpoint_id is not null
  from admitted a
  where (select count(*) from rated) >= 0;

  get diagnostics v_admitted = row_count;
  v_used := v_used + v_admitted;
  v_left := v_left - v_admitted;
  end loop;

  -- Of a queue whose rate is used up one lane has its turn when the rate leaves room again: it wakes admission for all.
  if v_full <> '{}' then
    with late as materialized (
      select q.id, greatest(rate_due(q.id, 0, q.rate_period_ms, v_now), v_now + interval '1 ms') as due_at from queue q
      where q.id = any (v_full) and q.rate_key = 'queue' and rate_room(q.id, 0, q.rate_limit, q.rate_period_ms, v_now) <= 0
        and not exists (select 1 from turn t where t.environment_id = p_environment and t.served_at > v_now and t.queue_id = q.id)
    ), last as materialized (
      select l.due_at, t.* from late l cross join lateral (
        select n.ctid as tid, n.* from turn n
        where n.environment_id = p_environment and n.served_at between v_turns_from and v_now and n.queue_id = l.id
        order by n.served_at desc limit 1
      ) t
    ), moved as (
      delete from turn t using last l where t.ctid = l.tid
    )
    insert into turn (environment_id, served_at, lane_id, queue_id, head_at, slots_from)
    select p_environment, l.due_at, l.lane_id, l.queue_id, l.head_at, l.slots_from from last l;
  end if;

  -- Turns before the first that is left are gone; two seconds are kept for those of a transaction that is under way.
  select min(t.served_at) into v_first_turn from (
    select n.served_at from turn n where n.environment_id = p_environment and n.served_at >= v_turns_from
    order by n.served_at limit 1
  ) t;
  v_turns_from := greatest(v_turns_from, least(v_first_turn, v_now) - interval '2 seconds');
  update environment_usage u set used_upper = v_used, turns_from = v_turns_from
  where u.environment_id = p_environment and (u.used_upper <> v_used or u.turns_from < v_turns_from - interval '1 second');
end $$;

-- For the release before this one. It has prepared `select *`, so these columns stay what they are.
create or replace function admit_runs(
  p_environment int, p_n int, p_lanes bigint[], p_orders timestamptz[], p_warm jsonb, p_lease_ms int, p_start_ms int,
  p_only_starts boolean default false
) returns table (
  run_id uuid, execution_id uuid, fence text, direct boolean, deployment_id uuid, task_id text, queue_id int,
  attempt smallint, max_attempts smallint, payload bytea, payload_type text, metadata bytea, tags text[], is_test boolean,
  created_at timestamptz, started_at timestamptz, idempotency_key text, max_duration_ms bigint, compute_ms bigint,
  priority_ms int, concurrency_key text, parent_run_id uuid, root_run_id uuid, depth smallint, batch_id uuid, machine text,
  resumes boolean, has_journal boolean
) language sql as $$
  select r.run_id, r.execution_id, r.fence, r.direct, r.deployment_id, r.task_id, r.queue_id, r.attempt, r.max_attempts,
    r.payload, r.payload_type, r.metadata, r.tags, r.is_test, r.created_at, r.started_at, r.idempotency_key, r.max_duration_ms,
    r.compute_ms, r.priority_ms, r.concurrency_key, r.parent_run_id, r.root_run_id, r.depth, r.batch_id, r.machine, r.resumes,
    r.has_journal
  from admit_runs(p_environment, p_n, p_lanes, p_orders, p_warm, p_lease_ms, p_start_ms, p_only_starts, false) r
$$;
