import type { Pool } from "pg";
import { migrate } from "../../../platform/src/adapters/postgres/migrator.ts";
import { createPool } from "../../../platform/src/adapters/postgres/pool.ts";
import { createPostgresRunStore } from "../../../platform/src/adapters/postgres/postgres-run-store.ts";
import { newUuid } from "../../../platform/src/ids.ts";
import type { RunStore } from "../../../platform/src/runs/run-store.ts";

/** How many runs wait, in which lanes. A lane is one concurrency key of one queue; each has a limit of its own. */
export interface Shape {
  lanes: number;
  /** Of them so many execute as much as they may. */
  fullLanes: number;
  queued: number;
  finished: number;
}

/** The limit of each lane: the 32 lanes that an admission looks at give it 100 runs. */
export const LANE_LIMIT = 4;
const ENVIRONMENT = 1;
const TASK = "bench";

/** A database in the state that a row asks for, with the platform's own store on it and nothing else running. */
export interface Scene {
  pool: Pool;
  store: RunStore;
  environmentId: number;
  queueId: number;
  deploymentId: string;
  shape: Shape;
  close(): Promise<void>;
}

/** Fills an empty database. The backlog is written by SQL: a million triggers would take minutes and end in the same rows. */
export async function setScene(databaseUrl: string, shape: Shape): Promise<Scene> {
  const directory = new URL("../../../prisma/migrations", import.meta.url).pathname;
  await migrate({ connectionString: databaseUrl, directory });
  const pool = createPool({ connectionString: databaseUrl, max: 10 });
  const deploymentId = newUuid();
  const fill = await pool.connect();
  try {
    await fill.query("set statement_timeout = 0");
    const queueId = await declare(fill, deploymentId);
    await fill.query(LANES, [ENVIRONMENT, queueId, shape.lanes, shape.fullLanes]);
    await fill.query(EXECUTING, [ENVIRONMENT, queueId, deploymentId, TASK, LANE_LIMIT]);
    const { lanes, fullLanes, queued } = shape;
    if (queued > 0) await fill.query(QUEUED, [ENVIRONMENT, queueId, TASK, queued, lanes, fullLanes]);
    await fill.query(TURNS, [ENVIRONMENT]);
    if (shape.finished > 0) await fill.query(FINISHED, [ENVIRONMENT, queueId, TASK, shape.finished]);
    await fill.query("vacuum analyze");
    const store = createPostgresRunStore(pool, { leaseTtlMs: 3_600_000 });
    return { pool, store, environmentId: ENVIRONMENT, queueId, deploymentId, shape, close: () => pool.end() };
  } finally {
    fill.release();
  }
}

async function declare(client: { query: Pool["query"] }, deploymentId: string): Promise<number> {
  await client.query("insert into project (id, ref, name) values ('bench', 'bench', 'bench')");
  await client.query(
    `insert into environment (id, project_id, slug, type, concurrency_limit, current_deployment_id)
     values ($1, 'bench', 'prod', 'PRODUCTION', 200000, $2)`,
    [ENVIRONMENT, deploymentId],
  );
  await client.query(
    `insert into deployment (id, environment_id, version, status, manifest, source)
     values ($1, $2, '20260101.1', 'DEPLOYED', '{}', '{}')`,
    [deploymentId, ENVIRONMENT],
  );
  const { rows } = await client.query<{ id: number }>(
    "insert into queue (environment_id, name, kind, declared_limit) values ($1, 'bench', 'custom', $2) returning id",
    [ENVIRONMENT, LANE_LIMIT],
  );
  return rows[0]?.id as number;
}

/** Keys 1 to $4 are the full lanes, parked as admission leaves them; the others have room. */
const LANES = `
  insert into lane (environment_id, queue_id, concurrency_key, parked)
  select $1::int, $2::int, 'key-' || n, n <= $4::int from generate_series(1, $3::int) n`;

const EXECUTING = `
  with runs as (
    insert into run (environment_id, id, task_id, status, queue_id, concurrency_key, lane_id, attempt, max_attempts,
      payload, payload_type, execution_id, deployment_id, fence, started_at)
    select $1::int, gen_random_uuid(), $4::text, 'EXECUTING', $2::int, l.concurrency_key, l.id, 1, 3, '{"json":{}}',
      'application/super+json', gen_random_uuid(), $3::uuid, 1, now()
    from lane l, generate_series(1, $5::int) where l.parked
    returning id, execution_id, lane_id
  )
  insert into slot (run_id, execution_id, environment_id, queue_id, lane_id)
  select id, execution_id, $1, $2, lane_id from runs`;

/** Half of them wait in the full lanes, half in those with room: enough for all that comes and goes while a row is measured. */
const QUEUED = `
  with runs as (
    insert into run (environment_id, id, task_id, status, queue_id, concurrency_key, lane_id, order_at, max_attempts,
      payload, payload_type)
    select $1::int, gen_random_uuid(), $3::text, 'QUEUED', $2::int, l.concurrency_key, l.id,
      now() - interval '1 hour' + n * interval '1 ms', 3,
      convert_to('{"json":{"userId":"user_' || n % 1000 || '","url":"https://example.com/images/' || n || '.png"}}', 'UTF8'),
      'application/super+json'
    from generate_series(1, $4::int) n
    join lane l on l.queue_id = $2 and l.concurrency_key = 'key-' ||
      case when n % 2 = 0 then n / 2 % $6::int + 1 else $6 + n / 2 % ($5::int - $6) + 1 end
    returning id, lane_id, order_at
  )
  insert into ready (lane_id, order_at, run_id) select lane_id, order_at, id from runs`;

const TURNS = `
  insert into turn (environment_id, served_at, lane_id, queue_id, head_at)
  select $1::int, now() - interval '1 hour', id, queue_id, '-infinity' from lane where not parked`;

const FINISHED = `
  insert into run_history (environment_id, id, finished_at, task_id, status, revision, queue_id, concurrency_key,
    priority_ms, created_at, started_at, attempt, max_attempts, attempts, platform_losses, deferrals, depth, compute_ms,
    is_test, tags, payload, payload_type)
  select $1::int, gen_random_uuid(), now() - (n % 3600) * interval '1 s', $3::text, 'COMPLETED', 3, $2::int,
    'key-' || n % 10000, 0, now() - interval '1 hour', now() - interval '1 hour', 1, 3, '[]', 0, 0, 0, 5, false, '{}',
    '{"json":{}}', 'application/super+json'
  from generate_series(1, $4::int) n`;
