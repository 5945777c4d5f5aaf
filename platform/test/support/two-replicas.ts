import { randomBytes } from "node:crypto";
import { onTestFinished } from "vitest";
import { readConfig } from "../../src/config.ts";
import { createLogger } from "../../src/logging.ts";
import { type Platform, startPlatform } from "../../src/platform.ts";
import { MANIFEST } from "./fake-engine.ts";
import { caller } from "./served-http.ts";
import { testDatabase } from "./test-database.ts";

const encryptionKey = randomBytes(32).toString("base64");

/** A platform without workers, for a test; all of one file have one key. */
export async function replica(databaseUrl: string, settings: Record<string, string> = {}): Promise<Platform> {
  const config = readConfig({
    GANTRY_PLATFORM_DATABASE_URL: databaseUrl,
    GANTRY_PLATFORM_PORT: "0",
    GANTRY_PLATFORM_EXECUTOR: "none",
    GANTRY_PLATFORM_ENCRYPTION_KEY: encryptionKey,
    ...settings,
  });
  const logger = createLogger({ level: "fatal" });
  const platform = await startPlatform({ config, logger, version: "0.1.0", environment: {} });
  onTestFinished(() => platform.stop("leave").catch(() => undefined));
  return platform;
}

/** Two platforms on one database, for a test: one environment, its key, and a version with the task `import`. */
export async function twoReplicas(settings: Record<string, string>) {
  const { url } = await testDatabase();
  const a = await replica(url, settings);
  const b = await replica(url, settings);
  const [environment] = await a.projects.ensureProject({
    ref: "shop",
    name: "Shop",
    environments: [{ slug: "prod", type: "PRODUCTION" }],
  });
  if (environment === undefined) throw new Error("the environment was not made");
  const { key } = await a.projects.createKey(environment, "full");
  await a.engine.deployments.register(environment, {
    manifest: { ...MANIFEST, tasks: [{ id: "import", filePath: "import.ts", kind: "STANDARD" as const }] },
    source: { kind: "local", bundleDir: "/b", projectDir: "/p", envFiles: [] },
    promote: true,
  });
  const onB = (method: string, path: string, body?: unknown) => caller(b.url)(method, path, { key, body });
  const trigger = async () => String((await onB("POST", "/api/v1/tasks/import/trigger", { payload: {} })).body.id);
  return { a, b, environment, key, onB, trigger };
}
