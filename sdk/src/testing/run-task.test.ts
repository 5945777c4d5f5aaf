import { describe, expect, it } from "vitest";
import { batch } from "../client/batch.ts";
import { runs } from "../client/runs.ts";
import { task } from "../task/define-task.ts";
import { AbortTaskRunError, RetryAfterError } from "../task/errors.ts";
import { tasks } from "../task/tasks.ts";
import { runTask } from "./run-task.ts";

const child = task({ id: "child", run: async (payload: { at: Date }) => payload.at });

describe("runTask", () => {
  it("notes every run that the task triggers, and starts none", async () => {
    const parent = task({
      id: "parent",
      run: async () => {
        const one = await child.trigger({ at: new Date(1) }, { tags: ["a"], delay: "1h" });
        await tasks.trigger<typeof child>("child", { at: new Date(2) });
        const many = await child.batchTrigger([{ payload: { at: new Date(3) } }, { payload: { at: new Date(4) } }]);
        await batch.trigger<typeof child>([{ id: "child", payload: { at: new Date(5) } }]);
        return [one.id, many.runCount];
      },
    });
    const result = await runTask(parent, undefined);
    expect(result.output).toEqual(["run_test1", 2]);
    expect(result.triggered.map(({ taskId, payload }) => [taskId, payload])).toEqual(
      [1, 2, 3, 4, 5].map((n) => ["child", { at: new Date(n) }]),
    );
    expect(result.triggered[0]?.options).toMatchObject({ tags: ["a"], delay: "1h", parentRunId: "run_test" });
  });

  it("lets the test say what a trigger gives, or that it fails", async () => {
    const parent = task({ id: "parent", run: async () => (await child.trigger({ at: new Date(0) })).id });
    expect((await runTask(parent, undefined, { onTrigger: () => ({ id: "run_mine" }) })).output).toBe("run_mine");
    const refused = await runTask(parent, undefined, {
      onTrigger: () => {
        throw new Error("queue is full");
      },
    });
    expect(refused.error?.message).toContain("queue is full");
  });

  it("has no platform for anything else, and says so", async () => {
    const curious = task({ id: "curious", run: async () => (await runs.retrieve("run_1")).status });
    expect((await runTask(curious, undefined)).error).toMatchObject({ code: "NOT_IN_A_UNIT_TEST" });
  });

  it("tries again without waiting, and tells how long a platform would have waited", async () => {
    const flaky = task({
      id: "flaky",
      retry: { maxAttempts: 5 },
      run: async (_payload: void, { ctx }) => {
        if (ctx.attempt.number < 4) throw new Error("not yet");
        return ctx.attempt.number;
      },
    });
    expect(await runTask(flaky, undefined, { retries: true })).toMatchObject({
      ok: true,
      output: 4,
      attempt: 4,
      delays: [1000, 2000, 4000],
    });
    expect(await runTask(flaky, undefined)).toMatchObject({ ok: false, attempt: 1, delays: [] });
  });

  it("repeats a deferred attempt under the same number", async () => {
    let calls = 0;
    const deferring = task({
      id: "deferring",
      run: async (_payload: void, { ctx }) => {
        calls += 1;
        if (calls === 1) throw new RetryAfterError("busy", { retryAfter: 0 });
        return ctx.attempt.number;
      },
    });
    expect(await runTask(deferring, undefined, { retries: true })).toMatchObject({
      output: 1,
      attempt: 1,
      delays: [0],
    });
  });

  it("keeps metadata from attempt to attempt", async () => {
    const counting = task({
      id: "counting",
      run: async (_payload: void, { ctx }) => {
        const { metadata } = await import("../task/metadata.ts");
        metadata.increment("attempts");
        if (ctx.attempt.number < 2) throw new Error("again");
        return metadata.get("attempts");
      },
    });
    const result = await runTask(counting, undefined, { retries: true, metadata: { attempts: 10 } });
    expect(result).toMatchObject({ output: 12, metadata: { attempts: 12 } });
  });

  it("sets variables for the time of the run only", async () => {
    const reading = task({ id: "reading", run: async () => process.env.SOME_KEY });
    expect((await runTask(reading, undefined, { env: { SOME_KEY: "x" } })).output).toBe("x");
    expect(process.env.SOME_KEY).toBeUndefined();
  });

  it("runs the task it was given, even where another took its id", async () => {
    const first = task({ id: "same", run: async () => 1 });
    task({ id: "same", run: async () => 2 });
    expect((await runTask(first, undefined)).output).toBe(1);
  });

  it("never rejects because of what the task does, but refuses what is no task", async () => {
    const aborting = task({
      id: "aborting",
      run: async () => {
        throw new AbortTaskRunError("enough");
      },
    });
    expect(await runTask(aborting, undefined)).toMatchObject({
      status: "FAILED",
      error: { name: "AbortTaskRunError" },
    });
    await expect(runTask({ id: "x" } as never, undefined as never)).rejects.toThrow(
      "the object that task() or schemaTask() returned",
    );
  });
});
