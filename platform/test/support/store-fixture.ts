import type { Pool } from "pg";
import { createPostgresRunStore, type StoreTiming } from "../../src/adapters/postgres/postgres-run-store.ts";
import { newUuid } from "../../src/ids.ts";
import type { AdmittedRun, NewRun, RunStore } from "../../src/runs/run-store.ts";

export interface QueueLimits {
  limit?: number | null;
  combined?: number | null;
  rate?: { limit: number; periodMs: number; key?: "queue" | "concurrencyKey" };
}

/** An environment with one version, and queues as asked, straight in the tables. */
export async function environmentFixture(pool: Pool, options: { limit?: number } = {}) {
  const project = `proj_${newUuid()}`;
  await pool.query("insert into project (id, ref, name) values ($1, $1, 'test')", [project]);
  const { rows } = await pool.query<{ id: number }>(
    "insert into environment (project_id, slug, type, concurrency_limit) values ($1, 'prod', 'PRODUCTION', $2) returning id",
    [project, options.limit ?? 100],
  );
  const environmentId = rows[0]?.id as number;
  const deploymentId = newUuid();
  await pool.query(
    "insert into deployment (id, environment_id, version, status, manifest, source) values ($1, $2, '20260101.1', 'DEPLOYED', '{}', '{}')",
    [deploymentId, environmentId],
  );
  await pool.query("update environment set current_deployment_id = $2 where id = $1", [environmentId, deploymentId]);
  return {
    environmentId,
    deploymentId,
    /** All of this version's runs go straight to EXECUTING. */
    warm: new Map([[deploymentId, 1_000_000]]),
    async queue(limits: QueueLimits = {}): Promise<number> {
      const made = await pool.query<{ id: number }>(
        `insert into queue (environment_id, name, kind, declared_limit, combined_limit, rate_limit, rate_period_ms, rate_key)
         values ($1, $2, 'custom', $3, $4, $5, $6, $7) returning id`,
        [
          environmentId,
          newUuid(),
          limits.limit ?? null,
          limits.combined ?? null,
          limits.rate?.limit ?? null,
          limits.rate?.periodMs ?? null,
          limits.rate === undefined ? null : (limits.rate.key ?? "concurrencyKey"),
        ],
      );
      return made.rows[0]?.id as number;
    },
    run(queueId: number, over: Partial<NewRun> = {}): NewRun {
      return {
        id: newUuid(),
        environmentId,
        taskId: "task",
        status: "QUEUED",
        queueId,
        concurrencyKey: "",
        priorityMs: 0,
        maxAttempts: 3,
        payload: { data: Buffer.from('{"n":1}'), type: "application/json" },
        depth: 0,
        isTest: false,
        tags: [],
        ...over,
      };
    },
  };
}
export type EnvironmentFixture = Awaited<ReturnType<typeof environmentFixture>>;

/** An admission ends after 100 ms, whatever waits: on a busy machine it is gone on with here, as the admission loop does. */
const CUT_OFF_MS = 100;

export function storeOn(pool: Pool, timing?: Partial<StoreTiming>): RunStore {
  const store = createPostgresRunStore(pool, timing);
  return {
    ...store,
    async admit(environmentId, n, announced, warm) {
      const all: AdmittedRun[] = [];
      for (;;) {
        const startedAt = performance.now();
        const admitted = await store.admit(environmentId, n - all.length, announced, warm);
        if (admitted === "busy") return all.length > 0 ? all : admitted;
        all.push(...admitted);
        if (all.length === n || performance.now() - startedAt < CUT_OFF_MS) return all;
      }
    },
  };
}
