import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { MACHINE_PRESETS } from "@gantry/sdk/contract";
import type { V1Job } from "@kubernetes/client-node";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { LaunchRequest } from "../../cluster/executor.ts";
import { jobName } from "../../cluster/job-manifest.ts";
import type { WorkerObservation } from "../../cluster/worker-observations.ts";
import type { Logger } from "../../logging.ts";
import { soleLeader } from "../memory/sole-leader.ts";
import { KubernetesExecutor, type KubernetesExecutorOptions } from "./kubernetes-executor.ts";

const EXECUTION = "0197a3c0-0000-7000-8000-00000000000e";
const FEATURES = { node: "n1", arch: "x64", kernel: "6.18.0", cpuFlags: [] };

/** A cluster's API of two namespaces, of which the second may refuse. */
let server: Server;
let jobs: Map<string, { metadata: { name: string; labels?: Record<string, string> } }[]>;
/** Of the checkpoint namespace. */
let refuses: { access?: true; jobs?: { status: number; message: string }; events?: object[] };
let told: [string, WorkerObservation][];
let executors: KubernetesExecutor[];
let folder: string;
let kubeconfig: string;

beforeEach(async () => {
  [refuses, told, executors] = [{}, [], []];
  jobs = new Map([
    ["runs", []],
    ["checkpoints", []],
  ]);
  server = createServer(async (request, response) => {
    const url = new URL(request.url ?? "", "http://api");
    const [, namespace = "", kind, name] = /namespaces\/([^/]+)\/(\w+)(?:\/(.+))?$/.exec(url.pathname) ?? [];
    const answer = (status: number, body: object) => response.writeHead(status).end(JSON.stringify(body));
    const body = JSON.parse((await text(request)) || "{}");
    if (url.pathname.endsWith("selfsubjectaccessreviews")) {
      const of = body.spec.resourceAttributes.namespace;
      return answer(201, { status: { allowed: !(refuses.access && of === "checkpoints") } });
    }
    if (url.searchParams.get("watch") === "true") return response.writeHead(200).flushHeaders();
    const isRefusing = namespace === "checkpoints";
    if (isRefusing && refuses.access) return answer(403, { reason: "Forbidden", message: "forbidden here" });
    const there = jobs.get(namespace) ?? [];
    if (request.method === "POST") {
      if (url.searchParams.get("dryRun") !== null) return answer(201, {});
      if (isRefusing && refuses.jobs !== undefined) return answer(refuses.jobs.status, refuses.jobs);
      there.push(body);
      return answer(201, body);
    }
    if (request.method === "DELETE") {
      jobs.set(
        namespace,
        there.filter(({ metadata }) => metadata.name !== name),
      );
      return answer(200, {});
    }
    if (kind === "events") return answer(200, { metadata: {}, items: (isRefusing && refuses.events) || [] });
    if (kind !== "jobs") return answer(200, { metadata: {}, items: [] });
    if (name === undefined) {
      const wanted = /gantry.dev\/execution=([^,]+)/.exec(url.searchParams.get("labelSelector") ?? "")?.[1];
      const isWanted = (job: (typeof there)[number]) => wanted === undefined || job.metadata.name.endsWith(wanted);
      return answer(200, { metadata: { resourceVersion: "1" }, items: there.filter(isWanted) });
    }
    const found = there.find(({ metadata }) => metadata.name === name);
    return answer(found === undefined ? 404 : 200, found ?? { reason: "NotFound", message: "not found" });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  folder = mkdtempSync(join(tmpdir(), "gantry-kubeconfig-"));
  kubeconfig = join(folder, "config");
  const { port } = server.address() as AddressInfo;
  writeFileSync(
    kubeconfig,
    JSON.stringify({
      clusters: [{ name: "c", cluster: { server: `http://127.0.0.1:${port}`, "insecure-skip-tls-verify": true } }],
      users: [{ name: "u", user: {} }],
      contexts: [{ name: "x", context: { cluster: "c", user: "u" } }],
      "current-context": "x",
    }),
  );
});

afterEach(async () => {
  await Promise.all(executors.map((each) => each.stop("leave")));
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  rmSync(folder, { recursive: true });
});

async function started(over: Partial<KubernetesExecutorOptions> = {}): Promise<KubernetesExecutor> {
  const limits = { unschedulableMs: 60_000, neverFitsMs: 60_000, imagePullMs: 60_000, podStartMs: 60_000 };
  const executor = new KubernetesExecutor({
    namespace: "runs",
    checkpoints: { namespace: "checkpoints", nodeSelector: {} },
    kubeconfig,
    instance: "gantry",
    platformUrl: () => "http://platform",
    registry: "registry",
    templates: {},
    limits,
    finishedTtlMs: 1,
    failedTtlMs: 1,
    qps: 1000,
    credentials: { issueBootstrapToken: () => "token" },
    observations: {
      observed: async (executionId, observation) => void told.push([executionId, observation]),
      liveAmong: async (executionIds) => new Set(executionIds),
    },
    leadership: { ...soleLeader, isLeader: false },
    log: { debug() {}, info() {}, warn() {}, error() {} } as unknown as Logger,
    ...over,
  });
  executors.push(executor);
  await executor.start();
  return executor;
}

function request(over: Partial<LaunchRequest> = {}): LaunchRequest {
  return {
    executionId: EXECUTION,
    runId: "0197a3c0-0000-7000-8000-00000000000a",
    taskId: "task",
    attempt: 1,
    machine: MACHINE_PRESETS["small-1x"],
    deployment: {
      id: "d",
      environmentId: 1,
      version: "1",
      manifest: {} as LaunchRequest["deployment"]["manifest"],
      source: { kind: "image", repository: "r", digest: "sha256:0" },
    },
    environment: { projectRef: "p", slug: "prod" } as LaunchRequest["environment"],
    epoch: 1,
    startDeadlineAt: new Date(0),
    storesProcess: true,
    ...over,
  };
}

const restore = { features: FEATURES, refusedNodes: [], nodes: [] };
const made = () => Object.fromEntries([...jobs].map(([name, there]) => [name, there.length]));
const isRelaxed = (job: unknown) =>
  (job as V1Job).spec?.template.spec?.containers[0]?.securityContext?.allowPrivilegeEscalation;

describe("a run whose process may be stored", () => {
  test("has its Job in the namespace for it, relaxed, and others have theirs where they always had", async () => {
    const executor = await started();
    await executor.launch([request(), request({ executionId: EXECUTION.replace(/e$/, "f"), storesProcess: false })]);
    expect(made()).toEqual({ runs: 1, checkpoints: 1 });
    expect([jobs.get("runs")?.map(isRelaxed), jobs.get("checkpoints")?.map(isRelaxed)]).toEqual([[false], [true]]);
    expect([told, executor.problem, executor.checkpointProblem]).toEqual([[], undefined, undefined]);
  });

  test("starts where all runs do while that is switched off", async () => {
    await (await started({ checkpoints: undefined })).launch([request()]);
    expect(made()).toEqual({ runs: 1, checkpoints: 0 });
    expect(isRelaxed(jobs.get("runs")?.[0])).toBe(false);
  });

  test("starts without, and is told why, where the platform may not use the namespace; nothing else is held up", async () => {
    refuses.access = true;
    const executor = await started();
    expect(executor.problem).toBeUndefined();
    expect(executor.checkpointProblem).toMatch(/may not do this in the namespace "checkpoints": create jobs/);
    await executor.launch([request()]);
    expect(made()).toEqual({ runs: 1, checkpoints: 0 });
    expect(told).toMatchObject([
      [EXECUTION, { then: "wait", code: "CHECKPOINTS_REFUSED", message: expect.stringContaining("may not do this") }],
    ]);
    expect((await executor.look(request().environment)).workers).toHaveLength(1);
    await executor.abandon(EXECUTION);
    expect(made()).toEqual({ runs: 0, checkpoints: 0 });
  });

  const refusals: Record<string, { status: number; message: string }> = {
    "has vanished": { status: 404, message: 'namespaces "checkpoints" not found' },
    "has an admission webhook against it": { status: 400, message: 'admission webhook "x" denied the request: no' },
  };
  test.each(Object.entries(refusals))("starts without where the namespace %s", async (_title, refusal) => {
    const executor = await started();
    refuses.jobs = refusal;
    await executor.launch([request()]);
    expect(made()).toEqual({ runs: 1, checkpoints: 0 });
    expect(executor.checkpointProblem).toBe(refusal.message);
    expect(told).toMatchObject([[EXECUTION, { then: "wait", code: "CHECKPOINTS_REFUSED" }]]);
  });

  test("waits where the namespace is full, as any run", async () => {
    refuses.jobs = { status: 403, message: "jobs.batch is forbidden: exceeded quota: checkpoints" };
    await (await started()).launch([request()]);
    expect(made()).toEqual({ runs: 0, checkpoints: 0 });
    expect(told).toMatchObject([[EXECUTION, { then: "requeue", code: "QUOTA_EXCEEDED" }]]);
  });

  test("has one Job, whatever another replica has found of the namespace", async () => {
    const one = await started();
    refuses.access = true;
    const other = await started();
    refuses = {};
    await one.launch([request()]);
    await other.launch([request()]);
    expect(made()).toEqual({ runs: 0, checkpoints: 1 });
    const next = request({ executionId: EXECUTION.replace(/e$/, "f") });
    await other.launch([next]);
    await one.launch([next]);
    expect(made()).toEqual({ runs: 1, checkpoints: 1 });
  });

  test("starts without once Pod Security has refused one's pod", async () => {
    const leader = await started({ leadership: soleLeader });
    await leader.launch([request()]);
    const job = jobName(1, EXECUTION);
    const message = `pods "${job}-x" is forbidden: violates PodSecurity "baseline:latest": seccompProfile`;
    refuses.events = [{ metadata: { name: "e" }, involvedObject: { name: job }, reason: "FailedCreate", message }];
    await leader.stop("leave");
    const next = await started({ leadership: soleLeader });
    await expect.poll(() => told).toMatchObject([[EXECUTION, { then: "requeue", code: "POD_SECURITY_DENIED" }]]);
    await next.launch([request({ executionId: EXECUTION.replace(/e$/, "f") })]);
    expect(made()).toEqual({ runs: 1, checkpoints: 1 });
    expect(next.checkpointProblem).toContain("violates PodSecurity");
  });
});

describe("a run whose process is stored", () => {
  test("waits for the namespace, and starts nowhere else", async () => {
    const executor = await started();
    refuses.jobs = { status: 403, message: "jobs.batch is forbidden" };
    await executor.launch([request({ restore })]);
    expect(made()).toEqual({ runs: 0, checkpoints: 0 });
    expect(told).toMatchObject([[EXECUTION, { then: "requeue", code: "CLUSTER_REFUSED" }]]);
    refuses = {};
    await executor.launch([request({ restore })]);
    expect(made()).toEqual({ runs: 0, checkpoints: 1 });
  });

  test("says why it waits where checkpoints are switched off meanwhile", async () => {
    await (await started({ checkpoints: undefined })).launch([request({ restore })]);
    expect(made()).toEqual({ runs: 0, checkpoints: 0 });
    expect(told).toMatchObject([
      [EXECUTION, { then: "requeue", code: "CHECKPOINTS_OFF", message: expect.stringContaining("switched off") }],
    ]);
  });
});

test("Jobs of both namespaces are seen, and removed from where they are", async () => {
  const executor = await started();
  const plain = request({ executionId: EXECUTION.replace(/e$/, "f"), storesProcess: false });
  await executor.launch([request(), plain]);
  const { workers } = await executor.look(plain.environment);
  expect(workers.map(({ name }) => name).sort()).toEqual([EXECUTION, plain.executionId].map((id) => jobName(1, id)));
  await executor.abandon(EXECUTION);
  expect(made()).toEqual({ runs: 1, checkpoints: 0 });
  await executor.launch([request({ executionId: EXECUTION.replace(/e$/, "d") })]);
  await executor.stop("kill");
  expect(made()).toEqual({ runs: 0, checkpoints: 0 });
});
