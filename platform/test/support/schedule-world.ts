import { DEFAULT_LIMITS } from "@gantry/sdk/contract";
import type { Pool } from "pg";
import { createDeploymentCatalog } from "../../src/adapters/postgres/deployment-catalog.ts";
import { createPostgresScheduleStore } from "../../src/adapters/postgres/schedules.ts";
import { newUuid } from "../../src/ids.ts";
import { scheduleLoop } from "../../src/loops/schedule-loop.ts";
import type { EnvironmentRef } from "../../src/projects/principal.ts";
import { Announcements } from "../../src/runs/announcements.ts";
import type { RunService } from "../../src/runs/run-service.ts";
import { createRunService } from "../../src/runs/runs.ts";
import { nextDue } from "../../src/schedules/next-due-policy.ts";
import { timingOf, type WantedTiming } from "../../src/schedules/schedule-defaults-policy.ts";
import { FakeClock } from "./fake-clock.ts";
import { storeActs } from "./store-acts.ts";
import { storeOn } from "./store-fixture.ts";

const MANIFEST = { manifestVersion: 1, sdkVersion: "1", runtime: "node", tasks: [], queues: [], entry: "entry.mjs" };

/** An environment whose version has the scheduled task `report`, a clock for due times, and as many schedulers as wanted. */
export async function scheduleWorld(pool: Pool, from: string) {
  await pool.query("delete from schedule");
  const clock = new FakeClock(Date.parse(from));
  const acts = await storeActs(pool);
  const { environmentId, deploymentId } = acts.at;
  await pool.query("update deployment set manifest = $2 where id = $1", [deploymentId, MANIFEST]);
  await acts.declare("report", { filePath: "report.ts", kind: "SCHEDULED" });
  const environment = { id: environmentId, publicId: `env_${environmentId}`, type: "PRODUCTION" } as EnvironmentRef;
  const limits = { ...DEFAULT_LIMITS };
  const announcements = new Announcements(() => undefined);

  /** A process that schedules, on a pool of its own or the test's; `wrap` stands between it and the runs. */
  function scheduler(onPool = pool, wrap: (runs: RunService) => RunService = (runs) => runs) {
    const runs = createRunService({
      store: storeOn(onPool),
      catalog: createDeploymentCatalog(onPool),
      announcements,
      limits: async () => limits,
      tellWorker: () => undefined,
    });
    const store = createPostgresScheduleStore(onPool, () => clock.now());
    const loop = scheduleLoop({
      schedules: store,
      runs: wrap(runs),
      environmentById: async () => environment,
      logger: { warn: () => undefined } as never,
    });
    return { store, runs, tick: () => loop.tick(clock.now()) };
  }
  const first = scheduler();
  let made = 0;

  return {
    acts,
    clock,
    environment,
    limits,
    scheduler,
    store: first.store,
    runs: first.runs,
    tick: first.tick,
    async schedule(wanted: WantedTiming, taskId = "report") {
      const timing = timingOf(wanted, environment);
      const id = newUuid();
      const next = (ofId: string) => nextDue({ ...timing, id: ofId }, clock.now());
      const schedule = {
        id,
        environmentId,
        taskId,
        deduplicationKey: `key-${made++}`,
        externalId: undefined,
        ...timing,
      };
      const saved = await first.store.save(schedule, next, 1_000_000);
      if (saved === undefined) throw new Error("the schedule was not made");
      return saved;
    },
    /** Ticks whenever the loop wants to, until this time. */
    async pass(until: string, ...schedulers: { tick(): Promise<number | void> }[]) {
      const end = Date.parse(until);
      const all = schedulers.length > 0 ? schedulers : [first];
      for (;;) {
        const wanted = await Promise.all(all.map((one) => one.tick()));
        const inMs = Math.max(1, Math.min(...wanted.map((ms) => ms ?? Number.POSITIVE_INFINITY)));
        if (clock.now() + inMs > end) break;
        clock.advance(inMs);
      }
      clock.advance(end - clock.now());
    },
    /** Due times and what became of them, oldest first. */
    async dues(scheduleId?: string) {
      const { rows } = await pool.query<{ due_at: Date; state: string; reason: string | null; run_id: string | null }>(
        "select * from schedule_due where $1::uuid is null or schedule_id = $1 order by due_at, schedule_id",
        [scheduleId ?? null],
      );
      return rows.map((row) => ({
        at: row.due_at.toISOString().replace(":00.000Z", "Z"),
        state: row.state,
        reason: row.reason,
        runId: row.run_id,
      }));
    },
    /** Payloads of all runs of the environment, live and ended, in the order of their making. */
    async payloads(): Promise<{ id: string; key: string; payload: Record<string, unknown> }[]> {
      const { rows } = await pool.query<{ id: string; idempotency_key: string; payload: Buffer }>(
        `select id, idempotency_key, payload from run where environment_id = $1
         union all select id, idempotency_key, payload from run_history where environment_id = $1 order by id`,
        [environmentId],
      );
      return rows.map((row) => ({
        id: row.id,
        key: row.idempotency_key,
        payload: JSON.parse(row.payload.toString()).json as Record<string, unknown>,
      }));
    },
    /** Ends a run that has not started. */
    end: (runId: string, status: "COMPLETED" | "FAILED" | "CANCELED" = "CANCELED") => acts.finish({ runId }, status),
    /** Lets what was triggered in, to a worker that is there. */
    admit: () => acts.admit(announcements.take(environmentId, 100)),
    status: async (runId: string) => acts.status(runId),
  };
}
