import { expect, test } from "vitest";
import type { LaunchRequest } from "../../cluster/executor.ts";
import type { WorkerObservation } from "../../cluster/worker-observations.ts";
import type { Logger } from "../../logging.ts";
import { soleLeader } from "../memory/sole-leader.ts";
import { KubernetesExecutor } from "./kubernetes-executor.ts";

const silent = { debug() {}, info() {}, warn() {}, error() {} } as unknown as Logger;
const LIMITS = { unschedulableMs: 1, neverFitsMs: 1, imagePullMs: 1, podStartMs: 1 };

function executorWith(kubeconfig: string) {
  const told: WorkerObservation[] = [];
  const executor = new KubernetesExecutor({
    namespace: "runs",
    kubeconfig,
    instance: "gantry",
    platformUrl: () => "http://platform",
    registry: "registry",
    templates: {},
    limits: LIMITS,
    finishedTtlMs: 1,
    failedTtlMs: 1,
    qps: 100,
    credentials: { issueBootstrapToken: () => "token" },
    observations: {
      observed: async (_executionId, observation) => void told.push(observation),
      liveAmong: async (executionIds) => new Set(executionIds),
    },
    leadership: soleLeader,
    log: silent,
  });
  return { executor, told };
}

const request = {
  executionId: "0197a3c0-0000-7000-8000-00000000000e",
  epoch: 1,
  taskId: "task",
  machine: { name: "small-1x", cpu: 0.5, memory: 0.5 },
  deployment: { environmentId: 1, id: "d" },
  startDeadlineAt: new Date(0),
} as unknown as LaunchRequest;

test("a launch of which the cluster decided nothing is explained and rejects, so that it is made again", async () => {
  const { executor, told } = executorWith("/nowhere/kubeconfig");
  for (let round = 0; round < 2; round++)
    await expect(executor.launch([request])).rejects.toThrow("/nowhere/kubeconfig cannot be read");
  expect(told).toMatchObject([
    { then: "wait", code: "CLUSTER_UNREACHABLE" },
    { then: "wait", code: "CLUSTER_UNREACHABLE" },
  ]);
});

test("a launch that was refused is told, and not made again", async () => {
  const { executor, told } = executorWith("/nowhere/kubeconfig");
  await executor.launch([{ ...request, podTemplate: "gpu" }]);
  expect(told).toMatchObject([{ then: "requeue", code: "CLUSTER_REFUSED" }]);
});
