import { type StreamChunk } from "@gantry/sdk/contract";
import { expect, test } from "vitest";
import type { Platform } from "../src/platform.ts";
import { LiveClient } from "./support/live-client.ts";
import { testRedis } from "./support/redis-server.ts";
import { twoReplicas } from "./support/two-replicas.ts";

const redis = await testRedis();
/** "At once": well below the look that finds what no hint told of (2 s). */
const AT_ONCE_MS = 700;

async function scene(settings: Record<string, string>) {
  const { a, b, key, onB, trigger } = await twoReplicas(settings);
  return { a, b, key, onB, runId: await trigger() };
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
