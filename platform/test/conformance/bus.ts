import { describe, expect, onTestFinished, test, vi } from "vitest";
import type { Bus, BusMessage } from "../../src/cluster/bus.ts";

/** Of one installation, or of another that shares the server. */
export interface BusWorld {
  join(installation: "ours" | "theirs"): Bus;
  /** Why two installations cannot be told apart here, where they never meet. */
  sharesNothing?: string;
}

/** A replica that keeps what it hears. */
function replicaOf(world: BusWorld, installation: "ours" | "theirs" = "ours") {
  const bus = world.join(installation);
  const heard: BusMessage[] = [];
  bus.subscribe((message) => heard.push(message));
  onTestFinished(() => bus.close());
  return { bus, heard };
}

/** Until each hears each: a bus connects in its own time, and what was said before is lost by its contract. */
async function introduced(...replicas: ReturnType<typeof replicaOf>[]) {
  await vi.waitFor(
    () => {
      for (const [index, { bus }] of replicas.entries()) bus.publish({ type: "changed", environmentId: index });
      expectHeard(replicas, (index) => index);
    },
    { timeout: 30_000, interval: 20 },
  );
  await settled(...replicas);
  for (const { heard } of replicas) heard.length = 0;
}

/** What was published so far has arrived where it will: told by a message that comes after it from everybody. */
async function settled(...replicas: ReturnType<typeof replicaOf>[]) {
  for (const [index, { bus }] of replicas.entries()) bus.publish({ type: "changed", environmentId: -1 - index });
  await vi.waitFor(() => expectHeard(replicas, (index) => -1 - index), 30_000);
  for (const { heard } of replicas) {
    const kept = heard.filter((message) => !("environmentId" in message && message.environmentId < 0));
    heard.splice(0, heard.length, ...kept);
  }
}

/** Each has heard what each other said of an environment of its own. */
function expectHeard(replicas: ReturnType<typeof replicaOf>[], environmentOf: (index: number) => number): void {
  for (const [own, { heard }] of replicas.entries())
    for (const index of replicas.keys())
      if (index !== own) expect(heard).toContainEqual({ type: "changed", environmentId: environmentOf(index) });
}

/** What every bus does. */
export function describeBus(name: string, start: () => Promise<BusWorld>): void {
  describe(`the bus of ${name}`, () => {
    test("tells every other replica, whole, and never the sender", async () => {
      const world = await start();
      const [a, b, c] = [replicaOf(world), replicaOf(world), replicaOf(world)];
      await introduced(a, b, c);
      const said: BusMessage[] = [
        { type: "tellWorker", executionId: "e1", what: "cancel", reason: 'é "\u0000\n' },
        { type: "tellWorker", executionId: "e2", what: "drop" },
        { type: "changed", environmentId: 7 },
        { type: "wake", environmentId: 7, lanes: [{ environmentId: 7, laneId: "9007199254740993", orderAt: "2" }] },
        { type: "wake", environmentId: 8 },
      ];
      for (const message of said) a.bus.publish(message);
      await settled(a, b, c);
      const sorted = (messages: BusMessage[]) => messages.map((one) => JSON.stringify(one)).sort();
      expect(sorted(b.heard)).toEqual(sorted(said));
      expect(sorted(c.heard)).toEqual(sorted(said));
      expect(a.heard).toEqual([]);
    });

    test("carries a burst of thousands of lanes whole", async () => {
      const world = await start();
      const [a, b] = [replicaOf(world), replicaOf(world)];
      await introduced(a, b);
      for (let lane = 0; lane < 3_000; lane++) {
        const announcement = { environmentId: 1, laneId: String(lane), orderAt: "1" };
        a.bus.publish({ type: "wake", environmentId: 1, lanes: [announcement] });
      }
      await settled(a, b);
      const lanes = b.heard.flatMap((message) => (message.type === "wake" ? (message.lanes ?? []) : []));
      expect(new Set(lanes.map(({ laneId }) => laneId)).size).toBe(3_000);
    });

    test("a replica that has closed says and hears nothing, and closing twice is no error", async () => {
      const world = await start();
      const [a, b, c] = [replicaOf(world), replicaOf(world), replicaOf(world)];
      await introduced(a, b, c);
      await b.bus.close();
      b.bus.publish({ type: "changed", environmentId: 5 });
      a.bus.publish({ type: "changed", environmentId: 6 });
      await settled(a, c);
      expect(c.heard).toEqual([{ type: "changed", environmentId: 6 }]);
      expect(b.heard).toEqual([]);
      await b.bus.close();
    });

    test("installations that share a server do not hear each other", async (context) => {
      const world = await start();
      if (world.sharesNothing !== undefined) return context.skip(world.sharesNothing);
      const [a, b] = [replicaOf(world), replicaOf(world)];
      const [c, d] = [replicaOf(world, "theirs"), replicaOf(world, "theirs")];
      await introduced(a, b);
      await introduced(c, d);
      a.bus.publish({ type: "changed", environmentId: 1 });
      c.bus.publish({ type: "changed", environmentId: 2 });
      await settled(a, b);
      await settled(c, d);
      expect(b.heard).toEqual([{ type: "changed", environmentId: 1 }]);
      expect(d.heard).toEqual([{ type: "changed", environmentId: 2 }]);
    });
  });
}
