import { expect, test } from "vitest";
import { AppError } from "../errors.ts";
import type { BuildLine, BuildOutcome, BuildStore } from "./build-store.ts";
import type { BuildRequest, DeployProgress, DeployService } from "./deploy-service.ts";
import { recordedBuilds } from "./recorded-builds.ts";

const REQUEST = { contentHash: "abc", manifest: { tasks: [{}, {}] } } as unknown as BuildRequest;
const ENVIRONMENT = { id: 7 } as never;

function stage(build: (progress: DeployProgress) => Promise<unknown>, failing?: Error) {
  const kept: BuildLine[] = [];
  const outcomes: BuildOutcome[] = [];
  const warned: string[] = [];
  const builds: BuildStore = {
    begin: async () => {
      if (failing !== undefined) throw failing;
    },
    append: async (_id, from, lines) => {
      expect(from).toBe(kept.length);
      kept.push(...lines);
    },
    end: async (_id, outcome) => void outcomes.push(outcome),
    list: async () => [],
    retrieve: async () => undefined,
    lines: async () => [],
  };
  const inner = { build: (_e: unknown, _r: unknown, progress: DeployProgress) => build(progress) };
  const told: string[] = [];
  const progress = { step: (step: string) => void told.push(step), log: (line: string) => void told.push(line) };
  const deploys = recordedBuilds(inner as unknown as DeployService, {
    builds,
    clock: { now: () => 1_000 } as never,
    logger: { warn: (_fields: unknown, message: string) => void warned.push(message) } as never,
  });
  const run = (signal = new AbortController().signal) => deploys.build(ENVIRONMENT, REQUEST, progress, signal);
  return { run, kept, outcomes, warned, told };
}

const built = { deployment: { version: "20261122.1" }, isNew: true, platformMs: 5 };

test("what a build says is told at once and kept in its order, with its end behind it", async () => {
  const at = stage(async (progress) => {
    progress.step("build", "Building");
    for (let n = 0; n < 50; n++) progress.log(`line ${n}`);
    await Promise.resolve();
    progress.step("push", "Pushing");
    return built;
  });
  await expect(at.run()).resolves.toBe(built);
  expect(at.kept.map(({ message }) => message)).toEqual([
    "Building",
    ...Array.from({ length: 50 }, (_, n) => `line ${n}`),
    "Pushing",
  ]);
  expect(at.told).toHaveLength(52);
  expect(at.outcomes).toEqual([{ status: "DEPLOYED", version: "20261122.1", isNew: true }]);
});

test("a failure is kept with its code, and thrown as it was", async () => {
  const error = new AppError("REGISTRY_UNAVAILABLE", "The registry does not answer.");
  const at = stage(async () => Promise.reject(error));
  await expect(at.run()).rejects.toBe(error);
  expect(at.outcomes).toEqual([
    { status: "FAILED", error: { code: "REGISTRY_UNAVAILABLE", message: "The registry does not answer." } },
  ]);
});

test("a client that went away has canceled its build", async () => {
  const at = stage(async () => Promise.reject(new Error("aborted")));
  await expect(at.run(AbortSignal.abort())).rejects.toThrow("aborted");
  expect(at.outcomes).toMatchObject([{ status: "CANCELED", error: { code: "INTERNAL" } }]);
});

test("a store that is away fails no build: it is said once", async () => {
  const at = stage(async (progress) => {
    progress.log("one");
    progress.log("two");
    return built;
  }, new Error("away"));
  await expect(at.run()).resolves.toBe(built);
  expect(at.kept).toEqual([]);
  expect(at.warned).toEqual(["What a build says cannot be kept."]);
});
