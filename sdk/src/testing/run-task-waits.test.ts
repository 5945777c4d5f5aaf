import { describe, expect, it } from "vitest";
import { batch } from "../task/batch.ts";
import { task } from "../task/define-task.ts";
import { step } from "../task/durable/step.ts";
import { tasks } from "../task/tasks.ts";
import { wait } from "../task/waits/wait.ts";
import { runTask } from "./run-task.ts";

const resize = task({ id: "resize", run: async (payload: { url: string }) => ({ width: payload.url.length }) });
const sweep = task({ id: "sweep", run: async (payload: number) => `swept ${payload}` });

/** Runs a body as a task's function, in both ways. */
async function inBoth<T>(body: () => Promise<T>, options: Parameters<typeof runTask>[2] = {}) {
  const made = task({ id: "waiting", run: body });
  const results = [];
  for (const replay of [false, true]) results.push(await runTask(made, undefined, { ...options, replay }));
  return results;
}

describe("runTask over waits", () => {
  it("lets time pass at once and tells how long it would have been", async () => {
    for (const result of await inBoth(async () => {
      await wait.for({ days: 3 });
      await wait.for({ seconds: 0 });
      await wait.until({ date: new Date(0) });
      return "done";
    })) {
      expect(result).toMatchObject({ ok: true, output: "done" });
      expect(result.waits).toMatchObject([
        { kind: "time", label: "3 days", ms: 3 * 86_400_000 },
        { kind: "time", ms: 0 },
        { kind: "time", ms: 0 },
      ]);
    }
  });

  it("runs each step once, also where the function is run again at each wait", async () => {
    const calls: string[] = [];
    const again = task({
      id: "again",
      run: async () => {
        const a = await step.run("a", () => calls.push("a"));
        await wait.for({ hours: 1 });
        const b = await step.run("b", () => calls.push("b"));
        await wait.for({ hours: 1 });
        return [a, b];
      },
    });
    const result = await runTask(again, undefined, { replay: true });
    expect(result).toMatchObject({ ok: true, output: [1, 2], replays: 2 });
    expect(calls).toEqual(["a", "b"]);
  });

  it("shows what a replay would lead another way", async () => {
    let passes = 0;
    const fickle = task({
      id: "fickle",
      run: async () => {
        passes += 1;
        await step.run(`pass ${passes}`, () => {});
        await wait.for({ hours: 1 });
      },
    });
    expect(await runTask(fickle, undefined)).toMatchObject({ ok: true });
    const result = await runTask(fickle, undefined, { replay: true });
    expect(result.error).toMatchObject({ code: "JOURNAL_MISMATCH" });
  });

  it("ends children as onTrigger says, whether they are waited for one by one or together", async () => {
    const onTrigger = ({ payload }: { payload: unknown }) =>
      payload === 13 ? { error: "unlucky" } : { output: `swept ${String(payload)}` };
    const body = async () => {
      const one = await sweep.triggerAndWait(1).unwrap();
      const bad = await sweep.triggerAndWait(13);
      const all = await Promise.all([2, 3].map((n) => tasks.triggerAndWait<typeof sweep>("sweep", n).unwrap()));
      const many = await sweep.batchTriggerAndWait([{ payload: 4 }, { payload: 13 }]);
      const mixed = await batch.triggerByTaskAndWait([{ task: sweep, payload: 5 }]);
      const near = await sweep.triggerAndSubscribe(6).unwrap();
      const badNear = await sweep.triggerAndSubscribe(13);
      const oks = [...many.runs, ...mixed.runs].map((run) => (run.ok ? run.output : (run.error as Error).message));
      return [
        one,
        bad.ok || (bad.error as Error).message,
        all,
        oks,
        near,
        badNear.ok || (badNear.error as Error).message,
      ];
    };
    for (const result of await inBoth(body, { onTrigger })) {
      expect(result.error).toBeUndefined();
      const want = [
        "swept 1",
        "unlucky",
        ["swept 2", "swept 3"],
        ["swept 4", "unlucky", "swept 5"],
        "swept 6",
        "unlucky",
      ];
      expect(result.output).toEqual(want);
      expect(result.triggered.map(({ payload }) => payload)).toEqual([1, 13, 2, 3, 4, 13, 5, 6, 13]);
      expect(result.triggered[0]?.options).toMatchObject({ lockToVersion: "20260101.1", parentRunId: "run_test" });
    }
  });

  it("says what is missing where a child's result is not given", async () => {
    const parent = task({ id: "parent", run: async () => resize.triggerAndWait({ url: "x" }).unwrap() });
    const result = await runTask(parent, undefined);
    expect(result.error).toMatchObject({ name: "SubtaskUnwrapError" });
    expect(result.error?.message).toContain("onTrigger");
  });

  it("ends tokens as onWait says, as code does, or by their timeout", async () => {
    const body = async () => {
      const asked = await wait.createToken({ tags: ["ask"], timeout: "1d" });
      const answered = await wait.forToken<{ at: Date }>(asked).unwrap();
      const own = await wait.createToken();
      await wait.completeToken(own, "mine");
      const mine = await wait.forToken<string>(own.id);
      const late = await wait.forToken(await wait.createToken({ timeout: "2h" }));
      const stuck = await wait.forToken(await wait.createToken());
      const { status } = await wait.retrieveToken(own);
      return [answered, mine, late.ok, stuck.ok || stuck.error.message, status];
    };
    const onWait = ({ tags }: { tags: string[] }) =>
      tags.includes("ask") ? { output: { at: new Date(5) } } : undefined;
    for (const result of await inBoth(body, { onWait })) {
      expect(result.error).toBeUndefined();
      const [answered, mine, late, stuck, status] = result.output as unknown[];
      expect([answered, mine, late, status]).toEqual([
        { at: new Date(5) },
        { ok: true, output: "mine" },
        false,
        "COMPLETED",
      ]);
      expect(stuck).toContain("onWait");
    }
  });

  it("lets the nearer end win a race", async () => {
    for (const result of await inBoth(async () => {
      const token = await wait.createToken({ timeout: "1d" });
      const slow = wait.forToken(token).then(() => "token");
      return Promise.race([slow, wait.for({ days: 7 }).then(() => "week"), wait.for({ hours: 1 }).then(() => "hour")]);
    })) {
      expect(result).toMatchObject({ ok: true, output: "hour" });
    }
  });

  it("makes a child anew in the next attempt where its error failed the last, and repeats no step", async () => {
    const calls: string[] = [];
    const parent = task({
      id: "parent",
      retry: { maxAttempts: 3 },
      run: async () => {
        await step.run("once", () => calls.push("once"));
        return sweep.triggerAndWait(1).unwrap();
      },
    });
    let tries = 0;
    const onTrigger = () => (++tries < 3 ? { error: "not yet" } : { output: "now" });
    const result = await runTask(parent, undefined, { retries: true, onTrigger });
    expect(result).toMatchObject({ ok: true, output: "now", attempt: 3 });
    expect(calls).toEqual(["once"]);
  });
});
