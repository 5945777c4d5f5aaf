import { expect, test } from "vitest";
import { FakeClock } from "../../test/support/fake-clock.ts";
import { MemoryBusHub } from "../adapters/memory/memory-bus.ts";
import type { Bus, BusMessage } from "./bus.ts";
import { RunHints } from "./run-hints.ts";

/** Two replicas; `said` is what was on the bus. */
function replicas() {
  const clock = new FakeClock();
  const hub = new MemoryBusHub();
  const said: BusMessage[] = [];
  const back: (() => void)[] = [];
  const join = (): Bus => {
    const bus = hub.join();
    return {
      ...bus,
      publish(message) {
        said.push(message);
        bus.publish(message);
      },
      // Its place in the hub is by the bus itself.
      subscribe: (listener) => bus.subscribe(listener),
      onBack: (listener) => void back.push(listener),
    };
  };
  const [here, there] = [new RunHints({ bus: join(), clock }), new RunHints({ bus: join(), clock })];
  const heard: string[] = [];
  here.onTouched((environmentId, runIds) => heard.push(...runIds.map((runId) => `${environmentId}/${runId}`)));
  return { clock, here, there, heard, said, cut: () => back.forEach((listener) => listener()) };
}
const delivered = () => new Promise((turn) => setImmediate(turn));

test("what nobody watches is told to nobody", async () => {
  const { there, said } = replicas();
  expect(there.isWatched(1)).toBe(false);
  there.touched(1, ["run_a"]);
  expect(said).toEqual([]);
});

test("what is watched on one replica is told by the other, of that environment alone", async () => {
  const { here, there, heard } = replicas();
  here.watch(1);
  await delivered();
  expect([there.isWatched(1), there.isWatched(2)]).toEqual([true, false]);
  there.touched(1, ["run_a", "run_b"]);
  there.touched(2, ["run_c"]);
  here.touched(1, ["run_d"]);
  await delivered();
  expect(heard.sort()).toEqual(["1/run_a", "1/run_b", "1/run_d"]);
});

test("a wish that is not repeated ends, and one that is goes on", async () => {
  const { clock, here, there } = replicas();
  here.watch(1);
  await delivered();
  for (let round = 0; round < 5; round++) {
    clock.advance(5_000);
    here.repeat();
    await delivered();
  }
  expect(there.isWatched(1)).toBe(true);
  clock.advance(17_000);
  expect(there.isWatched(1)).toBe(false);
});

test("an environment is watched until the last watch has ended, each once", () => {
  const { here } = replicas();
  const [first, second] = [here.watch(1), here.watch(1)];
  first();
  first();
  expect(here.isWatched(1)).toBe(true);
  second();
  expect(here.isWatched(1)).toBe(false);
});

test("after the bus was away, what is watched is said again, and that something may be missing", async () => {
  const { here, said, cut } = replicas();
  let isLost = false;
  here.onLost(() => (isLost = true));
  here.watch(7);
  said.length = 0;
  cut();
  expect(said).toEqual([{ type: "watching", environmentIds: [7] }]);
  expect(isLost).toBe(true);
});
