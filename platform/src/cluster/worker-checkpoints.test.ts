import { DEFAULT_LIMITS, type RunnerMessage } from "@gantry/sdk/contract";
import { describe, expect, test } from "vitest";
import type { CheckpointStore } from "../checkpoints/checkpoint-store.ts";
import type { EnvironmentRef } from "../projects/principal.ts";
import { createWorkerCheckpoints, type WorkerCheckpointsDeps } from "./worker-checkpoints.ts";
import type { WorkerLink } from "./worker-service.ts";

type Begin = CheckpointStore["begin"];
const link = { workerId: "w", environmentId: 1, deploymentId: "d" } as WorkerLink;
const ask = { type: "checkpoint", id: "1", executionId: "e", fence: "7" } as const;
const features = { node: "n1", arch: "x64", kernel: "6.18.1", cpuFlags: [] };
const node: Extract<RunnerMessage, { type: "node" }> = { type: "node", features, works: true };

function played(
  over: Partial<WorkerCheckpointsDeps> = {},
  begin: Begin = async () => ({ checkpointId: "c", key: "k" }),
) {
  const logged: string[] = [];
  const checkpoints = { begin, spend: async () => "granted" as const, noteNode: async () => undefined };
  const service = createWorkerCheckpoints({
    checkpoints,
    storesProcesses: true,
    checkpointMetrics: { restored: () => undefined },
    environmentById: async () => ({ id: 1 }) as EnvironmentRef,
    limits: async () => ({ ...DEFAULT_LIMITS, checkpointBytes: 5000, environmentCheckpointBytes: 9000 }),
    isStorageFull: () => false,
    logger: { error: (_fields: unknown, text?: string) => void logged.push(text ?? "") } as never,
    ...over,
  });
  return { service, logged };
}

describe("a worker that is about to store its process", () => {
  test("is given a checkpoint, its key, and how large it may become", async () => {
    const asked: unknown[] = [];
    const { service } = played({}, async (execution, maxBytes) => {
      asked.push(execution, maxBytes);
      return { checkpointId: "c", key: "k" };
    });
    expect(await service.checkpoint(link, ask)).toEqual({ checkpointId: "c", key: "k", maxStoredBytes: 5000 });
    expect(asked).toEqual([{ environmentId: 1, executionId: "e", fence: "7" }, 9000]);
  });

  const refusals: Record<string, { over?: Partial<WorkerCheckpointsDeps>; begin?: Begin; want: object }> = {
    "where processes are not stored at all": {
      over: { storesProcesses: false },
      want: { code: "CHECKPOINT_UNAVAILABLE" },
    },
    "while the database's disk is nearly full": {
      over: { isStorageFull: () => true },
      want: { code: "CHECKPOINT_UNAVAILABLE", message: "The database's disk is nearly full." },
    },
    "whose environment is gone": {
      over: { environmentById: async () => undefined },
      want: { code: "EXECUTION_FENCED" },
    },
    "whose execution is another's": { begin: async () => "fenced", want: { code: "EXECUTION_FENCED" } },
    "whose environment has as much as it may": {
      begin: async () => ({ limit: "environmentCheckpointBytes", max: 9000 }),
      want: { code: "LIMIT_EXCEEDED", details: { limit: "environmentCheckpointBytes", max: 9000 } },
    },
  };
  test.each(Object.entries(refusals))("is refused one %s", async (_where, { over, begin, want }) => {
    await expect(played(over, begin).service.checkpoint(link, ask)).rejects.toMatchObject(want);
  });
});

describe("what a worker found out about its node", () => {
  test("is stored without anybody waiting for it; a database that is away is only logged", async () => {
    const failing = { begin: async () => "fenced" as const, spend: async () => "spent" as const };
    const noteNode = () => Promise.reject(new Error("away"));
    const { service, logged } = played({ checkpoints: { ...failing, noteNode } });
    service.node(link, node);
    await new Promise((resolve) => setImmediate(resolve));
    expect(logged).toEqual(["what a worker found out about its node was not stored"]);
  });
});
