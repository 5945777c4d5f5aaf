import { describe, expect, test } from "vitest";
import type { PodObject, WarningEvent } from "./cluster-facts.ts";
import { type ShownJob, seenJob, seenNodes } from "./cluster-sight-policy.ts";

const JOB: ShownJob = {
  metadata: {
    name: "gantry-1-x",
    creationTimestamp: "2026-11-22T08:00:00Z",
    labels: { "gantry.dev/run": "run_1", "gantry.dev/task": "import-all", "gantry.dev/version": "20261122.1" },
    annotations: { "gantry.dev/task": "import all" },
  },
};
const pod = (status: PodObject["status"], over: Partial<PodObject["metadata"]> = {}): PodObject => ({
  metadata: { name: "gantry-1-x-abcde", creationTimestamp: "2026-11-22T08:00:01Z", ...over },
  spec: { nodeName: "n1", containers: [{ name: "task", resources: { requests: { cpu: "375m", memory: "512Mi" } } }] },
  status: status ?? {},
});
const task = (state: object, restartCount = 0) => [{ name: "task", state, restartCount }];
const warning: WarningEvent = { reason: "FailedMount", message: "no secret", at: Date.parse("2026-11-22T08:00:05Z") };

describe("a Job as people see it", () => {
  const cases: Record<string, { pods: PodObject[]; warnings?: WarningEvent[]; job?: Partial<ShownJob>; want: object }> =
    {
      "without a pod, with a warning, is pending for that reason": {
        pods: [],
        warnings: [warning],
        want: { phase: "PENDING", reason: "FailedMount", message: "no secret", node: null },
      },
      "that no node takes says so": {
        pods: [
          pod({
            phase: "Pending",
            conditions: [{ type: "PodScheduled", status: "False", reason: "Unschedulable", message: "0/3 nodes" }],
          }),
        ],
        want: { phase: "PENDING", reason: "Unschedulable", message: "0/3 nodes" },
      },
      "whose image cannot be pulled says so": {
        pods: [
          pod({
            phase: "Pending",
            containerStatuses: task({ waiting: { reason: "ImagePullBackOff", message: "no image" } }),
          }),
        ],
        want: { phase: "PENDING", reason: "ImagePullBackOff", message: "no image" },
      },
      "that is being made has nothing to say": {
        pods: [pod({ phase: "Pending", containerStatuses: task({ waiting: { reason: "ContainerCreating" } }) })],
        want: { phase: "PENDING", reason: null, message: null },
      },
      "that runs says where and since when": {
        pods: [
          pod({ phase: "Running", containerStatuses: task({ running: { startedAt: "2026-11-22T08:00:04Z" } }, 2) }),
        ],
        warnings: [warning],
        want: {
          phase: "RUNNING",
          reason: null,
          node: "n1",
          startedAt: "2026-11-22T08:00:04.000Z",
          restarts: 2,
          warnings: [{ reason: "FailedMount", message: "no secret", at: "2026-11-22T08:00:05.000Z" }],
        },
      },
      "that used too much memory says how it ended": {
        pods: [
          pod({ phase: "Failed", containerStatuses: task({ terminated: { exitCode: 137, reason: "OOMKilled" } }) }),
        ],
        want: { phase: "FAILED", reason: "OOMKilled", message: "exit code 137" },
      },
      "that was evicted says so": {
        pods: [pod({ phase: "Failed", reason: "Evicted", message: "disk pressure" })],
        want: { phase: "FAILED", reason: "Evicted", message: "disk pressure" },
      },
      "that is complete has succeeded": {
        pods: [
          pod({ phase: "Succeeded", containerStatuses: task({ terminated: { exitCode: 0, reason: "Completed" } }) }),
        ],
        want: { phase: "SUCCEEDED", reason: null },
      },
      "that is being removed is ending": {
        pods: [],
        job: { metadata: { ...JOB.metadata, deletionTimestamp: "2026-11-22T08:01:00Z" } },
        want: { phase: "ENDING" },
      },
      "with two pods is as the newer one is": {
        pods: [
          pod({ phase: "Failed", reason: "NodeLost" }),
          pod({ phase: "Running" }, { name: "gantry-1-x-fghij", creationTimestamp: "2026-11-22T08:02:00Z" }),
        ],
        want: {
          phase: "RUNNING",
          pods: [{ name: "gantry-1-x-fghij" }, { name: "gantry-1-x-abcde", reason: "NodeLost" }],
        },
      },
    };
  test.each(Object.entries(cases))("%s", (_sentence, { pods, warnings = [], job = {}, want }) => {
    expect(seenJob({ ...JOB, ...job }, pods, warnings)).toMatchObject(want);
  });

  test("has its run, its task as it is really called, and its version", () => {
    expect(seenJob(JOB, [], [])).toMatchObject({ runId: "run_1", taskIdentifier: "import all", version: "20261122.1" });
  });
});

describe("a node as people see it", () => {
  const node = {
    metadata: { name: "n1" },
    status: {
      allocatable: { cpu: "4", memory: "8Gi", pods: "110" },
      conditions: [
        { type: "Ready", status: "True" },
        { type: "MemoryPressure", status: "True" },
        { type: "DiskPressure", status: "False" },
      ],
    },
  };

  test("has room, of which live pods of ours ask for a part", () => {
    const pods = [pod({ phase: "Running" }), pod({ phase: "Pending" }), pod({ phase: "Succeeded" })];
    expect(seenNodes([node], pods)).toEqual([
      {
        name: "n1",
        isReady: true,
        isSchedulable: true,
        pressure: ["MemoryPressure"],
        cpu: { total: 4, requested: 0.75 },
        memoryBytes: { total: 8 * 2 ** 30, requested: 2 ** 30 },
        pods: { total: 110, requested: 2 },
      },
    ]);
  });

  test("that is cordoned, or says nothing, is seen as such", () => {
    const [seen] = seenNodes([{ metadata: { name: "n2" }, spec: { unschedulable: true } }], []);
    expect(seen).toMatchObject({ isReady: false, isSchedulable: false, cpu: { total: 0, requested: 0 } });
  });
});
