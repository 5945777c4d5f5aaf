/**
 * Statements that fill an environment with ended runs: what a trigger each would take an hour for. Ids sort by the time of
 * making, one second apart, the newest just before now.
 */
export interface ManyRuns {
  environmentId: number;
  count: number;
  /** Task ids that the runs are spread over. Default: four of them. */
  tasks?: string[];
  tags?: string[];
}

const TASKS = ["send-welcome-email", "generate-invoice", "transcode-video", "sync-inventory"];
const TAGS = ["user_1041", "plan_pro", "eu-west", "import-2026-11", "nightly"];

/** One INSERT; its parameters come with it. Each task needs a queue, `task/<id>`, which is made where it is missing. */
export function manyRuns({
  environmentId,
  count,
  tasks = TASKS,
  tags = TAGS,
}: ManyRuns): { text: string; values: unknown[] }[] {
  return [
    {
      text: `insert into queue (environment_id, kind, name)
        select $1, 'task', 'task/' || task from unnest($2::text[]) as task on conflict do nothing`,
      values: [environmentId, tasks],
    },
    {
      text: `insert into run_history (environment_id, id, finished_at, task_id, status, revision, queue_id, concurrency_key,
          priority_ms, created_at, started_at, attempt, max_attempts, attempts, platform_losses, deferrals, depth,
          compute_ms, is_test, tags, payload, payload_type, error)
        select $1, uuidv7(-made.age), now() - made.age + made.took, made.task_id, made.status::run_status, 4, queue.id, '',
          0, now() - made.age, now() - made.age + interval '80 milliseconds', 1, 3, '[]', 0, 0, 0,
          extract(milliseconds from made.took), false, made.tags, '{"n":1}', 'application/json',
          case when made.status = 'FAILED' then
            '{"type":"BUILT_IN_ERROR","name":"Error","message":"the warehouse did not answer","stackTrace":""}'::jsonb end
        from (
          select n * interval '1 second' as age,
            ((n * 7919) % 9000 + 40) * interval '1 millisecond' as took,
            ($3::text[])[1 + n % cardinality($3::text[])] as task_id,
            (array['COMPLETED','COMPLETED','COMPLETED','COMPLETED','COMPLETED','COMPLETED','FAILED','COMPLETED','CANCELED',
              'COMPLETED','COMPLETED','TIMED_OUT','CRASHED'])[1 + (n * 31) % 13] as status,
            ($4::text[])[1 + n % cardinality($4::text[]) : 1 + n % cardinality($4::text[]) + n % 3] as tags
          from generate_series(1, $2::int) as n
        ) as made
        join queue on queue.environment_id = $1 and queue.name = 'task/' || made.task_id`,
      values: [environmentId, count, tasks, tags],
    },
  ];
}
