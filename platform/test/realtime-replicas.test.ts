import { randomBytes } from "node:crypto";
import { expect, onTestFinished, test } from "vitest";
import { readConfig } from "../src/config.ts";
import { createLogger } from "../src/logging.ts";
import { type Platform, startPlatform } from "../src/platform.ts";
import { MANIFEST } from "./support/fake-engine.ts";
import { LiveClient } from "./support/live-client.ts";
import { testRedis } from "./support/redis-server.ts";
import { caller } from "./support/served-http.ts";
import { testDatabase } from "./support/test-database.ts";

const redis = await testRedis();
const encryptionKey = randomBytes(32).toString("base64");
/** "At once": well below the looks that would find a change of which no hint came (5 s). */
const AT_ONCE_MS = 1_000;

async function replica(databaseUrl: string, settings: Record<string, string>): Promise<Platform> {
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

/** Two platforms on one database: the subscriber is on `a`, whatever happens, happens on `b`. */
async function scene(settings: Record<string, string>) {
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
  const live = await new LiveClient(a.url, key).connected();
  return {
    a,
    b,
    environment,
    key,
    live,
    onB,
    trigger: async () => String((await onB("POST", "/api/v1/tasks/import/trigger", { payload: {} })).body.id),
    setMetadata: (runId: string, metadata: object) => onB("PUT", `/api/v1/runs/${runId}/metadata`, { metadata }),
  };
}

/** Changes the run on the other replica until that has heard that it is watched, then measures. */
async function msUntilSeen({ live, setMetadata }: Awaited<ReturnType<typeof scene>>, runId: string): Promise<number> {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 5 && best > 200; round++) {
    const startedAt = performance.now();
    await setMetadata(runId, { round });
    await live.until(() => live.run(runId)?.metadata?.round === round);
    best = Math.min(best, performance.now() - startedAt);
  }
  return best;
}

const BUSES = { NOTIFY: {}, Redis: { GANTRY_PLATFORM_REDIS_URL: redis.url } } as const;

for (const [name, settings] of Object.entries(BUSES)) {
  test(`${name}: a run is followed on one replica while it changes on another, at once`, async () => {
    const world = await scene(settings);
    const runId = await world.trigger();
    await world.live.follow(runId);
    expect(await msUntilSeen(world, runId)).toBeLessThan(AT_ONCE_MS);
    await world.onB("POST", `/api/v2/runs/${runId}/cancel`);
    await world.live.until(() => world.live.run(runId)?.isCancelled);
  });

  test(`${name}: a new run appears in a list on the other replica`, async () => {
    const world = await scene(settings);
    await world.live.subscribe({ kind: "environment" });
    const runId = await world.trigger();
    await world.live.until(() => world.live.run(runId) !== undefined);
  });

  test(`${name}: a key that is revoked on one replica ends its sockets on the other`, async () => {
    const world = await scene(settings);
    const runId = await world.trigger();
    await world.live.follow(runId);
    const [{ id: keyId } = { id: "" }] = await world.b.projects.listKeys(world.environment);
    await world.b.projects.revokeKey(world.environment, keyId, 0);
    await world.live.until(() => world.live.of("closed").length === 1);
    expect(world.live.of("closed")).toMatchObject([{ id: "1", error: { code: "UNAUTHORIZED" } }]);
    await world.live.until(() => !world.live.socket.connected);
  });
}

test("Redis away: what changed is seen all the same, and at once again when it is back", async () => {
  const world = await scene(BUSES.Redis);
  const runId = await world.trigger();
  await world.live.follow(runId);
  await msUntilSeen(world, runId);
  await redis.kill();
  await world.setMetadata(runId, { away: true });
  await world.live.until(() => world.live.run(runId)?.metadata?.away === true, 15_000);
  await redis.start();
  expect(await msUntilSeen(world, runId)).toBeLessThan(AT_ONCE_MS);
}, 40_000);
