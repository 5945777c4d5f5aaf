import type { Pool } from "pg";
import { encodeId, newUuid } from "../../src/ids.ts";
import { environmentFixture } from "./store-fixture.ts";

/** Ids of rows that a list may be filtered by; each has few of the runs. */
export type ManyRuns = Awaited<ReturnType<typeof manyRuns>>;

/**
 * An environment with so many ended runs over two days, and a twentieth as many live ones, straight in the tables: 20 tasks,
 * 5 queues, 4 versions, every twentieth failed with one of five errors, every hundredth with a tag, a machine, a root, a key.
 */
export async function manyRuns(pool: Pool, count: number) {
  const at = await environmentFixture(pool, { limit: 500 });
  const queueIds: number[] = [];
  for (let n = 0; n < 5; n++) queueIds.push(await at.queue());
  await pool.query(
    "insert into queue (environment_id, name, kind) select $1, 'task/task-' || n, 'task' from generate_series(0, 19) n",
    [at.environmentId],
  );
  const versions = [at.deploymentId, newUuid(), newUuid(), newUuid()];
  for (const [n, id] of versions.slice(1).entries())
    await pool.query(
      "insert into deployment (id, environment_id, version, status, manifest, source) values ($1, $2, $3, 'DEPLOYED', '{}', '{}')",
      [id, at.environmentId, `20260102.${n + 1}`],
    );
  const [rootId, parentId, batchId, scheduleId, bulkId] = [newUuid(), newUuid(), newUuid(), newUuid(), newUuid()];
  const columns = `environment_id, id, task_id, status, queue_id, concurrency_key, created_at, started_at, deployment_id,
    attempt, max_attempts, idempotency_key, idempotency_options, parent_run_id, root_run_id, depth, batch_id, machine,
    compute_ms, is_test, tags, payload, payload_type`;
  const rows = (isLive: boolean) => `
    select $1::int, (lpad(to_hex((extract(epoch from s.made_at) * 1000)::bigint), 12, '0') || '7' || lpad(to_hex(n % 4096), 3, '0')
        || 'a' || substr(md5(n::text || ${isLive}), 1, 15))::uuid, 'task-' || n % 20, s.status, ($2::int[])[1 + n % 5], '', s.made_at,
      case when s.status not in ('QUEUED', 'EXPIRED') then s.made_at end, ($3::uuid[])[1 + n % 4], 1, 3,
      case when s.is_rare then 'key-' || n end, case when s.is_rare then jsonb_build_object('key', 'said-' || n, 'scope', 'run') end,
      case when s.is_rare then $4::uuid end, case when s.is_rare then $5::uuid end, 0, case when s.is_rare then $6::uuid end,
      case when s.is_rare then 'large-1x' end, n % 1000, s.is_rare, case when s.is_rare then array['rare', 't' || n] else '{}' end,
      '{"n":1}'::bytea, 'application/json'`;
  const source = (hours: number, statuses: string) => `
    from generate_series(0, $7::int - 1) n cross join lateral (
      select now() - interval '2 days' + n * (interval '${hours} hours' / $7::int) + interval '${hours === 1 ? 47 : 0} hours' as made_at,
        n % 100 = 7 as is_rare, (${statuses})::run_status as status) s`;
  const values = [at.environmentId, queueIds, versions, parentId, rootId, batchId];
  await pool.query(
    `insert into run_history (${columns}, finished_at, revision, priority_ms, attempts, platform_losses, deferrals, error,
       error_fingerprint)
     ${rows(false)}, s.made_at + n % 60 * interval '1 second', 2, 0, '[]', 0, 0,
       case when s.status <> 'COMPLETED' then jsonb_build_object('name', 'Error', 'message', 'broken ' || n) end,
       case when s.status <> 'COMPLETED' then lpad(to_hex(n / 20 % 5), 16, '0') end
     ${source(47, "case when n % 20 <> 3 then 'COMPLETED' when n % 3 = 0 then 'CRASHED' else 'FAILED' end")}`,
    [...values, count],
  );
  await pool.query(
    `insert into run (${columns}) ${rows(true)} ${source(1, "case when n % 100 = 9 then 'EXECUTING' else 'QUEUED' end")}`,
    [...values, Math.ceil(count / 20)],
  );
  await pool.query(
    `insert into slot (run_id, execution_id, environment_id, queue_id, lane_id)
     select id, gen_random_uuid(), environment_id, queue_id, 1 from run where environment_id = $1 and status = 'EXECUTING'`,
    [at.environmentId],
  );
  await pool.query("insert into batch (id, environment_id, expected_count, sealed_at) values ($1, $2, 1, now())", [
    batchId,
    at.environmentId,
  ]);
  await pool.query(
    `insert into schedule (id, environment_id, kind, task_id, cron, timezone, overlap, catch_up, catch_up_window_ms)
     values ($1, $2, 'IMPERATIVE', 'task-7', '* * * * *', 'UTC', 'allow', 'none', 0)`,
    [scheduleId, at.environmentId],
  );
  await pool.query("insert into bulk_action (id, environment_id, type, selected_at) values ($1, $2, 'CANCEL', now())", [
    bulkId,
    at.environmentId,
  ]);
  const rare = `from (select environment_id, id, batch_id, created_at from run union all
    select environment_id, id, batch_id, created_at from run_history) r where r.environment_id = $2 and r.batch_id is not null`;
  const own = [at.environmentId];
  await pool.query(`insert into batch_item (batch_id, item, run_id) select $1, row_number() over (), r.id ${rare}`, [
    batchId,
    ...own,
  ]);
  await pool.query(
    `insert into schedule_due (schedule_id, due_at, environment_id, state, run_id)
     select $1, r.created_at + row_number() over () * interval '1 microsecond', $2, 'triggered', r.id ${rare}`,
    [scheduleId, ...own],
  );
  await pool.query(`insert into bulk_action_item (bulk_action_id, run_id, state) select $1, r.id, 'done' ${rare}`, [
    bulkId,
    ...own,
  ]);
  for (const table of ["run", "run_history", "slot", "batch_item", "schedule_due", "bulk_action_item"])
    await pool.query(`vacuum analyze ${table}`);
  const id = (prefix: "run" | "batch" | "sched" | "bulk", uuid: string) => encodeId(prefix, uuid);
  return {
    ...at,
    queueIds,
    uuids: { rootId, parentId, batchId, scheduleId, bulkId },
    rootRunId: id("run", rootId),
    parentRunId: id("run", parentId),
    batchId: id("batch", batchId),
    scheduleId: id("sched", scheduleId),
    bulkActionId: id("bulk", bulkId),
    rareFingerprint: "0000000000000003",
  };
}
