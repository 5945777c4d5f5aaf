import { LEASE_TTL_MS, type Limits } from "@gantry/sdk/contract";
import type pg from "pg";
import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import { MemoryBusHub } from "./adapters/memory/memory-bus.ts";
import { soleLeader } from "./adapters/memory/sole-leader.ts";
import { createBuildStore } from "./adapters/postgres/builds.ts";
import { createBulkActionStore } from "./adapters/postgres/bulk-actions.ts";
import { createDeploymentCatalog, isIdleDeployment } from "./adapters/postgres/deployment-catalog.ts";
import { createInsightStore } from "./adapters/postgres/insights.ts";
import { createLiveReads } from "./adapters/postgres/live-reads.ts";
import { createPostgresCheckpointStore } from "./adapters/postgres/postgres-checkpoint-store.ts";
import { createPostgresJournalStore } from "./adapters/postgres/postgres-journal-store.ts";
import { createPostgresRunStore, DEFAULT_TIMING, type StoreTiming } from "./adapters/postgres/postgres-run-store.ts";
import { createPostgresStreamStore } from "./adapters/postgres/postgres-stream-store.ts";
import type { PrismaClient } from "./adapters/postgres/prisma.ts";
import { createDeploymentService } from "./adapters/postgres/prisma-deployments.ts";
import { createQueueService } from "./adapters/postgres/queues.ts";
import { executionsByDeployment } from "./adapters/postgres/run-counts.ts";
import { createPostgresScheduleStore } from "./adapters/postgres/schedules.ts";
import { createUpkeep } from "./adapters/postgres/upkeep.ts";
import { createWaitpointStore } from "./adapters/postgres/waitpoints.ts";
import { createCheckpointMetrics } from "./checkpoints/checkpoint-metrics.ts";
import type { CheckpointService } from "./checkpoints/checkpoint-service.ts";
import { createCheckpointService } from "./checkpoints/checkpoints.ts";
import type { Clock } from "./clock.ts";
import type { Bus } from "./cluster/bus.ts";
import { type ClusterService, createClusterService } from "./cluster/cluster-service.ts";
import { Completions } from "./cluster/completions.ts";
import { ConnectedWorkers } from "./cluster/connected-workers.ts";
import type { WorkerCredentials } from "./cluster/credentials.ts";
import { Dispatch } from "./cluster/dispatch.ts";
import { type EnvironmentChanges, environmentChanges } from "./cluster/environment-changes.ts";
import type { Executor } from "./cluster/executor.ts";
import { forwardWake, receiveWakes } from "./cluster/forwarded-wakes.ts";
import { HeartbeatFlush } from "./cluster/heartbeat-flush.ts";
import { createWorkerJournals } from "./cluster/journals.ts";
import type { Leadership } from "./cluster/leadership.ts";
import { createWorkerObservations } from "./cluster/observed-workers.ts";
import { RunHints } from "./cluster/run-hints.ts";
import { createStartExchange, type StartExchange } from "./cluster/start-exchange.ts";
import { createTellWorker } from "./cluster/tell-worker.ts";
import { createWorkerCheckpoints } from "./cluster/worker-checkpoints.ts";
import type { WorkerObservations } from "./cluster/worker-observations.ts";
import type { WorkerService } from "./cluster/worker-service.ts";
import { createWorkerService } from "./cluster/workers.ts";
import type { BuildStore } from "./deployments/build-store.ts";
import type { DeployService } from "./deployments/deploy-service.ts";
import type { DeploymentCatalog } from "./deployments/deployment-catalog.ts";
import type { DeploymentService } from "./deployments/deployment-service.ts";
import { createDeployService, type DeploysDeps } from "./deployments/deploys.ts";
import type { Machines } from "./deployments/machines.ts";
import { recordedBuilds } from "./deployments/recorded-builds.ts";
import { createInsightsService, type InsightsService } from "./insights/insights.ts";
import { createJournalService, type JournalService } from "./journal/journal-service.ts";
import type { Logger } from "./logging.ts";
import { admissionLoop } from "./loops/admission-loop.ts";
import { bulkActionLoop } from "./loops/bulk-action-loop.ts";
import { checkpointLoop } from "./loops/checkpoint-loop.ts";
import { failureHookLoop } from "./loops/failure-hook-loop.ts";
import { heartbeatLoop } from "./loops/heartbeat-loop.ts";
import { imageCleanupLoop } from "./loops/image-cleanup-loop.ts";
import { insightsLoop } from "./loops/insights-loop.ts";
import { launchLoop } from "./loops/launch-loop.ts";
import { leaseLoop } from "./loops/lease-loop.ts";
import type { Loop } from "./loops/loop.ts";
import { LoopRunner } from "./loops/loop-runner.ts";
import { realtimeLoop } from "./loops/realtime-loop.ts";
import { retireLoop } from "./loops/retire-loop.ts";
import { scheduleLoop } from "./loops/schedule-loop.ts";
import { storageLoop } from "./loops/storage-loop.ts";
import { streamLoop } from "./loops/stream-loop.ts";
import { releaseAll, sweepLoop } from "./loops/sweep-loop.ts";
import { timerLoop } from "./loops/timer-loop.ts";
import { upkeepLoop } from "./loops/upkeep-loop.ts";
import { wakeLoop } from "./loops/wake-loop.ts";
import { watchingLoop } from "./loops/watching-loop.ts";
import { concurrencyLimitName } from "./projects/limits-policy.ts";
import type { EnvironmentRef } from "./projects/principal.ts";
import type { ProjectService } from "./projects/project-service.ts";
import type { VariablesService } from "./projects/variables-service.ts";
import type { QueueService } from "./queues/queue-service.ts";
import { LiveRuns } from "./realtime/live-runs.ts";
import { systemPulse } from "./realtime/pulse.ts";
import { createRealtimeMetrics } from "./realtime/realtime-metrics.ts";
import { Announcements } from "./runs/announcements.ts";
import { type BulkActionService, createBulkActionService } from "./runs/bulk-actions.ts";
import type { RunChanges } from "./runs/run-changes.ts";
import type { RunService } from "./runs/run-service.ts";
import type { RunStore } from "./runs/run-store.ts";
import { createRunService } from "./runs/runs.ts";
import { tellingJournalStore, tellingRunStore } from "./runs/told-changes.ts";
import { wakeTimers } from "./runs/wake-timers.ts";
import type { ScheduleService } from "./schedules/schedule-service.ts";
import { createScheduleService } from "./schedules/schedules.ts";
import type { SecretBox } from "./secrets/secret-box.ts";
import { StreamFeeds } from "./streams/stream-feeds.ts";
import { createStreamHints } from "./streams/stream-hints.ts";
import type { StreamService } from "./streams/stream-service.ts";
import { createStreamService } from "./streams/streams.ts";
import type { WaitpointService } from "./waitpoints/waitpoint-service.ts";
import { createWaitpointService } from "./waitpoints/waitpoints.ts";

export interface EngineDeps {
  pool: pg.Pool;
  prisma: PrismaClient;
  projects: ProjectService;
  credentials: WorkerCredentials;
  variables: Pick<VariablesService, "resolve">;
  /** Seals the keys of stored processes. */
  secrets: SecretBox;
  /** Whether the executor has workers that may store their task's process. */
  storesProcesses?: boolean;
  machines: Machines;
  executor: Executor;
  deploys: Omit<DeploysDeps, "deployments" | "clock" | "executor">;
  clock: Clock;
  logger: Logger;
  metrics: Registry;
  random: () => number;
  /** Room on the database's disk, where it is this machine's. */
  /** What this process does; all of it where it is left out. */
  roles?: readonly ("api" | "scheduler")[];
  /** To the other replicas; nobody where it is left out. */
  bus?: Bus;
  /** Undefined where this process is the only one. */
  leadership?: Leadership;
  /** How long entries of the audit log are kept; 365 days where it is left out. */
  auditDays?: number;
  /** Why runs cannot start; undefined where they can. Left out: no cluster. */
  clusterProblem?: (() => string | undefined) | undefined;
  /** Why no process can be stored though that is switched on; undefined where nothing is known to be wrong. */
  checkpointProblem?: (() => string | undefined) | undefined;
  freeStorageBytes?: (() => Promise<number | undefined>) | undefined;
  timing?: Partial<StoreTiming>;
}

export interface Engine {
  runs: RunService;
  waitpoints: WaitpointService;
  streams: StreamService;
  /** Closed before the server is: its readings end. */
  streamFeeds: StreamFeeds;
  journals: JournalService;
  checkpoints: CheckpointService;
  insights: InsightsService;
  bulkActions: BulkActionService;
  cluster: ClusterService;
  queues: QueueService;
  schedules: ScheduleService;
  deployments: DeploymentService;
  deploys: DeployService;
  builds: BuildStore;
  workers: WorkerService;
  /** What the executor tells of its workers. */
  observations: WorkerObservations;
  startExchange: StartExchange;
  store: RunStore;
  runChanges: RunChanges;
  /** Runs as they change, for sockets. */
  live: LiveRuns;
  loops: LoopRunner;
}

/** Wires the capabilities to their adapters and lists every loop. No process, no port: main.ts and tests start it. */
export function createEngine(deps: EngineDeps): Engine {
  const { pool, prisma, projects, credentials, executor, clock, logger, machines } = deps;
  const wakeRuns = () => loops.wake("wakes");
  const {
    roles = ["api", "scheduler"],
    storesProcesses = false,
    bus = new MemoryBusHub().join(),
    leadership = soleLeader,
  } = deps;
  const hints = new RunHints({ bus, clock });
  const store = tellingRunStore(createPostgresRunStore(pool, deps.timing, { onSettlement: wakeRuns }), hints);
  const leaseTtlMs = deps.timing?.leaseTtlMs ?? LEASE_TTL_MS;
  const journalStore = tellingJournalStore(
    createPostgresJournalStore(pool, { leaseTtlMs, onWake: wakeRuns, secrets: deps.secrets }),
    hints,
  );
  const checkpoints = createPostgresCheckpointStore(pool, deps.secrets);
  const catalog = createDeploymentCatalog(pool);
  const connected = new ConnectedWorkers();
  const changes = environmentChanges(bus);
  const isLeader = () => leadership.isLeader;
  const metrics = engineMetrics(deps.metrics, connected);
  const checkpointMetrics = createCheckpointMetrics(deps.metrics, checkpoints);
  let isStorageFull = false;
  const woken = new Set<number>();
  /** Versions this platform had workers made for: they are retired even if none ever connects. */
  const prepared = new Set<string>();
  const announcements: Announcements = new Announcements((environmentId) => {
    if (!roles.includes("scheduler")) return forwardWake(bus, announcements, environmentId);
    woken.add(environmentId);
    loops.wake("admission");
  });
  if (roles.includes("scheduler")) receiveWakes(bus, announcements);
  changes.onChange((environmentId) => catalog.invalidate(environmentId));
  const limits = (environment: EnvironmentRef): Promise<Limits> => projects.limits(environment);
  const environmentById = (id: number) => projects.environmentById(id);
  const startDeadlineMs = deps.timing?.startDeadlineMs ?? DEFAULT_TIMING.startDeadlineMs;
  const tellWorker = createTellWorker({ bus, workers: connected, executor, logger });
  const shared = {
    store,
    journals: journalStore,
    checkpoints,
    storesProcesses,
    checkpointMetrics,
    onNotRestored: (reason: string) => checkpointMetrics.failed("restore", reason),
    tellWorker,
    catalog,
    announcements,
    credentials,
    executor,
    logger,
    machines,
    environmentById,
    startDeadlineMs,
    workers: connected,
  };
  const dispatch = new Dispatch(shared);
  const heartbeats = new HeartbeatFlush({
    store: (executions) => store.heartbeat(executions, leaseTtlMs),
    news: (executions) => journalStore.news(executions),
  });
  const wokenTimers = wakeTimers(
    createRunService({ store, catalog, announcements, limits, tellWorker, isStorageFull: () => isStorageFull }),
    () => loops.wake("timers"),
  );

  const wakeSoon = (dueInMs: number) => {
    if (dueInMs < 1000) wakeRuns();
  };

  const insightStore = createInsightStore(pool);
  const bulkActions = createBulkActionStore(pool);
  const scheduleStore = createPostgresScheduleStore(pool);
  const schedules = createScheduleService({
    store: scheduleStore,
    runs: wokenTimers,
    catalog,
    limits,
    clock,
    onChange: (environment) => {
      loops.wake("schedules");
      changes.announce(environment.id);
    },
  });
  changes.onChange(() => loops.wake("schedules"));

  const promoted = promotion({ ...shared, limits, changes, prepared });
  const onPromoted = (environment: EnvironmentRef, deploymentId: string) => {
    loops.wake("schedules");
    return promoted(environment, deploymentId);
  };
  const deployments = createDeploymentService({ prisma, onPromoted });
  const builds = createBuildStore(pool);
  const deploys = recordedBuilds(
    createDeployService({ ...deps.deploys, deployments, clock, executor: executorKind(executor) }),
    { builds, clock, logger },
  );

  const streamStore = createPostgresStreamStore(pool);
  const streamHints = createStreamHints(bus, hints);
  const streamFeeds = new StreamFeeds({ store: streamStore, changes: hints, hints: streamHints });

  const live = new LiveRuns({
    reads: createLiveReads(pool),
    changes: hints,
    pulse: systemPulse,
    metrics: createRealtimeMetrics(deps.metrics),
    wakeCheck: () => loops.wake("realtime"),
    onError: (error, what) => logger.error({ err: error }, what),
  });

  const all: Loop[] = [
    admissionLoop({
      store,
      dispatch,
      announcements,
      workers: connected,
      takeWoken: () => {
        const ids = [...woken];
        woken.clear();
        return ids;
      },
      isAnyOtherWoken: (environmentId) => woken.size > (woken.has(environmentId) ? 1 : 0),
      onAdmitted: (count) => metrics.admitted.inc(count),
    }),
    wakeLoop({ journals: journalStore, announcements, tellWorker }),
    timerLoop({ store, announcements, tellWorker }),
    heartbeatLoop({ leaseTtlMs, store, heartbeats, workers: connected }),
    leaseLoop({
      leaseTtlMs,
      store,
      isLeader,
      announcements,
      tellWorker,
      onLost: (why) => metrics.lost.inc({ why }),
      logger,
    }),
    scheduleLoop({ schedules: scheduleStore, runs: wokenTimers, environmentById, logger }),
    sweepLoop({ store, announcements }),
    checkpointLoop({ checkpoints }),
    failureHookLoop({ ...shared, dispatch }),
    launchLoop({ dispatch }),
    retireLoop({
      candidates: () => [...prepared, ...connected.links().map((link) => link.deploymentId)],
      isIdle: (deploymentId) => isIdleDeployment(pool, deploymentId),
      retired: (deploymentId) => prepared.delete(deploymentId),
      executor,
    }),
    storageLoop({
      freeBytes: deps.freeStorageBytes ?? (async () => undefined),
      setFull: (isFull) => (isStorageFull = isFull),
      logger,
    }),
    imageCleanupLoop({ deploys, projects }),
    insightsLoop({ insights: insightStore, isLeader }),
    bulkActionLoop({ actions: bulkActions, store, runs: wokenTimers, environmentById, isLeader }),
    upkeepLoop({
      store,
      upkeep: createUpkeep(pool, { auditDays: deps.auditDays ?? 365 }),
      insights: insightStore,
      isLeader,
    }),
    watchingLoop(hints),
    realtimeLoop(live),
    streamLoop({ feeds: streamFeeds }),
  ];
  const runsHere = ({ role = "scheduler" }: Loop) => role === "any" || roles.includes(role);
  const loops = new LoopRunner(all.filter(runsHere), {
    leadership,
    clock,
    logger,
    onTick: (name, ms, failed) => metrics.ticks.labels(name, failed ? "failed" : "ok").observe(ms / 1000),
  });

  const workersDeps = { ...shared, dispatch, heartbeats, leaseTtlMs, limits, random: deps.random };
  const completions = new Completions(workersDeps);
  const workerJournals = createWorkerJournals({ ...shared, journals: journalStore, limits, wakeSoon });
  const full = { isStorageFull: () => isStorageFull };
  const workerCheckpoints = createWorkerCheckpoints({ ...shared, ...full, limits });
  return {
    runs: wokenTimers,
    waitpoints: createWaitpointService({
      store: createWaitpointStore(pool),
      clock,
      limits,
      wake: wakeRuns,
      isStorageFull: () => isStorageFull,
    }),
    streams: createStreamService({
      store: streamStore,
      feeds: streamFeeds,
      hints: streamHints,
      limits,
      clock,
      wake: wakeRuns,
      isStorageFull: () => isStorageFull,
    }),
    streamFeeds,
    journals: createJournalService(journalStore),
    checkpoints: createCheckpointService({ ...shared, ...full, limits }),
    insights: createInsightsService({ store: insightStore, clock, limits }),
    cluster: createClusterService({
      executor,
      problem: deps.clusterProblem,
      catalog,
      executions: (environmentId) => executionsByDeployment(pool, environmentId),
      checkpoints,
      storesProcesses,
      checkpointProblem: deps.checkpointProblem,
      clock,
    }),
    bulkActions: createBulkActionService({ store: bulkActions, onCreate: () => loops.wake("bulk-actions") }),
    queues: createQueueService(pool, announcements),
    schedules,
    deployments,
    deploys,
    builds,
    workers: createWorkerService({ ...workersDeps, completions, workerJournals, workerCheckpoints }),
    observations: createWorkerObservations({ ...workersDeps, completions, tellWorker }),
    startExchange: createStartExchange({ ...shared, variables: deps.variables }),
    store,
    runChanges: hints,
    live,
    loops,
  };
}

function executorKind({ name }: Executor): DeploysDeps["executor"] {
  return name === "process" || name === "kubernetes" ? name : "none";
}

interface PromotionDeps {
  store: RunStore;
  catalog: DeploymentCatalog;
  announcements: Announcements;
  executor: Executor;
  logger: Logger;
  limits(environment: EnvironmentRef): Promise<Limits>;
  prepared: Set<string>;
  changes: EnvironmentChanges;
}

/** What follows when a version became current: runs that waited for it go on, and its workers boot ahead. */
function promotion(deps: PromotionDeps) {
  const { store, catalog, announcements, executor, logger, limits, prepared, changes } = deps;
  return async (environment: EnvironmentRef, deploymentId: string): Promise<void> => {
    catalog.invalidate(environment.id);
    changes.announce(environment.id);
    await releaseAll({ store, announcements }, environment.id);
    announcements.wake(environment.id);
    const deployment = await catalog.byId(deploymentId);
    if (deployment === undefined) return;
    const concurrency = (await limits(environment))[concurrencyLimitName(environment.type)];
    prepared.add(deploymentId);
    await executor.prepare(deployment, concurrency).catch((error: unknown) => {
      const { version } = deployment;
      logger.error({ err: error, version }, "a promoted version could not be booted ahead; it is when a run needs it");
    });
  };
}

function engineMetrics(registry: Registry, connected: ConnectedWorkers) {
  new Gauge({
    name: "gantry_assigned_executions",
    help: "Executions given to workers connected to this platform.",
    registers: [registry],
    collect() {
      this.set(connected.assigned);
    },
  });
  return {
    admitted: new Counter({
      name: "gantry_admitted_runs_total",
      help: "Runs let in by admission.",
      registers: [registry],
    }),
    lost: new Counter({
      name: "gantry_lost_executions_total",
      help: "Executions whose lease or start deadline passed without a word of their worker.",
      labelNames: ["why"],
      registers: [registry],
    }),
    ticks: new Histogram({
      name: "gantry_loop_tick_seconds",
      help: "How long a loop's tick took.",
      labelNames: ["loop", "outcome"],
      buckets: [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10],
      registers: [registry],
    }),
  };
}
