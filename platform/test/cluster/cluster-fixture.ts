import { randomBytes } from "node:crypto";
import { MACHINE_PRESETS } from "@gantry/sdk/contract";
import { expect } from "vitest";
import { KubeApi } from "../../src/adapters/kubernetes/kube-api.ts";
import { loadKubeConfig } from "../../src/adapters/kubernetes/kube-config.ts";
import {
  KubernetesExecutor,
  type KubernetesExecutorOptions,
} from "../../src/adapters/kubernetes/kubernetes-executor.ts";
import { RunsNamespace } from "../../src/adapters/kubernetes/runs-namespace.ts";
import type { EventObject } from "../../src/adapters/kubernetes/slim-objects.ts";
import type { LaunchRequest } from "../../src/cluster/executor.ts";
import type { Leadership } from "../../src/cluster/leadership.ts";
import type { WorkerObservation, WorkerObservations } from "../../src/cluster/worker-observations.ts";
import { newUuid } from "../../src/ids.ts";
import { createLogger } from "../../src/logging.ts";
import { playedImage } from "./played-image.ts";

/** The cluster to test on; without it these tests are skipped. `make e2e` sets it. */
export const KUBECONFIG = process.env.GANTRY_TEST_KUBECONFIG ?? process.env.KUBECONFIG;

/** What a pod of the played image does until it is ended. */
export const IDLE = "setInterval(() => {}, 1000)";

/** A bound, not a measure: with two cores at work the kubelet takes its time. */
export const LONG = { timeout: 150_000, interval: 50 };

const withLimit = (ms: number) => ({ unschedulableMs: ms, neverFitsMs: ms, imagePullMs: ms, podStartMs: ms });
/** For what is to start in the end, however long the node takes. */
const PATIENT = withLimit(LONG.timeout);
/** For what never starts. */
export const IMPATIENT = withLimit(3_000);

/** Remembers what it is told; all executions are live but those that are said not to be. */
export class PlayedObservations implements WorkerObservations {
  readonly told: { executionId: string; observation: WorkerObservation; at: number }[] = [];
  readonly dead = new Set<string>();

  async observed(executionId: string, observation: WorkerObservation): Promise<void> {
    this.told.push({ executionId, observation, at: Date.now() });
  }

  async liveAmong(executionIds: string[]): Promise<Set<string>> {
    return new Set(executionIds.filter((id) => !this.dead.has(id)));
  }

  of(executionId: string): WorkerObservation[] {
    return this.told.filter((each) => each.executionId === executionId).map(({ observation }) => observation);
  }
}

export const ALWAYS_LEADER: Leadership = { isLeader: true, onChange() {}, async close() {} };

/** A namespace of its own on the real cluster, an executor in it, and what that told. */
export async function clusterFixture(options: Partial<KubernetesExecutorOptions> = {}) {
  const admin = new KubeApi(loadKubeConfig(KUBECONFIG), 1000);
  const name = `gantry-test-${randomBytes(4).toString("hex")}`;
  await admin.request("POST", "/api/v1/namespaces", { body: { metadata: { name, labels: { "gantry-test": name } } } });
  await withServiceAccount(admin, name);
  const image = await playedImage();
  const observations = new PlayedObservations();
  const executors: KubernetesExecutor[] = [];

  /** As a replica of the platform that is started. */
  async function executor(over: Partial<KubernetesExecutorOptions> = {}): Promise<KubernetesExecutor> {
    const made = new KubernetesExecutor({
      namespace: name,
      kubeconfig: KUBECONFIG,
      instance: "test",
      platformUrl: () => "http://10.255.0.1:4400",
      registry: image.registry,
      templates: { default: { spec: playing(IDLE) } },
      limits: PATIENT,
      finishedTtlMs: 1_000,
      failedTtlMs: 1_000,
      qps: 200,
      credentials: { issueBootstrapToken: () => "bootstrap-token" },
      observations,
      leadership: ALWAYS_LEADER,
      log: createLogger({ level: process.env.GANTRY_TEST_LOG ?? "silent", format: "pretty" }),
      ...options,
      ...over,
    });
    executors.push(made);
    await made.start();
    return made;
  }

  function request(over: Partial<LaunchRequest> = {}): LaunchRequest {
    return {
      executionId: newUuid(),
      runId: newUuid(),
      taskId: "played",
      attempt: 1,
      machine: MACHINE_PRESETS.micro,
      deployment: {
        id: newUuid(),
        environmentId: 1,
        version: "20261122.1",
        manifest: {
          manifestVersion: 1,
          sdkVersion: "0.1.0",
          runtime: "node24",
          tasks: [],
          queues: [],
          entry: "entry.mjs",
          processKeepAlive: false,
        },
        source: { kind: "image", repository: image.repository, digest: image.digest },
      },
      environment: {
        id: 1,
        publicId: "env_1",
        slug: "prod",
        type: "PRODUCTION",
        projectId: "1",
        projectRef: "proj_played",
        projectName: "Played",
      },
      epoch: 1,
      startDeadlineAt: new Date(Date.now() + 60_000),
      ...over,
    };
  }

  const runs = new RunsNamespace(admin, name, "test");
  return {
    name,
    admin,
    runs,
    observations,
    executor,
    request,
    /** The Jobs that are there, less those on their way out. */
    async jobs() {
      const { items } = await runs.listJobs();
      return items.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
    },
    async pods() {
      return (await runs.listPods()).items;
    },
    /** Resolves when the execution's pod runs its container. */
    async running(executionId: string) {
      const find = async () =>
        (await runs.listPods()).items.find(({ metadata }) => metadata.name.includes(executionId)) ?? undefined;
      await expect.poll(async () => (await find())?.status?.containerStatuses?.[0]?.state?.running, LONG).toBeDefined();
      return (await find())?.metadata.name as string;
    },
    /** Resolves when pods are refused with these words: what is to refuse them takes effect a moment after it was made. */
    async untilPodsAreRefused(words: string) {
      const pod = { metadata: { name: "probe" }, spec: { containers: [{ name: "probe", image: "probe" }] } };
      const refusal = () =>
        admin.request("POST", runs.path("pods"), { body: pod, query: { dryRun: "All" } }).then(
          () => "",
          (error: Error) => error.message,
        );
      await expect.poll(refusal, LONG).toContain(words);
    },
    /** How long after the cluster's own first warning of it the execution's observation came; in whole seconds at worst. */
    async msAfterWarning(executionId: string, then: WorkerObservation["then"]) {
      const { items } = await runs.listEvents<EventObject>("type=Warning");
      const warnings = items.filter(({ involvedObject }) => involvedObject.name?.includes(executionId));
      const warnedAt = Math.min(...warnings.map(({ metadata }) => Date.parse(metadata.creationTimestamp ?? "")));
      const told = observations.told.find((each) => each.executionId === executionId && each.observation.then === then);
      return (told?.at ?? Number.NaN) - warnedAt;
    },
    /** Resolves with the first observation of the kind, and how long it took from now. */
    async observed(executionId: string, then: WorkerObservation["then"]) {
      const startedAt = Date.now();
      const find = () => observations.of(executionId).find((each) => each.then === then);
      await expect.poll(() => observations.of(executionId).map((each) => each.then), LONG).toContain(then);
      return { ...(find() as WorkerObservation), ms: Date.now() - startedAt };
    },
    async remove() {
      for (const made of executors) await made.stop("leave");
      const { items } = await runs.listPods();
      const now = { gracePeriodSeconds: 0 };
      for (const { metadata } of items)
        await admin.request("DELETE", runs.path("pods", metadata.name), { body: now }).catch(() => undefined);
      await admin.request("DELETE", `/api/v1/namespaces/${name}`);
      admin.close();
    },
  };
}

export type ClusterFixture = Awaited<ReturnType<typeof clusterFixture>>;

/** Lays the code into the worker's container. */
export function playing(code: string) {
  return { containers: [{ name: "task", env: [{ name: "PLAY", value: code }] }], terminationGracePeriodSeconds: 30 };
}

/** Pods are refused until the namespace's service account is there. */
async function withServiceAccount(admin: KubeApi, namespace: string): Promise<void> {
  const path = `/api/v1/namespaces/${namespace}/serviceaccounts/default`;
  await expect.poll(() => admin.request("GET", path).then(Boolean, () => false), LONG).toBe(true);
}
