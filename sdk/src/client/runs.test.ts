import { afterEach, describe, expect, test } from "vitest";
import { type Answer, type Arrived, FakePlatform } from "../../test/fake-platform.ts";
import { auth } from "./auth.ts";
import { configure } from "./configuration.ts";
import { queues } from "./queues.ts";
import { runs } from "./runs.ts";

let platform: FakePlatform;

async function start(answer: (request: Arrived, count: number) => Answer): Promise<void> {
  platform = await FakePlatform.start(answer);
  const retry = { minTimeoutInMs: 1, maxTimeoutInMs: 5 };
  configure({ baseURL: platform.url, secretKey: "gt_dev_sk_x", requestOptions: { retry } });
}
afterEach(async () => {
  configure({});
  await platform[Symbol.asyncDispose]();
});

const run = {
  id: "run_1",
  status: "COMPLETED",
  isCompleted: true,
  createdAt: "2026-01-02T03:04:05.000Z",
  tags: [],
  relatedRuns: {},
};

describe("retrieving a run", () => {
  test("gives Dates and the payload and output as they were", async () => {
    const related = { root: { id: "run_0", createdAt: "2026-01-01T00:00:00.000Z" } };
    const payload = { payload: { at: "1970-01-01T00:00:00.000Z" }, payloadMeta: { values: { at: ["Date"] } } };
    await start(() => ({
      json: { ...run, ...payload, output: [1], outputType: "application/json", relatedRuns: related },
    }));
    expect(await runs.retrieve("run_1")).toEqual({
      id: "run_1",
      status: "COMPLETED",
      isCompleted: true,
      createdAt: new Date("2026-01-02T03:04:05.000Z"),
      tags: [],
      payload: { at: new Date(0) },
      output: [1],
      relatedRuns: { root: { id: "run_0", createdAt: new Date("2026-01-01T00:00:00.000Z") } },
    });
    expect(platform.arrived[0]?.path).toBe("/api/v3/runs/run_1");
  });

  test("fetches a large output from its own address, without our key", async () => {
    await start(({ path }) =>
      path === "/large"
        ? {
            text: '{"json":["1"],"meta":{"values":{"0":["bigint"]}}}',
            headers: { "content-type": "application/super+json" },
          }
        : { json: { ...run, outputPresignedUrl: `${platform.url}/large` } },
    );
    expect((await runs.retrieve({ id: "run_1" })).output).toEqual([1n]);
    expect(platform.arrived[1]?.headers.authorization).toBeUndefined();
  });

  test("polls until the run has ended", async () => {
    await start((_, count) => ({ json: { ...run, isCompleted: count === 3 } }));
    await runs.poll("run_1", { pollIntervalMs: 1 });
    expect(platform.arrived).toHaveLength(3);
  });
});

describe("listing runs", () => {
  const page = (ids: string[], next?: string): Answer => ({
    json: { data: ids.map((id) => ({ id, createdAt: run.createdAt })), pagination: next ? { next } : {} },
  });

  test("goes through all pages, fetching each when it is needed", async () => {
    await start(({ path }) => (path.includes("after") ? page(["run_1"]) : page(["run_3", "run_2"], "run_2")));
    const ids: string[] = [];
    for await (const { id, createdAt } of runs.list({ limit: 2, status: ["FAILED", "CRASHED"] })) {
      expect(createdAt).toBeInstanceOf(Date);
      ids.push(id);
    }
    expect(ids).toEqual(["run_3", "run_2", "run_1"]);
    expect(platform.arrived.map(({ path }) => new URL(path, "http://x").searchParams.get("page[after]"))).toEqual([
      null,
      "run_2",
    ]);
  });

  test("awaited is one page that knows its neighbours", async () => {
    await start(({ path }) => (path.includes("after") ? page(["run_1"]) : page(["run_2"], "run_2")));
    const first = await runs.list();
    expect(first.data.map(({ id }) => id)).toEqual(["run_2"]);
    const second = await first.getNextPage();
    expect([first.hasNextPage(), second.hasNextPage()]).toEqual([true, false]);
    expect(() => second.getNextPage()).toThrow("no next page");
  });

  test("writes its filters as Trigger.dev's API names them", async () => {
    await start(() => page([]));
    await runs.list({
      taskIdentifier: ["a", "b"],
      queue: [{ type: "task", name: "a" }, "q"],
      from: new Date(5),
      isTest: false,
      period: "1d",
    });
    expect(Object.fromEntries(new URL(platform.arrived[0]?.path ?? "", "http://x").searchParams)).toEqual({
      "filter[taskIdentifier]": "a,b",
      "filter[queue]": "task/a,q",
      "filter[createdAt][from]": "5",
      "filter[createdAt][period]": "1d",
      "filter[isTest]": "false",
    });
  });

  test("fails as a promise does", async () => {
    await start(() => ({ status: 401, json: { error: "Unknown key.", code: "UNAUTHORIZED" } }));
    await expect(runs.list()).rejects.toMatchObject({ code: "UNAUTHORIZED" });
  });
});

describe("changing runs", () => {
  test("replays with another payload, which keeps its types", async () => {
    await start(() => ({ json: { id: "run_2" } }));
    expect(await runs.replay("run_1", { payload: { n: 1n }, tags: ["again"] })).toEqual({ id: "run_2" });
    await runs.replay("run_1", { timeoutInMs: 5000 });
    expect(platform.json()).toEqual({
      tags: ["again"],
      payload: '{"json":{"n":"1"},"meta":{"values":{"n":["bigint"]},"v":1}}',
      payloadType: "application/super+json",
    });
    expect(platform.arrived[1]).toMatchObject({ path: "/api/v1/runs/run_1/replay", text: "" });
  });

  test("cancels again after a cut connection, which is harmless", async () => {
    await start((_, count) => (count === 1 ? "hangUp" : { json: { id: "run_1" } }));
    expect(await runs.cancel("run_1")).toEqual({ id: "run_1" });
    expect(platform.arrived[1]?.path).toBe("/api/v2/runs/run_1/cancel");
  });

  test("reschedules to a Date", async () => {
    await start(() => ({ json: { ...run, delayedUntil: "2026-01-02T03:04:05.000Z" } }));
    const { delayedUntil } = await runs.reschedule("run_1", { delay: new Date(0) });
    expect(delayedUntil).toBeInstanceOf(Date);
    expect(platform.json()).toEqual({ delay: "1970-01-01T00:00:00.000Z" });
  });
});

describe("queues", () => {
  const queue = { id: "queue_1", concurrency: { current: 1, overriddenAt: "2026-01-01T00:00:00.000Z" } };

  test("are named by id, or by kind and name with the slash protected from proxies", async () => {
    await start(() => ({ json: queue }));
    expect((await queues.pause("queue_1")).concurrency.overriddenAt).toBeInstanceOf(Date);
    await queues.overrideConcurrencyLimit({ type: "custom", name: "a/b" }, 3);
    await queues.retrieve({ type: "task", name: "resize" });
    expect(platform.arrived.map(({ path }) => path)).toEqual([
      "/api/v1/queues/queue_1/pause",
      "/api/v1/queues/a%252Fb/concurrency/override",
      "/api/v1/queues/resize?type=task",
    ]);
    expect(platform.json(0)).toEqual({ type: "id", action: "pause" });
    expect(platform.json(1)).toEqual({ type: "custom", concurrencyLimit: 3 });
  });

  test("are listed page by page", async () => {
    await start(({ path }) => ({
      json: { data: [queue], pagination: { currentPage: path.includes("page=2") ? 2 : 1, totalPages: 2, count: 2 } },
    }));
    let count = 0;
    for await (const _ of queues.list({ perPage: 1 })) count++;
    expect(count).toBe(2);
  });
});

describe("public tokens", () => {
  test("are made by the platform, with scopes flattened and dates in seconds", async () => {
    await start(() => ({ json: { token: "jwt" } }));
    const scopes = { read: { runs: ["run_1", "run_2"], tags: "a:b" }, write: { waitpoints: undefined } };
    expect(await auth.createPublicToken({ scopes, expirationTime: new Date(5000) })).toBe("jwt");
    await auth.createTriggerPublicToken(["a", "b"], { multipleUse: true });
    await auth.createBatchTriggerPublicToken("a");
    expect(platform.json(0)).toEqual({
      scopes: ["read:runs:run_1", "read:runs:run_2", "read:tags:a:b"],
      expirationTime: 5,
    });
    expect(platform.json(1)).toEqual({ scopes: ["trigger:tasks:a", "trigger:tasks:b"], oneTimeUse: false });
    expect(platform.json(2)).toEqual({ scopes: ["batchTrigger:tasks:a"], oneTimeUse: true });
  });

  test("for nothing in particular are refused, for they would mean everything", async () => {
    await start(() => ({}));
    await expect(auth.createPublicToken({ scopes: { read: { runs: " " } } })).rejects.toThrow("must not be empty");
  });

  test("are used by what runs within withPublicToken", async () => {
    await start(({ path }) => ({ json: path.includes("public-tokens") ? { token: "jwt" } : run }));
    await auth.withPublicToken({ scopes: { read: { runs: "run_1" } } }, () => runs.retrieve("run_1"));
    expect(platform.arrived.map(({ headers }) => headers.authorization)).toEqual(["Bearer gt_dev_sk_x", "Bearer jwt"]);
  });
});
