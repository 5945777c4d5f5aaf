import type { TaskDeclaration } from "@gantry/sdk/contract";
import { describe, expect, test } from "vitest";
import type { RestoreNeeds } from "../checkpoints/checkpoint-store.ts";
import type { CatalogedDeployment } from "../deployments/deployment-catalog.ts";
import { machinesWith } from "../deployments/machines.ts";
import type { EnvironmentRef } from "../projects/principal.ts";
import type { AwaitedExecution } from "../runs/run-store.ts";
import { type LaunchDeps, launchRequestsOf } from "./launch-request.ts";

const NEEDS: RestoreNeeds = {
  features: { node: "n1", arch: "x64", kernel: "6.18.0", cpuFlags: [] },
  refusedNodes: ["n2"],
};

function awaited(over: Partial<AwaitedExecution> = {}): AwaitedExecution {
  return {
    executionId: "e",
    fence: String(3n << 32n),
    deploymentId: "d",
    environmentId: 1,
    runId: "r",
    taskId: "task",
    attempt: 1,
    machine: undefined,
    startDeadlineAt: new Date(0),
    ...over,
  };
}

/** Of one task; what is asked of the store is counted. */
function depsOf(declaration: Partial<TaskDeclaration>, manifest: object = {}) {
  const asked = { needs: [] as string[], nodes: 0 };
  const deployment = {
    id: "d",
    manifest: { tasks: [], ...manifest },
    tasks: new Map([["task", { declaration: { id: "task", ...declaration }, queueId: 1 }]]),
  } as unknown as CatalogedDeployment;
  const deps: LaunchDeps = {
    catalog: { byId: async (id: string) => (id === "d" ? deployment : undefined) } as LaunchDeps["catalog"],
    machines: machinesWith(),
    environmentById: async () => ({ id: 1 }) as EnvironmentRef,
    checkpoints: {
      restoreNeeds: async (_environmentId, runId) => {
        asked.needs.push(runId);
        return NEEDS;
      },
      nodes: async () => {
        asked.nodes += 1;
        return [];
      },
    },
  };
  return { deps, asked };
}

describe("a launch", () => {
  const wishes: Record<string, { task: object; manifest?: object; want: boolean }> = {
    "of a task that says nothing stores no process": { task: {}, want: false },
    "of a task with mode process may": { task: { checkpoint: { mode: "process" } }, want: true },
    "of a task that lets auto choose may": { task: { checkpoint: { process: true } }, want: true },
    "of a project whose default it is may": {
      task: {},
      manifest: { defaultCheckpoint: { process: true } },
      want: true,
    },
    "of a task that holds stores none, whatever its project says": {
      task: { checkpoint: { mode: "hold" } },
      manifest: { defaultCheckpoint: { process: true } },
      want: false,
    },
  };
  test.each(Object.entries(wishes))("%s", async (_title, { task, manifest, want }) => {
    const { deps, asked } = depsOf(task, manifest);
    expect(await launchRequestsOf(deps, [awaited()])).toMatchObject([{ storesProcess: want, restore: undefined }]);
    expect(asked).toEqual({ needs: [], nodes: 0 });
  });

  test("of a hook, which has nothing to store, is as any", async () => {
    const { deps } = depsOf({ checkpoint: { mode: "process" } });
    const [request] = await launchRequestsOf({ ...deps, checkpoints: undefined }, [awaited({ hasCheckpoint: true })]);
    expect(request).toMatchObject({ storesProcess: false, restore: undefined });
  });

  test("that brings a process back says what that needs, and asks once for all what is known of nodes", async () => {
    const { deps, asked } = depsOf({ checkpoint: { mode: "process" } });
    const requests = await launchRequestsOf(deps, [
      awaited({ runId: "r1", hasCheckpoint: true }),
      awaited({ runId: "r2", hasCheckpoint: true }),
      awaited({ deploymentId: "gone", runId: "r3", hasCheckpoint: true }),
    ]);
    const restore = { ...NEEDS, nodes: [] };
    expect(requests).toMatchObject([
      { runId: "r1", storesProcess: true, restore, epoch: 3 },
      { runId: "r2", storesProcess: true, restore },
    ]);
    expect(asked).toEqual({ needs: ["r1", "r2"], nodes: 1 });
  });
});
