import { expect, test } from "vitest";
import { LiveClient } from "./support/live-client.ts";
import { testRedis } from "./support/redis-server.ts";
import { twoReplicas } from "./support/two-replicas.ts";

const redis = await testRedis();
/** "At once": well below the looks that would find a change of which no hint came (5 s). */
const AT_ONCE_MS = 1_000;

/** Two platforms on one database: the subscriber is on `a`, whatever happens, happens on `b`. */
async function scene(settings: Record<string, string>) {
  const replicas = await twoReplicas(settings);
  const { a, key, onB } = replicas;
  const live = await new LiveClient(a.url, key).connected();
  return {
    ...replicas,
    live,
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
