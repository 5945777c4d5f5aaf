import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { inRegion, type Region } from "../../../sdk/src/task/region.ts";
import { type RunScope, withScope } from "../../../sdk/src/task/run-scope.ts";
import { installWatch } from "../../src/watch/install-watch.ts";

const watch = installWatch();
const clock = { readings: [] as string[], answer: undefined as number | undefined };
const durable = {
  open: { steps: 0, entries: 0 },
  clock(kind: string, real: () => number) {
    clock.readings.push(kind);
    return clock.answer ?? real();
  },
};
const server = createServer((socket) => socket.resume()).unref();

const inFunction = <T>(body: () => T): T =>
  withScope({ durable } as unknown as RunScope, () => inRegion({ kind: "function" }, body));
const inRunner = <T>(body: () => T): T => inRegion({ kind: "runner" }, body);

beforeAll(async () => void (await once(server.listen(0, "127.0.0.1"), "listening")));
afterAll(() => server.close());
beforeEach(() => {
  Object.assign(clock, { readings: [], answer: undefined });
  watch.begin({ isStrict: false });
});
afterEach(() => watch.end());

/** The test's own runner sends bytes in the background: what it sent so far is forgotten. */
function beginNow(): void {
  watch.begin({ isStrict: false });
}

async function connected(): Promise<Socket> {
  const socket = connect((server.address() as { port: number }).port, "127.0.0.1");
  await once(socket, "connect");
  return socket;
}

test("is installed once, however often it is asked for", () => expect(installWatch()).toBe(watch));

test("tells the first effect of each kind, and forgets them with the next attempt", () => {
  beginNow();
  inFunction(() => [Math.random(), Math.random()]);
  expect(watch.unsafe()).toMatchObject([
    { what: "randomness read", line: expect.stringMatching(/^watch\.test\.ts:\d+$/) },
  ]);
  watch.end();
  inFunction(() => Math.random());
  watch.begin({ isStrict: false });
  expect(watch.unsafe()).toEqual([]);
});

test("tells at once when there is something new", () => {
  beginNow();
  const told: (string | undefined)[] = [];
  watch.onUnsafe = () => void told.push(watch.unsafe().at(-1)?.what);
  inFunction(() => [Math.random(), Math.random()]);
  watch.onUnsafe = undefined;
  expect(told).toEqual(["randomness read"]);
});

test("does not count what the runner sends, by region or by its socket", async () => {
  const socket = await inRunner(connected);
  watch.ignore(socket);
  beginNow();
  inFunction(() => socket.write("events of the function's"));
  expect(watch.unsafe()).toEqual([]);
  inFunction(() => inRunner(() => Math.random()));
  expect(watch.unsafe()).toEqual([]);
  socket.destroy();
});

test("counts what a step left behind, unless another step is open", () => {
  beginNow();
  const closed: Region = { kind: "step", name: "one", isOpen: false, files: undefined };
  durable.open.steps = 1;
  inFunction(() => inRegion(closed, () => Math.random()));
  expect(watch.unsafe()).toEqual([]);
  durable.open.steps = 0;
  inFunction(() => inRegion(closed, () => Math.random()));
  expect(watch.unsafe()).toHaveLength(1);
});

test("is busy while a timer of the function's runs, and no longer", async () => {
  const timer = inFunction(() => setTimeout(() => undefined, 60_000));
  expect(watch.isBusy()).toBe(true);
  timer.unref();
  expect(watch.isBusy()).toBe(false);
  timer.ref();
  clearTimeout(timer);
  await inRunner(() => new Promise((resolve) => setImmediate(() => setImmediate(resolve))));
  expect(watch.isBusy()).toBe(false);
  await inFunction(() => new Promise((resolve) => setTimeout(resolve, 1)));
  expect(watch.isBusy()).toBe(false);
});

test("is not busy with the runner's timers, nor with a socket that lies open", async () => {
  const timer = inRunner(() => setTimeout(() => undefined, 60_000));
  const socket = await inFunction(connected);
  expect(watch.isBusy()).toBe(false);
  clearTimeout(timer);
  socket.destroy();
});

test("is quiet once user code has rested", async () => {
  const order: string[] = [];
  inFunction(() => {
    let left = 5;
    const timer = setInterval(() => {
      if (--left > 0) return;
      clearInterval(timer);
      order.push("rests");
    }, 5);
  });
  await inRunner(() => watch.quiet(30));
  order.push("quiet");
  expect(order).toEqual(["rests", "quiet"]);
});

test("hears user code that only goes on in promises, after something of the runner's", async () => {
  let seen = false;
  const { promise, resolve } = inRunner(() => Promise.withResolvers<void>());
  const going = inFunction(async () => {
    await promise;
    await Promise.resolve();
    seen = true;
  });
  const quiet = inRunner(() => watch.quiet(20)).then(() => seen);
  inRunner(() => setTimeout(resolve, 5));
  expect(await quiet).toBe(true);
  await going;
});

test("is never quiet after it was canceled", async () => {
  const abort = new AbortController();
  let isQuiet = false;
  void inRunner(() => watch.quiet(1, abort.signal)).then(() => (isQuiet = true));
  abort.abort();
  await inRunner(() => new Promise((resolve) => setTimeout(resolve, 10)));
  expect(isQuiet).toBe(false);
});

test("the function reads its run's clock, everyone else the real one", () => {
  clock.answer = 1000;
  expect(inFunction(() => [Date.now(), new Date().getTime(), performance.now()])).toEqual([1000, 1000, 1000]);
  expect(inFunction(() => Date())).toBe(new Date(1000).toString());
  expect(clock.readings).toEqual(["epoch", "epoch", "monotonic", "epoch"]);
  const step: Region = { kind: "step", name: "one", isOpen: true, files: undefined };
  expect(inFunction(() => inRegion(step, () => Date.now()))).toBeGreaterThan(1e12);
  expect(inFunction(() => new Date(5).getTime())).toBe(5);
  watch.end();
  expect(inFunction(() => Date.now())).toBeGreaterThan(1e12);
  expect(clock.readings).toHaveLength(4);
});
