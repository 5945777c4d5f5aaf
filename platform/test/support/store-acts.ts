import type { Pool } from "pg";
import { newUuid } from "../../src/ids.ts";
import type { FinalRunStatus } from "../../src/runs/run.ts";
import type {
  AdmittedRun,
  ExecutionRef,
  FinishRequest,
  LaneAnnouncement,
  NewRun,
  RunStore,
} from "../../src/runs/run-store.ts";
import { type EnvironmentFixture, environmentFixture, storeOn } from "./store-fixture.ts";

/** What tests of the store do again and again, on an environment of their own with one queue. */
export async function storeActs(pool: Pool, store: RunStore = storeOn(pool)) {
  const at: EnvironmentFixture = await environmentFixture(pool);
  const queueId = await at.queue();
  const acts = {
    at,
    store,
    queueId,
    async insert(over: Partial<NewRun> = {}): Promise<{ run: NewRun; announced: LaneAnnouncement[] }> {
      const run = at.run(queueId, over);
      const inserted = await store.insert([run]);
      return { run, announced: inserted.flatMap((one) => one.announcement ?? []) };
    },
    async admit(
      announced: LaneAnnouncement[] = [],
      warm: ReadonlyMap<string, number> = at.warm,
    ): Promise<AdmittedRun[]> {
      const admitted = await store.admit(at.environmentId, 100, announced, warm);
      if (admitted === "busy") throw new Error("nobody else admits in this test");
      return admitted;
    },
    /** A run that is EXECUTING on a warm worker. */
    async executing(over: Partial<NewRun> = {}): Promise<AdmittedRun> {
      const { run, announced } = await acts.insert(over);
      return acts.admitted(run.id, announced, at.warm);
    },
    async admitted(
      runId: string,
      announced: LaneAnnouncement[],
      warm: ReadonlyMap<string, number>,
    ): Promise<AdmittedRun> {
      const found = (await acts.admit(announced, warm)).find((one) => one.runId === runId);
      if (found === undefined) throw new Error("the run was not admitted");
      return found;
    },
    /** A run that is DEQUEUED: a worker must come for it. */
    async dequeued(over: Partial<NewRun> = {}): Promise<AdmittedRun> {
      const { run, announced } = await acts.insert(over);
      return acts.admitted(run.id, announced, new Map());
    },
    async finish(
      run: { runId: string },
      status: FinalRunStatus,
      execution?: ExecutionRef,
      over: Partial<FinishRequest> = {},
    ): Promise<boolean> {
      const request = { environmentId: at.environmentId, runId: run.runId, execution, status, ...over };
      return (await store.finish([request])).length === 1;
    },
    requeue(run: AdmittedRun, over: Partial<Parameters<RunStore["requeue"]>[0]> = {}) {
      return store.requeue({
        environmentId: at.environmentId,
        runId: run.runId,
        execution: run,
        nextAttempt: run.attempt,
        attempt: { number: run.attempt, startedAt: "", finishedAt: "", outcome: "LOST" },
        computeMs: 0,
        lost: true,
        deferred: false,
        ...over,
      });
    },
    retryInPlace(run: AdmittedRun, over: Partial<Parameters<RunStore["retryInPlace"]>[0]> = {}) {
      return store.retryInPlace({
        environmentId: at.environmentId,
        runId: run.runId,
        execution: run,
        fromAttempt: run.attempt,
        nextAttempt: run.attempt + 1,
        attempt: { number: run.attempt, startedAt: "", finishedAt: "", outcome: "FAILED" },
        computeMs: 10,
        deferred: false,
        delayMs: 0,
        ...over,
      });
    },
    async status(runId: string): Promise<string | undefined> {
      return (await store.retrieve(at.environmentId, runId))?.status;
    },
    /** The version declares a task, with an onFailure or without. */
    async declare(taskId: string, declaration: object = {}): Promise<void> {
      await pool.query(
        "insert into task_definition (deployment_id, task_id, queue_id, declaration) values ($1, $2, $3, $4)",
        [at.deploymentId, taskId, queueId, { id: taskId, ...declaration }],
      );
    },
    /** Every row that says anything about a run, as one text: equal texts, nothing was written. */
    async everythingOf(runId: string): Promise<string> {
      const { rows } = await pool.query<{ all: string }>(
        `select concat(
           (select json_agg(r) from run r where r.id = $1), (select json_agg(h) from run_history h where h.id = $1),
           (select json_agg(s) from slot s where s.run_id = $1), (select json_agg(e) from execution e where e.run_id = $1),
           (select json_agg(d) from ready d where d.run_id = $1), (select json_agg(v) from run_event v where v.run_id = $1),
           (select json_agg(t) from run_timer t where t.run_id = $1), (select json_agg(f) from failure_hook f where f.run_id = $1)
         ) as all`,
        [runId],
      );
      return rows[0]?.all ?? "";
    },
  };
  return acts;
}

export const nobody = (): ExecutionRef => ({ executionId: newUuid(), fence: "1" });
