import { randomBytes } from "node:crypto";
import type { Grant, PlatformMessage, RunnerMessage } from "@gantry/sdk/contract";
import { DEFAULT_LIMITS } from "@gantry/sdk/contract";
import { Registry } from "prom-client";
import { createDeploymentCatalog } from "../../src/adapters/postgres/deployment-catalog.ts";
import { createPostgresCheckpointStore } from "../../src/adapters/postgres/postgres-checkpoint-store.ts";
import { createPostgresJournalStore } from "../../src/adapters/postgres/postgres-journal-store.ts";
import { createCheckpointMetrics } from "../../src/checkpoints/checkpoint-metrics.ts";
import { NOTHING_SEEN } from "../../src/cluster/cluster-sight.ts";
import { Completions } from "../../src/cluster/completions.ts";
import { ConnectedWorkers } from "../../src/cluster/connected-workers.ts";
import { Dispatch } from "../../src/cluster/dispatch.ts";
import type { Executor, LaunchRequest } from "../../src/cluster/executor.ts";
import { HeartbeatFlush } from "../../src/cluster/heartbeat-flush.ts";
import { createWorkerJournals } from "../../src/cluster/journals.ts";
import { createCredentials } from "../../src/cluster/jwt-credentials.ts";
import { createWorkerObservations } from "../../src/cluster/observed-workers.ts";
import { createStartExchange } from "../../src/cluster/start-exchange.ts";
import { createWorkerCheckpoints } from "../../src/cluster/worker-checkpoints.ts";
import type { WorkerLink } from "../../src/cluster/worker-service.ts";
import { createWorkerService } from "../../src/cluster/workers.ts";
import { machinesWith } from "../../src/deployments/machines.ts";
import { newUuid } from "../../src/ids.ts";
import type { Logger } from "../../src/logging.ts";
import { admissionLoop } from "../../src/loops/admission-loop.ts";
import { failureHookLoop } from "../../src/loops/failure-hook-loop.ts";
import { heartbeatLoop } from "../../src/loops/heartbeat-loop.ts";
import { leaseLoop } from "../../src/loops/lease-loop.ts";
import { Announcements } from "../../src/runs/announcements.ts";
import type { RunStore } from "../../src/runs/run-store.ts";
import { MasterKey } from "../../src/secrets/master-key.ts";
import { SecretBox } from "../../src/secrets/secret-box.ts";
import { storeActs } from "./store-acts.ts";
import { storeOn } from "./store-fixture.ts";
import type { testDatabase } from "./test-database.ts";

const MANIFEST = { manifestVersion: 1, sdkVersion: "1", runtime: "node", tasks: [], queues: [], entry: "entry.mjs" };

/** The engine over a real store, with loops that tick when told, and workers and an executor that are played. */
export async function engineFixture(
  { pool }: Awaited<ReturnType<typeof testDatabase>>,
  wrap: (store: RunStore) => RunStore = (store) => store,
) {
  const store = wrap(storeOn(pool));
  const acts = await storeActs(pool, store);
  const { environmentId, deploymentId } = acts.at;
  const source = { kind: "local", bundleDir: "/b", projectDir: "/p", envFiles: [] };
  await pool.query("update deployment set manifest = $2, source = $3 where id = $1", [deploymentId, MANIFEST, source]);
  await acts.declare("task", {
    filePath: "task.ts",
    hasOnFailure: true,
    retry: { minTimeoutInMs: 100, randomize: false },
  });
  const environment = {
    id: environmentId,
    publicId: `env_${environmentId}`,
    slug: "prod",
    type: "PRODUCTION" as const,
    projectId: "p",
    projectRef: "proj_p",
    projectName: "P",
  };
  const launched: LaunchRequest[] = [];
  let launchError: Error | undefined;
  const abandoned: string[] = [];
  const executor: Omit<Executor, "launchesEach"> & { launchesEach: boolean } = {
    name: "played",
    launchesEach: false,
    launch: async (requests) => {
      launched.push(...requests);
      if (launchError !== undefined) throw launchError;
    },
    prepare: async () => {},
    retire: async () => {},
    abandon: async (executionId) => void abandoned.push(executionId),
    look: async () => NOTHING_SEEN,
    stop: async () => {},
  };
  const logged: string[] = [];
  const logger = {
    info() {},
    warn() {},
    error: (_fields: object, text: string) => logged.push(text),
  } as unknown as Logger;
  const woken = new Set<number>();
  const announcements = new Announcements((id) => woken.add(id));
  const workers = new ConnectedWorkers();
  const told: [string, string][] = [];
  const master = new MasterKey(randomBytes(32).toString("base64"));
  const secrets = new SecretBox(master);
  const journalStore = createPostgresJournalStore(pool, { secrets });
  const checkpoints = createPostgresCheckpointStore(pool, secrets);
  const metrics = new Registry();
  const tellWorker = (executionId: string, what: "cancel" | "drop" | "wake") => {
    told.push([executionId, what]);
    if (what !== "drop") return;
    workers.release(executionId);
    void executor.abandon(executionId);
  };
  const shared = {
    store,
    journals: journalStore,
    tellWorker,
    announcements,
    executor,
    logger,
    workers,
    catalog: createDeploymentCatalog(pool),
    credentials: createCredentials(master),
    checkpoints,
    storesProcesses: true,
    checkpointMetrics: createCheckpointMetrics(metrics, checkpoints),
    environmentById: async () => environment,
    machines: machinesWith(),
    startDeadlineMs: 60_000,
  };
  const dispatch = new Dispatch(shared);
  const heartbeats = new HeartbeatFlush({
    store: (executions) => store.heartbeat(executions, 15_000),
    news: (executions) => journalStore.news(executions),
  });
  const workersDeps = {
    ...shared,
    dispatch,
    heartbeats,
    leaseTtlMs: 15_000,
    limits: async () => ({ ...DEFAULT_LIMITS }),
    random: () => 0,
  };
  const completions = new Completions(workersDeps);
  const workerJournals = createWorkerJournals({ ...workersDeps, journals: journalStore, wakeSoon: () => undefined });
  const workerCheckpoints = createWorkerCheckpoints({ ...workersDeps, isStorageFull: () => false });
  const service = createWorkerService({ ...workersDeps, completions, workerJournals, workerCheckpoints });
  const takeWoken = () => {
    const ids = [...woken];
    woken.clear();
    return ids;
  };
  const isAnyOtherWoken = (id: number) => woken.size > (woken.has(id) ? 1 : 0);
  const observations = createWorkerObservations({ ...workersDeps, completions, tellWorker });
  const variables = { PLAIN: "1" };
  const startExchange = createStartExchange({ ...shared, variables: { resolve: async () => variables } });
  const loops = {
    admission: admissionLoop({ store, dispatch, announcements, workers, takeWoken, isAnyOtherWoken }),
    heartbeats: heartbeatLoop({ leaseTtlMs: 15_000, store, heartbeats, workers }),
    lease: leaseLoop({ leaseTtlMs: 15_000, store, isLeader: () => true, announcements, tellWorker, logger }),
    hooks: failureHookLoop({ ...shared, dispatch }),
  };

  /** A worker with room; what it is sent is kept. */
  async function worker(
    free: number,
    workerId = newUuid(),
    executions: { executionId: string; fence: string }[] = [],
    executionId?: string,
  ) {
    const sent: PlatformMessage[] = [];
    const link: WorkerLink = {
      workerId,
      environmentId,
      deploymentId,
      ...(executionId === undefined ? {} : { executionId }),
      send: (message) => sent.push(message),
      close() {},
    };
    const { fenced } = await service.hello(link, {
      type: "hello",
      id: newUuid(),
      protocol: 1,
      workerId,
      pid: 1,
      host: "h",
      executions,
    });
    service.capacity(link, free);
    const grants = (): Grant[] => sent.flatMap((message) => (message.type === "grant" ? message.grants : []));
    return { link, sent, fenced, grants };
  }

  return {
    ...acts,
    loops,
    service,
    dispatch,
    workers,
    announcements,
    launched,
    told,
    logged,
    worker,
    abandoned,
    makeHooksDue: () => pool.query("update failure_hook set due_at = now()"),
    observations,
    checkpoints,
    metrics,
    startExchange,
    credentials: shared.credentials,
    /** From here on each execution needs a worker of its own, as on Kubernetes. */
    launchEach: () => (executor.launchesEach = true),
    failLaunches: (error: Error | undefined) => (launchError = error),
    /** Triggers a run and lets admission go on until it is done. */
    async trigger(over: Parameters<typeof acts.insert>[0] = {}) {
      const { run, announced } = await acts.insert(over);
      announcements.announce(announced);
      await loops.admission.tick(Date.now());
      return run;
    },
  };
}

export const completion = (
  grant: { executionId: string; fence: string; attempt: number },
  outcome: Extract<RunnerMessage, { type: "complete" }>["outcome"],
  id = newUuid(),
) => ({
  type: "complete" as const,
  id,
  executionId: grant.executionId,
  fence: grant.fence,
  attempt: grant.attempt,
  outcome,
  usage: { computeMs: 5 },
});
