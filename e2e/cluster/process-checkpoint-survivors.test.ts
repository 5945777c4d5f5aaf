import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import type {} from "../../platform/test/support/global-setup.ts";
import { testRedis } from "../../platform/test/support/redis-server.ts";
import { using } from "./support/installation.ts";
import { OutsideWorld } from "./support/outside-world.ts";
import { StoredRuns } from "./support/stored-runs.ts";

const credentials = inject("stored");
const { installation, api } = using(credentials);
const runs = new StoredRuns(api, installation.checkpoints);
const redis = await testRedis();
const ends: (() => void | Promise<void>)[] = [];
let world: OutsideWorld;
let places: { postgres: string; redis: string };
beforeAll(async () => {
  world = await OutsideWorld.open((end) => ends.push(end));
  places = { postgres: await world.wayTo(inject("postgresUrl")), redis: await world.wayTo(redis.url) };
});
afterAll(async () => {
  for (const end of ends.reverse()) await end();
});

async function begin(name: string): Promise<{ run: string; token: string }> {
  const token = await runs.token();
  const payload = { name, token, url: world.of(randomUUID()), ...places };
  return { run: await runs.api.trigger("survivor", payload), token };
}

/** The errors of a connection that was dropped, as its users know them. */
const DROPPED =
  /ECONNRESET|EPIPE|other side closed|terminated|Connection terminated|socket hang up|Connection is closed|ENOTCONN/;
const atMostDropped = expect.toSatisfy(
  (errors: string[]) => errors.length <= 1 && errors.every((each) => DROPPED.test(each)),
);

/** By the name that the fixture gives it: what became of it in the other pod. */
const SURVIVE: Record<string, unknown> = {
  counters: [1, "a", 1, 2, "b", 2],
  maps: [2, [1, 2], String(10n ** 30n), "weakly", true],
  promises: "SETTLED",
  "abort controllers": { before: [], heard: ["enough"], aborted: true },
  "async local storage": ["Ada", "Ada", "Ada"],
  WebAssembly: [1, 2, 3],
  intervals: { before: 2, since: expect.toSatisfy((ticks: number) => ticks >= 2 && ticks <= 4), gaps: true },
  timeouts: { atOnce: ["meanwhile"], fired: ["meanwhile", "later"], isOnTime: true },
  clocks: { hasPassed: true, areTogether: true },
  "fetch keep-alive": { before: "heard before", after: { result: "heard after", errors: atMostDropped } },
  "an open response": { first: "first", error: "TypeError: terminated" },
  "a pg pool": { before: 1, result: 2, errors: atMostDropped, heard: atMostDropped },
  "an ioredis client": { result: "kept", errors: atMostDropped, news: "news" },
  "a web socket": { code: 1006, state: WebSocket.CLOSED },
  "a server": { before: "1", after: { result: "2", errors: atMostDropped } },
  "a worker thread": { before: [1, 1], after: [2, 2], shared: 2 },
  sharp: { width: 8, height: 4, format: "png", again: 32 },
  "temporary files": ["before after", "as it was"],
  randomness: 4,
};

describe("in another pod, after a wait,", () => {
  test.concurrent.for(Object.entries(SURVIVE))("%s: as documented", async ([name, want]) => {
    const { run, token } = await begin(name);
    await runs.untilStored(run);
    await runs.complete(token);
    expect((await runs.ended(run)).output).toEqual({ hasMoved: true, became: want });
  });

  test("what a run said before and after is in its log, once", async () => {
    const { run, token } = await begin("output");
    await runs.untilStored(run);
    await runs.complete(token);
    await runs.ended(run);
    await runs.untilSaid(run, /^said after$/);
    const said = (await runs.events(run)).filter((message) => /^(said|and so)/.test(message));
    // A line that was begun before the wait is ended after it.
    expect(said.sort()).toEqual(["and so on", "said after", "said before"]);
  });
});

/** What keeps a process where it is, and the words for it. */
const STAY: Record<string, { because: RegExp; want: unknown }> = {
  "a child process": { because: /child process/i, want: { isAlive: true, signal: "SIGTERM" } },
  "an open file without a name": { because: /file/i, want: "still there" },
};

describe("a process stays in its pod", () => {
  test.concurrent.for(Object.entries(STAY))("with %s, and says so", async ([name, { because, want }]) => {
    const { run, token } = await begin(name);
    await runs.untilParked(run, "hold", /^CHECKPOINT_REFUSED$/);
    await runs.untilSaid(run, because);
    await runs.complete(token);
    expect((await runs.ended(run)).output).toEqual({ hasMoved: false, became: want });
  });
});
