import {
  applyMetadataOperations,
  DEFAULT_LIMITS,
  isFinalRunStatus,
  type Limits,
  type Manifest,
} from "@gantry/sdk/contract";
import { MemoryBusHub } from "../../src/adapters/memory/memory-bus.ts";
import { systemClock } from "../../src/clock.ts";
import type { WorkerCredentials } from "../../src/cluster/credentials.ts";
import type { DeployService } from "../../src/deployments/deploy-service.ts";
import type { DeploymentInfo, DeploymentService } from "../../src/deployments/deployment-service.ts";
import { AppError } from "../../src/errors.ts";
import { encodeId, newUuid } from "../../src/ids.ts";
import type { JournalService } from "../../src/journal/journal-service.ts";
import type { JournalView } from "../../src/journal/journal-store.ts";
import type { EnvironmentRef, KeyScope } from "../../src/projects/principal.ts";
import type { ApiKeyInfo, ProjectService } from "../../src/projects/project-service.ts";
import type { QueueInfo, QueueService } from "../../src/queues/queue-service.ts";
import type { BatchDetail, Packet, RunDetail, TriggerRequest, TriggerResult } from "../../src/runs/run.ts";
import type { RunService } from "../../src/runs/run-service.ts";
import type { ScheduleService } from "../../src/schedules/schedule-service.ts";
import { createScheduleService } from "../../src/schedules/schedules.ts";
import { StreamFeeds } from "../../src/streams/stream-feeds.ts";
import { createStreamHints } from "../../src/streams/stream-hints.ts";
import type { StreamService } from "../../src/streams/stream-service.ts";
import { createStreamService } from "../../src/streams/streams.ts";
import type { WaitpointService } from "../../src/waitpoints/waitpoint-service.ts";
import { createWaitpointService } from "../../src/waitpoints/waitpoints.ts";
import { fakeScheduleStore } from "./fake-schedules.ts";
import { fakeStreamStore } from "./fake-streams.ts";
import { fakeWaitpointStore } from "./fake-waitpoints.ts";

/** Personal access tokens that the fake knows: of all scopes, and for deploys alone. */
export const ACCESS_TOKEN = `gt_pat_${"p".repeat(32)}`;
export const DEPLOY_TOKEN = `gt_pat_${"d".repeat(32)}`;

/**
 * The ports behind the API, in memory, for tests of the edge itself: what it accepts, refuses and says. What runs really do
 * is tested on the real engine and a real Postgres.
 */
export class FakeEngine {
  readonly runs = new Map<string, RunDetail & { environmentId: number }>();
  readonly requests: TriggerRequest[] = [];
  readonly batches = new Map<string, BatchDetail & { environmentId: number }>();
  readonly packets = new Map<string, Packet>();
  /** By the run's id. */
  readonly journals = new Map<string, JournalView[]>();
  readonly keys = new Map<string, { environment: EnvironmentRef; keyId: string; scope: KeyScope; info: ApiKeyInfo }>();
  readonly spent = new Set<string>();
  readonly versions: DeploymentInfo[] = [];
  tasks = new Set(["import", "export", "report"]);
  limitsOf: Limits = { ...DEFAULT_LIMITS, apiBurst: 1_000_000 };
  /** Set to make every call fail so. */
  failure: Error | undefined;

  addKey(environment: EnvironmentRef, key: string, scope: KeyScope = "full"): string {
    const info: ApiKeyInfo = {
      id: `key_${this.keys.size}`,
      scope,
      hint: key.slice(-4),
      createdAt: new Date(0),
      expiresAt: undefined,
    };
    this.keys.set(key, { environment, keyId: info.id, scope, info });
    return key;
  }

  /** Ends a run as its worker would. */
  finish(runId: string, change: Partial<RunDetail>): void {
    Object.assign(this.runs.get(runId) as RunDetail, { finishedAt: new Date(), ...change });
  }

  #guard(): void {
    if (this.failure !== undefined) throw this.failure;
  }

  #trigger(environment: EnvironmentRef, request: TriggerRequest): TriggerResult | AppError {
    if (!this.tasks.has(request.taskId)) return new AppError("TASK_NOT_FOUND", `There is no task "${request.taskId}".`);
    const known = [...this.runs.values()].find(
      (run) =>
        run.environmentId === environment.id &&
        request.idempotencyKey !== undefined &&
        run.idempotencyKey === request.idempotencyKey,
    );
    if (known !== undefined) return { runId: known.id, isCached: true };
    const id = encodeId("run", newUuid());
    this.requests.push(request);
    this.runs.set(id, { ...newRun(id, request), environmentId: environment.id });
    return { runId: id, isCached: false };
  }

  #run(environment: EnvironmentRef, runId: string): RunDetail {
    const run = this.runs.get(runId);
    if (run === undefined || run.environmentId !== environment.id)
      throw new AppError("RUN_NOT_FOUND", `There is no run ${runId}.`);
    return run;
  }

  waitpointService(): WaitpointService {
    const store = fakeWaitpointStore(() => this.#guard());
    return createWaitpointService({
      store,
      clock: systemClock,
      limits: async () => this.limitsOf,
      wake: () => undefined,
    });
  }

  streamService(): StreamService {
    const store = fakeStreamStore({
      guard: () => this.#guard(),
      isLive: (environmentId, runId) => {
        const run = this.runs.get(encodeId("run", runId));
        return run?.environmentId !== environmentId ? undefined : run.finishedAt === undefined;
      },
    });
    const hints = createStreamHints(new MemoryBusHub().join(), { isWatched: () => false });
    const changes = { watch: () => () => undefined, onTouched: () => undefined, onLost: () => undefined };
    const feeds = new StreamFeeds({ store, changes, hints, lookGapMs: 0 });
    const limits = async () => this.limitsOf;
    return createStreamService({ store, feeds, hints, limits, clock: systemClock, wake: () => undefined });
  }

  scheduleService(): ScheduleService {
    const tasks = new Map(
      ["import", "report"].map((id) => {
        const kind = id === "report" ? ("SCHEDULED" as const) : ("STANDARD" as const);
        return [id, { queueId: 1, declaration: { id, filePath: `src/${id}.ts`, kind } }];
      }),
    );
    const source = { kind: "local" as const, bundleDir: "/b", projectDir: "/p", envFiles: [] };
    const version = { id: "1", environmentId: 1, version: "20260101.1", manifest: MANIFEST, source, tasks };
    return createScheduleService({
      store: fakeScheduleStore(() => this.#guard()),
      runs: this.runService(),
      catalog: { current: async () => version },
      limits: async () => this.limitsOf,
      clock: systemClock,
      onChange: () => undefined,
    });
  }

  journalService(): JournalService {
    return {
      view: async (environment, runId, { after = -1, limit }) => {
        this.#run(environment, runId);
        return (this.journals.get(runId) ?? []).filter(({ entry }) => entry > after).slice(0, limit);
      },
    };
  }

  runService(): RunService {
    const find = (environment: EnvironmentRef, runId: string) => {
      const run = this.runs.get(runId);
      return run?.environmentId === environment.id ? run : undefined;
    };
    const findBatch = (environment: EnvironmentRef, batchId: string) => {
      const batch = this.batches.get(batchId);
      return batch?.environmentId === environment.id ? batch : undefined;
    };
    const service: RunService = {
      isCurrent: async () => true,
      trigger: async (environment, requests) => {
        this.#guard();
        return requests.map((request) => this.#trigger(environment, request));
      },
      retrieve: async (environment, runId) => {
        this.#guard();
        return find(environment, runId);
      },
      list: async (environment, filter, page) => {
        this.#guard();
        const all = [...this.runs.values()]
          .reverse()
          .filter(
            (run) =>
              run.environmentId === environment.id &&
              (filter.tags === undefined || filter.tags.some((tag) => run.tags.includes(tag))) &&
              (filter.status === undefined || filter.status.includes(run.status)) &&
              (filter.taskId === undefined || filter.taskId.includes(run.taskId)) &&
              (filter.parentRunId === undefined || filter.parentRunId === run.parentRunId) &&
              (page.after === undefined || run.id < page.after),
          );
        const runs = all.slice(0, page.size);
        return { runs, next: all.length > page.size ? runs.at(-1)?.id : undefined, previous: undefined };
      },
      count: async (environment) => {
        const counts = new Map<RunDetail["status"], number>();
        for (const { environmentId, status } of this.runs.values())
          if (environmentId === environment.id) counts.set(status, (counts.get(status) ?? 0) + 1);
        return [...counts].map(([status, count]) => ({ status, count, isCapped: false }));
      },
      cancel: async (environment, runId) => {
        const run = this.#run(environment, runId);
        if (!isFinalRunStatus(run.status)) this.finish(runId, { status: "CANCELED" });
      },
      replay: async (environment, runId, overrides) => {
        const run = this.#run(environment, runId);
        const result = this.#trigger(environment, {
          taskId: run.taskId,
          payload: run.payload,
          tags: run.tags,
          replayedFromRunId: run.id,
          ...overrides,
        });
        if (result instanceof AppError) throw result;
        return result;
      },
      reschedule: async (environment, runId, delayUntil) => {
        const run = this.#run(environment, runId);
        if (run.status !== "DELAYED") throw new AppError("RUN_NOT_DELAYED", "The run is not delayed.");
        run.delayedUntil = delayUntil;
      },
      addTags: async (environment, runId, tags) => {
        const run = this.#run(environment, runId);
        run.tags = [...new Set([...run.tags, ...tags])];
        return run.tags;
      },
      updateMetadata: async (environment, runId, change) => {
        const run = this.#run(environment, runId);
        const before = change.replace ?? run.metadata;
        const after = applyMetadataOperations(
          before === undefined ? {} : JSON.parse(before.data.toString()),
          change.operations ?? [],
        );
        run.metadata = { data: Buffer.from(JSON.stringify(after)), type: "application/json" };
        return after;
      },
      explain: async (environment, runId) => {
        const run = find(environment, runId);
        return (
          run && {
            runId,
            status: run.status,
            reasons: [{ reason: "QUEUE_LIMIT", message: "The queue is full." }],
            position: 0,
          }
        );
      },
      events: async (environment, runId) =>
        find(environment, runId) && [
          { at: new Date(0), attempt: 1, kind: "log", level: "info", message: "hello", data: '{"a":1}', cursor: "1" },
        ],
      forceFail: async (environment, runId) => {
        this.#run(environment, runId);
        this.finish(runId, { status: "SYSTEM_FAILURE" });
      },
      resetIdempotencyKey: async (environment, _taskId, key) => {
        const run = [...this.runs.values()].find(
          (each) => each.environmentId === environment.id && each.idempotencyKey === key,
        );
        if (run !== undefined) run.idempotencyKey = undefined;
        return run !== undefined;
      },
      createBatch: async (environment, { expectedCount, idempotencyKey }) => {
        this.#guard();
        const known = [...this.batches.values()].find(
          (batch) => idempotencyKey !== undefined && batch.idempotencyKey === idempotencyKey,
        );
        if (known !== undefined) return { batchId: known.id, isCached: true };
        const batch = newBatch(encodeId("batch", newUuid()), expectedCount, idempotencyKey);
        this.batches.set(batch.id, { ...batch, environmentId: environment.id });
        return { batchId: batch.id, isCached: false };
      },
      addToBatch: async (environment, batchId, items) => {
        const batch = findBatch(environment, batchId);
        if (batch === undefined) throw new AppError("BATCH_NOT_FOUND", "There is no such batch.");
        return items.map(({ index, request }) => {
          const before = batch.runIds[index];
          if (before !== undefined) return { index, result: { runId: before, isCached: true } };
          const result = this.#trigger(environment, { ...request, batch: { id: batchId, index } });
          if (result instanceof AppError) {
            batch.failures.push({ index, code: result.code, message: result.message });
            return { index, error: result };
          }
          batch.runIds[index] = result.runId;
          return { index, result };
        });
      },
      sealBatch: async (environment, batchId) => {
        const batch = findBatch(environment, batchId);
        if (batch !== undefined) batch.sealed = true;
      },
      retrieveBatch: async (environment, batchId) => findBatch(environment, batchId),
      putPacket: async (environment, name, packet) => void this.packets.set(`${environment.id} ${name}`, packet),
      getPacket: async (environment, name) => this.packets.get(`${environment.id} ${name}`),
    };
    return service;
  }

  projectService(environments: readonly EnvironmentRef[]): ProjectService {
    const byId = (id: number) => environments.find((environment) => environment.id === id);
    return {
      ensureProject: async () => [...environments],
      environment: async (ref, slug) => environments.find((each) => each.projectRef === ref && each.slug === slug),
      environmentById: async (id) => byId(id),
      environments: async () => [...environments],
      limits: async () => this.limitsOf,
      setLimits: async (_environment, limits) => void (this.limitsOf = { ...this.limitsOf, ...limits }),
      createKey: async (environment, scope) => {
        const key = this.addKey(
          environment,
          `gt_${environment.slug}_sk_${"n".repeat(20)}${String(this.keys.size).padStart(4, "0")}`,
          scope,
        );
        return { key, info: (this.keys.get(key) as { info: ApiKeyInfo }).info };
      },
      listKeys: async (environment) =>
        [...this.keys.values()].filter((key) => key.environment.id === environment.id).map(({ info }) => info),
      revokeKey: async (_environment, keyId) => {
        for (const [key, { info }] of this.keys) if (info.id === keyId) this.keys.delete(key);
      },
      authenticateKey: async (key) => {
        const found = this.keys.get(key.replace(/^tr_/, "gt_"));
        return found && { environment: found.environment, keyId: found.keyId, scope: found.scope };
      },
      createAccessToken: async () => ({ token: ACCESS_TOKEN, tokenId: "token_1" }),
      listAccessTokens: async () => [
        { id: "token_1", name: "ada", scopes: [], hint: "pppp", createdAt: new Date(0), expiresAt: undefined },
      ],
      revokeAccessToken: async (id) => id === "token_1",
      authenticateAccessToken: async (token) => {
        if (token === DEPLOY_TOKEN) return { tokenId: "token_2", scopes: ["deploy"] };
        return token === ACCESS_TOKEN ? { tokenId: "token_1", scopes: [] } : undefined;
      },
      forgetAccessTokens: () => undefined,
      spendToken: async (tokenId) => !this.spent.has(tokenId) && this.spent.add(tokenId) !== undefined,
      signingKeys: async (id) =>
        [...this.keys]
          .filter(([, { environment, scope }]) => environment.id === id && scope === "full")
          .map(([key]) => key),
      forget: () => undefined,
      pause: async () => undefined,
    };
  }

  queueService(): QueueService {
    const queue: QueueInfo = {
      id: "queue_1",
      name: "task/import",
      kind: "task",
      queued: 1,
      running: 0,
      paused: false,
      concurrencyLimit: 5,
      declaredLimit: 5,
      overrideLimit: null,
      overriddenAt: null,
      combinedConcurrencyLimit: null,
      rateLimit: null,
      oldestQueuedAt: null,
      pausedAt: null,
      startsInPeriod: null,
    };
    const find = (ref: { type: string; name: string }) =>
      ref.name === queue.id || (ref.type === "task" ? `task/${ref.name}` : ref.name) === queue.name ? queue : undefined;
    const change = (ref: { type: string; name: string }, fields: Partial<QueueInfo>) => {
      const found = find(ref);
      return found && Object.assign(found, fields);
    };
    return {
      list: async () => ({ queues: [queue], total: 1 }),
      retrieve: async (_environment, ref) => find(ref),
      setPaused: async (_environment, ref, paused) => change(ref, { paused }),
      overrideLimit: async (_environment, ref, limit) =>
        change(ref, {
          overrideLimit: limit,
          concurrencyLimit: limit ?? 5,
          overriddenAt: limit === null ? null : new Date(0),
        }),
    };
  }

  deploymentService(): DeploymentService {
    return {
      register: async (_environment, { manifest, source, promote }) => {
        const version: DeploymentInfo = {
          id: encodeId("deployment", newUuid()),
          version: `20260101.${this.versions.length + 1}`,
          status: "DEPLOYED",
          isCurrent: promote,
          manifest,
          source,
          createdAt: new Date(0),
          promotedAt: promote ? new Date(0) : undefined,
        };
        this.versions.push(version);
        return version;
      },
      promote: async (_environment, version) => {
        for (const each of this.versions) each.isCurrent = each.version === version;
        return this.versions.find((each) => each.isCurrent) as DeploymentInfo;
      },
      retrieve: async (_environment, idOrVersion) =>
        this.versions.find(({ id, version }) => id === idOrVersion || version === idOrVersion),
      current: async () => this.versions.find(({ isCurrent }) => isCurrent),
      claimPrunableImages: async () => [],
      restoreImages: async () => undefined,
      list: async (_environment, { size }) => ({ deployments: this.versions.slice(0, size), next: undefined }),
    };
  }

  /** Takes any layer, and makes a version of whatever it is sent. */
  deployService(): DeployService {
    const deployments = this.deploymentService();
    return {
      target: () => ({
        executor: "kubernetes",
        builders: ["oci-registry"],
        platforms: ["linux/amd64"],
        baseImage: "registry.test/worker:1",
        repository: "gantry/one-prod",
        maxLayerBytes: 1_000_000,
      }),
      missingLayers: async (_environment, digests) => digests,
      storeLayer: async (_environment, _layer, content) => void content.resume(),
      check: () => this.#guard(),
      build: async (environment, { manifest, promote }, progress) => {
        progress.step("build", "Appending 1 layer");
        if (manifest.entry === "broken.mjs") throw new AppError("BUILD_FAILED", "The build failed.");
        const digest = `sha256:${"0".repeat(64)}`;
        const source = { kind: "image" as const, repository: "gantry/one-prod", digest };
        const deployment = await deployments.register(environment, { manifest, source, promote });
        return { deployment, isNew: true, platformMs: 5 };
      },
      verifySource: async () => undefined,
      pushAccess: async () => ({ registry: "registry.test", repository: "gantry/one-prod" }),
      prune: async () => ({ versions: [] }),
    };
  }

  credentials(): Pick<WorkerCredentials, "verifyRunToken" | "verifyWorkerToken"> {
    return {
      verifyWorkerToken: (token) => {
        const [, environmentId, executionId] = /^worker-token:(\d+):([\w-]*)$/.exec(token) ?? [];
        if (environmentId === undefined || executionId === undefined) return undefined;
        const worker = { workerId: "w", environmentId: Number(environmentId), deploymentId: "d" };
        return executionId === "" ? worker : { ...worker, executionId };
      },
      verifyRunToken: (token) => {
        const runId = /^run-token:(\d+):(run_\w+)$/.exec(token);
        return runId === null
          ? undefined
          : { environmentId: Number(runId[1]), runId: runId[2] as string, executionId: "e", fence: "1" };
      },
    };
  }
}

export const MANIFEST: Manifest = {
  manifestVersion: 1,
  sdkVersion: "0.1.0",
  runtime: "node@24",
  tasks: [{ id: "import", filePath: "src/import.ts", kind: "STANDARD" }],
  queues: [],
  entry: "entry.mjs",
  processKeepAlive: false,
};

function newRun(id: string, request: TriggerRequest): RunDetail {
  const now = new Date();
  return {
    id,
    taskId: request.taskId,
    status: request.delayUntil === undefined ? "QUEUED" : "DELAYED",
    version: request.version,
    queue: request.queue ?? `task/${request.taskId}`,
    concurrencyKey: request.concurrencyKey,
    idempotencyKey: request.idempotencyKey,
    machine: request.machine,
    isTest: request.isTest ?? false,
    tags: request.tags ?? [],
    priority: request.priority ?? 0,
    createdAt: now,
    updatedAt: now,
    startedAt: undefined,
    finishedAt: undefined,
    delayedUntil: request.delayUntil,
    ttlMs: request.ttlMs,
    expiredAt: undefined,
    computeMs: 0,
    depth: 0,
    parentRunId: request.parentRunId,
    rootRunId: undefined,
    batchId: request.batch?.id,
    attemptCount: 0,
    maxAttempts: request.maxAttempts ?? 3,
    revision: 0,
    payload: request.payload,
    output: undefined,
    metadata: request.metadata,
    error: undefined,
    attempts: [],
    cancelRequestedAt: undefined,
    maxDurationMs: request.maxDurationMs,
    replayedFromRunId: request.replayedFromRunId,
  };
}

function newBatch(id: string, runCount: number, idempotencyKey: string | undefined): BatchDetail {
  const now = new Date();
  return {
    id,
    status: "PENDING",
    idempotencyKey,
    createdAt: now,
    updatedAt: now,
    completedAt: undefined,
    runCount,
    runIds: [],
    sealed: false,
    failures: [],
  };
}
