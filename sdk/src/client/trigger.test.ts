import { AsyncLocalStorage } from "node:async_hooks";
import { createHash } from "node:crypto";
import { afterEach, describe, expect, test } from "vitest";
import { type Answer, type Arrived, FakePlatform } from "../../test/fake-platform.ts";
import { batch } from "./batch.ts";
import { ndjsonChunks } from "./batch-upload.ts";
import { configure } from "./configuration.ts";
import type { CurrentRun } from "./current-run.ts";
import { idempotencyKeys } from "./idempotency-keys.ts";
import { triggerTasks as tasks } from "./tasks.ts";

const RUN = Symbol.for("dev.gantry.run");
const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");
let platform: FakePlatform;

async function start(answer: (request: Arrived, count: number) => Answer): Promise<void> {
  platform = await FakePlatform.start(answer);
  configure({
    baseURL: platform.url,
    secretKey: "gt_dev_sk_x",
    requestOptions: { retry: { minTimeoutInMs: 1, maxTimeoutInMs: 5 } },
  });
}

afterEach(async () => {
  configure({});
  delete (globalThis as Record<symbol, unknown>)[RUN];
  await platform[Symbol.asyncDispose]();
});

const triggered = (): Answer => ({ json: { id: "run_1", isCached: false }, headers: { "x-trigger-jwt": "token" } });

describe("a trigger", () => {
  test("sends payload and options as Trigger.dev's API takes them and returns a handle with its token", async () => {
    await start(triggered);
    const handle = await tasks.trigger(
      "folder/resize",
      { at: new Date(0) },
      { queue: "images", delay: new Date(1000), tags: "a", machine: { preset: "micro" }, version: "20260101.1" },
    );
    expect(handle).toEqual({
      id: "run_1",
      taskIdentifier: "folder/resize",
      isCached: false,
      publicAccessToken: "token",
    });
    expect(platform.arrived[0]?.path).toBe("/api/v1/tasks/folder%2Fresize/trigger");
    expect(platform.json()).toEqual({
      payload: '{"json":{"at":"1970-01-01T00:00:00.000Z"},"meta":{"values":{"at":["Date"]},"v":1}}',
      options: {
        payloadType: "application/super+json",
        queue: { name: "images" },
        delay: "1970-01-01T00:00:01.000Z",
        tags: "a",
        machine: "micro",
        lockToVersion: "20260101.1",
      },
    });
  });

  const encodings: Record<string, { payload: unknown; want: object }> = {
    "of a string sends it as it is": {
      payload: "hi \u0000",
      want: { payload: "hi \u0000", options: { payloadType: "text/plain" } },
    },
    "of nothing sends no payload": { payload: undefined, want: { options: { payloadType: "application/json" } } },
    "of a Map keeps it a Map": {
      payload: new Map([["a", 1n]]),
      want: {
        payload: '{"json":[["a","1"]],"meta":{"values":["map",{"0.1":["bigint"]}],"v":1}}',
        options: { payloadType: "application/super+json" },
      },
    },
  };
  for (const [title, { payload, want }] of Object.entries(encodings)) {
    test(title, async () => {
      await start(triggered);
      await tasks.trigger("t", payload);
      expect(platform.json()).toEqual(want);
    });
  }

  test("of a cyclic payload keeps the cycle", async () => {
    await start(triggered);
    const payload: { self?: unknown } = {};
    payload.self = payload;
    await tasks.trigger("t", payload);
    expect(platform.json().payload).toContain("referentialEqualities");
  });

  test("sends an option it does not know on, so that the platform can refuse it by name", async () => {
    await start(triggered);
    await tasks.trigger("t", 1, { debounce: { key: "k", delay: "1s" } } as object);
    expect(platform.json()).toMatchObject({ options: { debounce: { key: "k", delay: "1s" } } });
  });

  test("is not repeated after a cut connection, for it might make two runs", async () => {
    await start(() => "hangUp");
    await expect(tasks.trigger("t", 1)).rejects.toMatchObject({
      code: "CONNECTION_FAILED",
      remedy: expect.stringContaining("idempotencyKey"),
    });
    expect(platform.arrived).toHaveLength(1);
  });

  test("with an idempotency key is repeated until it is answered", async () => {
    await start((_, count) => (count < 3 ? "hangUp" : triggered()));
    await tasks.trigger("t", 1, { idempotencyKey: "once" });
    expect(platform.arrived).toHaveLength(3);
    expect(platform.json(2)).toMatchObject({
      options: { idempotencyKey: sha256("once"), idempotencyKeyOptions: { key: "once", scope: "run" } },
    });
  });

  test("inside a run names its parent, uses the run's token and makes keys the run's own", async () => {
    await start(triggered);
    configure({});
    const storage = new AsyncLocalStorage<CurrentRun>();
    (globalThis as Record<symbol, unknown>)[RUN] = storage;
    const run: CurrentRun = {
      host: { api: { url: platform.url, token: "run-token" } },
      ctx: { run: { id: "run_parent", isTest: true }, attempt: { number: 2 } },
    };
    await storage.run(run, async () => {
      await tasks.trigger("t", 1, { idempotencyKey: ["a", "b"] });
      await tasks.trigger("t", 1, { idempotencyKey: await idempotencyKeys.create("a", { scope: "attempt" }) });
      await tasks.trigger("t", 1, { idempotencyKey: await idempotencyKeys.create("a", { scope: "global" }) });
    });
    expect(platform.arrived[0]?.headers.authorization).toBe("Bearer run-token");
    expect(platform.json()).toMatchObject({ options: { parentRunId: "run_parent", test: true } });
    const keys = [0, 1, 2].map((index) => (platform.json(index).options as { idempotencyKey: string }).idempotencyKey);
    expect(keys).toEqual([sha256("a-b-run_parent"), sha256("a-run_parent-2"), sha256("a")]);
  });

  test("can ask for a token that lives longer", async () => {
    await start(({ path }) => (path.includes("public-tokens") ? { json: { token: "longer" } } : triggered()));
    const handle = await tasks.trigger("t", 1, {}, { publicAccessToken: { expirationTime: "2d" } });
    expect(handle.publicAccessToken).toBe("longer");
    expect(platform.json(1)).toEqual({ scopes: ["read:runs:run_1"], expirationTime: "2d" });
  });
});

describe("a batch", () => {
  const answerBatch = (itemsAnswer: (items: Arrived, count: number) => Answer) => {
    let uploads = 0;
    return (request: Arrived): Answer =>
      request.path === "/api/v3/batches"
        ? { json: { id: "batch_1", runCount: 2, isCached: false }, headers: { "x-trigger-jwt": "token" } }
        : itemsAnswer(request, ++uploads);
  };
  const sealed = { json: { id: "batch_1", itemsAccepted: 2, itemsDeduplicated: 0, sealed: true } };

  test("is created with its count and tasks, then filled line by line", async () => {
    await start(answerBatch(() => sealed));
    const handle = await batch.trigger(
      [
        { id: "a", payload: "x", options: { idempotencyKey: "own" } },
        { id: "b", payload: "y" },
      ],
      { idempotencyKey: "all", idempotencyKeyTTL: "1h" },
    );
    expect(handle).toEqual({ batchId: "batch_1", runCount: 2, isCached: false, publicAccessToken: "token" });
    expect(platform.json()).toMatchObject({ runCount: 2, taskIdentifiers: ["a", "b"], idempotencyKey: sha256("all") });
    expect(platform.arrived[1]).toMatchObject({ path: "/api/v3/batches/batch_1/items" });
    expect(platform.arrived[1]?.headers["content-type"]).toBe("application/x-ndjson");
    const lines = platform.arrived[1]?.text
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(lines).toMatchObject([
      { index: 0, task: "a", payload: "x", options: { idempotencyKey: sha256("own"), idempotencyKeyTTL: "1h" } },
      { index: 1, task: "b", payload: "y", options: { idempotencyKey: sha256("all-1"), idempotencyKeyTTL: "1h" } },
    ]);
  });

  test("sends its items again after a cut connection: the platform knows them by index", async () => {
    await start(answerBatch((_, count) => (count < 3 ? "hangUp" : sealed)));
    await tasks.batchTrigger("a", [{ payload: 1 }, { payload: 2 }]);
    expect(platform.arrived).toHaveLength(4);
    expect(platform.arrived[3]?.text).toBe(platform.arrived[1]?.text);
  });

  test("takes its items from a stream", async () => {
    await start(answerBatch(() => sealed));
    async function* items() {
      yield { payload: 1 };
      yield { payload: 2 };
    }
    expect(await tasks.batchTrigger("a", items())).toMatchObject({ runCount: 2 });
  });

  test("of a reused key that is complete already is not sent again", async () => {
    await start(() => ({ json: { id: "batch_1", runCount: 1, isCached: true } }));
    const handle = await tasks.batchTrigger("a", [{ payload: 1 }], { idempotencyKey: "k" });
    expect(handle).toMatchObject({ batchId: "batch_1", isCached: true });
    expect(platform.arrived).toHaveLength(1);
  });

  test("that the platform does not have whole is an error that says how many it has", async () => {
    await start(answerBatch(() => ({ json: { id: "batch_1", sealed: false, enqueuedCount: 1, expectedCount: 2 } })));
    await expect(tasks.batchTrigger("a", [{ payload: 1 }, { payload: 2 }])).rejects.toMatchObject({
      code: "BATCH_NOT_SEALED",
      message: expect.stringContaining("1 of its 2 items"),
    });
  });

  test("of no items is refused before anything is sent", async () => {
    await start(() => ({}));
    await expect(tasks.batchTrigger("a", [])).rejects.toThrow("at least one item");
    expect(platform.arrived).toHaveLength(0);
  });

  test("whose items are long is sent in chunks", async () => {
    await start(() => ({}));
    const items = [10, 10, 300, 10].map((length, index) => ({
      index,
      task: "t",
      payload: "x".repeat(length),
      options: {},
    }));
    const chunks = [...ndjsonChunks(items, 200)];
    expect(chunks.map((chunk) => chunk.split("\n").length - 1)).toEqual([2, 1, 1]);
    expect(
      chunks
        .join("")
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line).index),
    ).toEqual([0, 1, 2, 3]);
  });
});

describe("resetting an idempotency key", () => {
  test("hashes plain text with its scope and takes a made key as it is", async () => {
    await start(() => ({ json: { id: "k" } }));
    await idempotencyKeys.reset("t", "a", { scope: "run", parentRunId: "run_9" });
    await idempotencyKeys.reset("t", "a", { scope: "global" });
    await idempotencyKeys.reset("t", await idempotencyKeys.create("a"), { scope: "run" });
    expect(platform.arrived.map(({ path }) => path)).toEqual(
      [sha256("a-run_9"), sha256("a"), sha256("a")].map((key) => `/api/v1/idempotencyKeys/${key}/reset`),
    );
    expect(platform.json()).toEqual({ taskIdentifier: "t" });
  });

  test("of a run's scope outside of that run asks for the run", async () => {
    await start(() => ({}));
    await expect(idempotencyKeys.reset("t", "a", { scope: "run" })).rejects.toMatchObject({
      code: "IDEMPOTENCY_SCOPE",
    });
  });
});
