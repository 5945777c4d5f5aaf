import { expect, onTestFinished, test, vi } from "vitest";
import { describeBus } from "../../../test/conformance/bus.ts";
import { testRedis } from "../../../test/support/redis-server.ts";
import type { BusMessage } from "../../cluster/bus.ts";
import { RedisBus } from "./redis-bus.ts";

const redis = await testRedis();

function replica(installation = "ours") {
  const lines: string[] = [];
  const log = (level: string) => (_fields: unknown, text?: string) => void lines.push(`${level}: ${text}`);
  const logger = { warn: log("warn"), info: log("info") } as never;
  const bus = new RedisBus({ url: redis.url, installation, logger });
  onTestFinished(() => bus.close());
  const heard: BusMessage[] = [];
  bus.subscribe((message) => heard.push(message));
  return { bus, heard, lines };
}

describeBus("Redis", async () => ({ join: (installation) => replica(installation).bus }));

test("a Redis that is killed makes nobody wait or fail, is complained about once, and is used again when it is back", async () => {
  const [a, b] = [replica(), replica()];
  const reaches = (environmentId: number) =>
    vi.waitFor(
      () => {
        a.bus.publish({ type: "changed", environmentId });
        expect(b.heard).toContainEqual({ type: "changed", environmentId });
      },
      { timeout: 15_000, interval: 25 },
    );
  await reaches(1);
  await redis.kill();
  for (let i = 0; i < 50; i++) a.bus.publish({ type: "changed", environmentId: 100 + i });
  await expect.poll(() => a.lines.length).toBe(1);
  expect(a.lines[0]).toMatch(/warn: Redis is away/);
  await redis.start();
  await reaches(2);
  expect(a.lines.filter((line) => line.startsWith("warn"))).toHaveLength(1);
  expect(a.lines).toContain("info: Redis is back");
});

test("a Redis that was never there keeps no platform from starting and closing", async () => {
  const warned = vi.fn();
  const bus = new RedisBus({
    url: "redis://127.0.0.1:1",
    installation: "x",
    logger: { warn: warned, info: vi.fn() } as never,
  });
  bus.publish({ type: "changed", environmentId: 1 });
  await expect.poll(() => warned.mock.calls.length).toBe(1);
  await bus.close();
});
