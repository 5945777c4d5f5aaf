import { randomBytes } from "node:crypto";
import { type StreamChunk } from "@gantry/sdk/contract";
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
/** "At once": well below the look that finds what no hint told of (2 s). */
const AT_ONCE_MS = 700;

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

async function scene(settings: Record<string, string>) {
  const { url } = await testDatabase();
  const [a, b] = [await replica(url, settings), await replica(url, settings)];
  const environments = [{ slug: "prod", type: "PRODUCTION" as const }];
  const [environment] = await a.projects.ensureProject({ ref: "shop", name: "Shop", environments });
  if (environment === undefined) throw new Error("the environment was not made");
  const { key } = await a.projects.createKey(environment, "full");
  await a.engine.deployments.register(environment, {
    manifest: { ...MANIFEST, tasks: [{ id: "import", filePath: "import.ts", kind: "STANDARD" as const }] },
    source: { kind: "local", bundleDir: "/b", projectDir: "/p", envFiles: [] },
    promote: true,
  });
  const onB = (method: string, path: string, body?: unknown) => caller(b.url)(method, path, { key, body });
  const { body } = await onB("POST", "/api/v1/tasks/import/trigger", { payload: {} });
  return { a, b, key, onB, runId: String(body.id) };
}

const BUSES = { NOTIFY: {}, Redis: { GANTRY_PLATFORM_REDIS_URL: redis.url } } as const;

test.each(Object.entries(BUSES))(
  "%s: a stream is followed on one replica while it is written on another, and goes on there where the first is lost",
  { timeout: 60_000 },
  async (_name, settings) => {
    const { a, b, key, onB, runId } = await scene(settings);
    const seen: StreamChunk[] = [];
    const readOn = async (platform: Platform) => {
      const live = await new LiveClient(platform.url, key).connected();
      live.socket.on("chunks", ({ id, chunks }) => {
        seen.push(...chunks);
        live.socket.emit("streamTaken", { id, next: seen.length });
      });
      await live.socket.emitWithAck("readStream", { id: "s", runId, stream: "out", from: seen.length });
      return live;
    };
    const append = (sequence: number, count = 1) => {
      const chunks = Array.from({ length: count }, (_, index) => sequence + index);
      return onB("POST", `/realtime/v1/streams/${runId}/out`, { producer: "p", sequence, chunks });
    };
    const first = await readOn(a);
    // Until the other replica has heard that somebody watches.
    let best = Number.POSITIVE_INFINITY;
    for (let n = 0; n < 5; n++) {
      const startedAt = performance.now();
      await append(n);
      await first.until(() => seen.length === n + 1);
      best = Math.min(best, performance.now() - startedAt);
    }
    expect(best).toBeLessThan(AT_ONCE_MS);
    await a.stop("leave");
    await append(5, 100);
    const second = await readOn(b);
    await append(105, 100);
    await second.until(() => seen.length === 205);
    expect(seen.map(({ index, data }) => [index, data])).toEqual(seen.map((_, index) => [index, String(index)]));
  },
);
