import { auth, batch, configure, deployments, idempotencyKeys, queues, runs, tasks } from "@gantry/sdk";
import { beforeAll, describe, expect, test } from "vitest";
import { startRealPlatform } from "./support/real-platform.ts";

const { url, key, complete } = await startRealPlatform();

/** Gantry's own client speaks the same API, and gets more of it than Trigger.dev's: dates stay dates, and why a run waits. */
describe("@gantry/sdk against the whole platform", () => {
  beforeAll(() => configure({ baseURL: url, accessToken: key }));

  test.each([
    ["small", 10],
    ["of 200 KB", 200_000],
    ["of 2.9 MB", 2_900_000],
  ])("a payload %s comes back as it went, dates, maps, bigints and cycles included", async (_size, bytes) => {
    const payload: Record<string, unknown> = {
      at: new Date(0),
      map: new Map([["a", 1n]]),
      text: `\0é"${"x".repeat(bytes)}`,
    };
    payload.itself = payload;
    const handle = await tasks.trigger("import", payload, { metadata: { step: 1 }, tags: ["a"] });
    const run = await runs.retrieve(handle.id);
    expect(run.payload).toEqual(payload);
    expect(run).toMatchObject({ metadata: { step: 1 }, tags: ["a"], createdAt: expect.any(Date) });
  });

  test("a run ends with its output", async () => {
    const { id } = await tasks.trigger("import", {});
    const polled = runs.poll(id, { pollIntervalMs: 20 });
    await complete(id, { rows: 3 });
    expect(await polled).toMatchObject({ status: "COMPLETED", output: { rows: 3 } });
  });

  test("a batch of several tasks is made of its items, in their order", async () => {
    const { batchId } = await batch.trigger([
      { id: "import", payload: { a: 1 } },
      { id: "export", payload: { b: 2 } },
    ] as never);
    const found = await batch.retrieve(batchId);
    const made = await Promise.all(found.runs.map((id) => runs.retrieve(id)));
    expect(made.map(({ taskIdentifier, payload }) => ({ taskIdentifier, payload }))).toEqual([
      { taskIdentifier: "import", payload: { a: 1 } },
      { taskIdentifier: "export", payload: { b: 2 } },
    ]);
  });

  test("a thousand items go in one call", async () => {
    const { batchId } = await tasks.batchTrigger(
      "import",
      Array.from({ length: 1000 }, (_, index) => ({ payload: index })),
    );
    const found = await batch.retrieve(batchId);
    expect(new Set(found.runs).size).toBe(1000);
    await expect(
      tasks.batchTrigger(
        "import",
        Array.from({ length: 1001 }, () => ({ payload: 1 })),
      ),
    ).rejects.toMatchObject({ code: "TOO_MANY_ITEMS" });
  });

  test("runs are listed, explained, replayed, rescheduled and canceled", async () => {
    const { id } = await tasks.trigger("export", { a: 1 }, { delay: "1h", tags: ["mine"] });
    expect((await runs.list({ tag: "mine" })).data.map((run) => run.id)).toEqual([id]);
    expect((await runs.explain(id)).reasons.map(({ reason }) => reason)).toEqual([expect.stringMatching(/^[A-Z_]+$/)]);
    expect(await runs.reschedule(id, { delay: "2h" })).toMatchObject({ status: "DELAYED" });
    const replayed = await runs.replay(id);
    expect(await runs.retrieve(replayed.id)).toMatchObject({ payload: { a: 1 } });
    await runs.cancel(id);
    expect(await runs.retrieve(id)).toMatchObject({ status: "CANCELED" });
  });

  test("an idempotency key gives the same run until it is reset", async () => {
    const idempotencyKey = await idempotencyKeys.create("k", { scope: "global" });
    const [first, again] = [
      await tasks.trigger("import", {}, { idempotencyKey }),
      await tasks.trigger("import", {}, { idempotencyKey }),
    ];
    expect(again.id).toBe(first.id);
    await idempotencyKeys.reset("import", idempotencyKey);
    expect((await tasks.trigger("import", {}, { idempotencyKey })).id).not.toBe(first.id);
  });

  test("queues and the current version are seen", async () => {
    expect((await queues.retrieve({ type: "task", name: "import" })).name).toBe("import");
    expect((await deployments.retrieveCurrent()).version).toMatch(/^\d{8}\.\d+$/);
  });

  test("a public token reads its run and no other", async () => {
    const [mine, theirs] = [await tasks.trigger("import", {}), await tasks.trigger("import", {})];
    const token = await auth.createPublicToken({ scopes: { read: { runs: [mine.id] } } });
    await auth.withAuth({ accessToken: token }, async () => {
      expect((await runs.retrieve(mine.id)).id).toBe(mine.id);
      await expect(runs.retrieve(theirs.id)).rejects.toMatchObject({ status: 403 });
    });
  });

  test("an error says what is wrong and what to do, once", async () => {
    await expect(tasks.trigger("imprt", {})).rejects.toThrow(/did you mean "import"/i);
    await expect(tasks.trigger("import", {}, { dealy: "1h" } as never)).rejects.toThrow(/did you mean "delay"/);
  });
});
