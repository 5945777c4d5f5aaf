/**
 * From rows `wanted(environment_id, queue_id, concurrency_key)` to their lanes, `reached(id, queue_id, concurrency_key)`:
 * read without locks, made only where absent, in one order so that two statements never wait for each other. A retired lane
 * is revived.
 */
export const REACH_LANES = `
found as materialized (
  select l.id, l.queue_id, l.concurrency_key
  from wanted w join lane l on l.queue_id = w.queue_id and l.concurrency_key = w.concurrency_key and l.retired_at is null
), made as (
  insert into lane (environment_id, queue_id, concurrency_key)
  select w.environment_id, w.queue_id, w.concurrency_key from wanted w
  where not exists (select 1 from found f where f.queue_id = w.queue_id and f.concurrency_key = w.concurrency_key)
  order by 2, 3
  on conflict (queue_id, concurrency_key) do update set retired_at = null
  returning id, queue_id, concurrency_key
), reached as (
  select * from found union all select * from made
)`;
