import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Grant } from "@gantry/sdk/contract";
import { afterAll } from "vitest";
import type { WorkerLink } from "../../src/cluster/worker-service.ts";
import { readConfig } from "../../src/config.ts";
import { decodeId } from "../../src/ids.ts";
import { createLogger } from "../../src/logging.ts";
import { startPlatform } from "../../src/platform.ts";
import { MANIFEST } from "./fake-engine.ts";
import { testDatabase } from "./test-database.ts";

export const TASKS = ["import", "export"];

/**
 * The whole platform on a free port and a database of its own, with two environments and a version that has TASKS. No worker
 * runs: `complete` plays one, for the moment of a call.
 */
export async function startRealPlatform(
  options: { deploy?: boolean; databaseUrl?: string; settings?: Record<string, string> } = {},
) {
  const databaseUrl = options.databaseUrl ?? (await testDatabase()).url;
  const dataDir = await mkdtemp(join(tmpdir(), "gantry-api-"));
  const config = readConfig({
    GANTRY_PLATFORM_DATABASE_URL: databaseUrl,
    GANTRY_PLATFORM_DATA_DIR: dataDir,
    GANTRY_PLATFORM_PORT: "0",
    GANTRY_PLATFORM_EXECUTOR: "none",
    GANTRY_PLATFORM_ENCRYPTION_KEY: randomBytes(32).toString("base64"),
    ...options.settings,
  });
  const platform = await startPlatform({
    config,
    logger: createLogger({ level: "fatal" }),
    version: "0.1.0",
    environment: {},
  });
  afterAll(async () => {
    await platform.stop("leave");
    await rm(dataDir, { recursive: true, force: true });
  });
  const { projects, engine } = platform;
  const [prod, staging] = await projects.ensureProject({
    ref: "proj_test",
    name: "Test",
    environments: [
      { slug: "prod", type: "PRODUCTION" },
      { slug: "staging", type: "STAGING" },
    ],
  });
  if (prod === undefined || staging === undefined) throw new Error("the environments were not made");
  await projects.setLimits(prod, { apiBurst: 1_000_000 });
  const { key } = await projects.createKey(prod, "full");
  const { key: otherKey } = await projects.createKey(staging, "full");
  const manifest = {
    ...MANIFEST,
    tasks: [
      ...TASKS.map((id) => ({ id, filePath: `src/${id}.ts`, kind: "STANDARD" as const })),
      { id: "report", filePath: "src/report.ts", kind: "SCHEDULED" as const },
    ],
  };
  const source = { kind: "local" as const, bundleDir: "/b", projectDir: "/p", envFiles: [] };
  const deployment =
    options.deploy === false ? undefined : await engine.deployments.register(prod, { manifest, source, promote: true });

  /** Takes runs as a worker would until this one has come, and completes them all; this one with `output`. */
  async function complete(runId: string, output: unknown): Promise<void> {
    const deploymentId = decodeId("deployment", deployment?.id ?? "");
    if (deploymentId === undefined) throw new Error("there is no version");
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const finish = async (grant: Grant) => {
      const isIt = grant.run.id === runId;
      const outcome = {
        kind: "completed" as const,
        outputType: "application/json",
        output: JSON.stringify(isIt ? output : null),
      };
      await engine.workers.complete(link, {
        type: "complete",
        id: grant.executionId,
        executionId: grant.executionId,
        fence: grant.fence,
        attempt: grant.attempt,
        outcome,
        usage: { computeMs: 1 },
      });
      if (isIt) resolve();
    };
    const link: WorkerLink = {
      workerId: `test-${randomBytes(4).toString("hex")}`,
      environmentId: prod?.id ?? 0,
      deploymentId,
      send: (message) => {
        if (message.type === "grant")
          Promise.all(message.grants.map(finish)).then(() => engine.workers.capacity(link, 100), reject);
      },
      close: () => undefined,
    };
    await engine.workers.hello(link, {
      type: "hello",
      id: "1",
      protocol: 1,
      workerId: link.workerId,
      pid: 1,
      host: "test",
      executions: [],
    });
    engine.workers.capacity(link, 100);
    await promise;
    engine.workers.disconnected(link);
  }

  return { platform, url: platform.url, projectRef: "proj_test", key, otherKey, prod, staging, complete };
}
