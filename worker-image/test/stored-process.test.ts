import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { FakePlatform, grantOf, startOf } from "./support/fake-platform.ts";
import { OwnImage, type OwnPod, whyNoPods } from "./support/own-pod.ts";

const TASKS = `
  import { task, wait } from "@gantry/sdk";
  import { AsyncLocalStorage } from "node:async_hooks";
  import { Worker } from "node:worker_threads";
  import { writeFileSync, readFileSync } from "node:fs";
  import { tmpdir } from "node:os";
  const storage = new AsyncLocalStorage<string>();
  const thread = \`const { parentPort } = require("node:worker_threads"); let n = 0; parentPort.on("message", () => parentPort.postMessage(++n));\`;
  const ask = (worker: Worker) => new Promise((resolve) => { worker.once("message", resolve); worker.postMessage("?"); });
  task({ id: "everything", run: () => storage.run("mine", async () => {
    let count = 0;
    const add = () => ++count;
    const map = new Map<object, string>();
    const key = {};
    map.set(key, "kept");
    const abort = new AbortController();
    let ticks = 0;
    const interval = setInterval(() => ticks++, 20);
    const worker = new Worker(thread, { eval: true });
    const asked = [await ask(worker)];
    writeFileSync(tmpdir() + "/mine.txt", "written before");
    add();
    process.stdout.write("before\\n");
    const pid = process.pid;
    await wait.for({ seconds: 3600 });
    process.stdout.write("after\\n");
    add();
    const ticksAtOnce = ticks;
    await new Promise((resolve) => setTimeout(resolve, 100));
    clearInterval(interval);
    asked.push(await ask(worker));
    await worker.terminate();
    abort.abort();
    return {
      oom: readFileSync("/proc/self/oom_score_adj", "utf8").trim(), caps: /CapEff:\\t(\\w+)/.exec(readFileSync("/proc/self/status", "utf8"))?.[1],
      count, map: map.get(key), aborted: abort.signal.aborted, ticked: ticks > ticksAtOnce, store: storage.getStore(), asked,
      isSame: pid === process.pid, pid, file: readFileSync(tmpdir() + "/mine.txt", "utf8"),
    };
  }) });
  task({ id: "cancelable", onCancel: () => { console.log("heard of it"); }, run: async () => {
    await wait.for({ seconds: 3600 });
    console.log("after");
    await new Promise((resolve) => setTimeout(resolve, 60_000));
  } });
  task({ id: "fails", run: async (_: unknown, { ctx }: any) => {
    if (ctx.attempt.number > 1) return String(process.pid);
    await wait.for({ seconds: 3600 });
    throw new Error("pid " + process.pid);
  } });
  task({ id: "many", run: async ({ waits }: { waits: number }) => {
    const pids = new Set<number>();
    let sum = 0;
    for (let i = 0; i < waits; i++) {
      pids.add(process.pid);
      await wait.for({ seconds: 60 + i });
      sum += i;
      console.log("passed " + i);
    }
    return { sum, pids: pids.size };
  } });
`;
const CHECKPOINT = {
  mode: "process",
  process: true,
  holdMs: 0,
  strict: false,
  unchecked: false,
  onHoldLost: "fail",
} as const;
const why = whyNoPods();

describe.skipIf(why !== undefined)(
  `a process that is stored, and brought back in another pod${why ? ` (${why})` : ""}`,
  () => {
    let image: OwnImage;
    let platform: FakePlatform;
    let pod: OwnPod;
    let executions = 0;
    beforeAll(async () => {
      image = await OwnImage.make(TASKS);
    });
    afterAll(() => image.remove());
    beforeEach(async () => {
      executions = 0;
      platform = new FakePlatform();
      await platform.listen();
    });
    afterEach(async () => {
      await pod?.kill();
      await platform.goAway();
    });

    /** Starts a pod for the run's next execution, and grants it. */
    async function next(taskId: string, payload: unknown = {}, before = `execution_${executions}`): Promise<string> {
      const executionId = `execution_${++executions}`;
      const journal = executions === 1 ? undefined : platform.journal(executionId, before);
      const restore = executions === 1 ? undefined : platform.restoreOf(before);
      platform.onStart = () => startOf({ executionId, variables: {} });
      const capacities = platform.of("capacity").length;
      pod = image.start(platform.url, restore ? { GANTRY_WORKER_RESTORES: "true" } : {});
      await platform.until(() => platform.of("capacity").length > capacities);
      const granted = {
        executionId,
        payload,
        checkpoint: CHECKPOINT,
        fence: `7.${executions}`,
        runToken: `token-${executions}`,
      };
      platform.grant(
        grantOf(taskId, {
          ...granted,
          ...(restore ? { restore } : {}),
          ...(journal ? { journal: journal.snapshot() } : {}),
        }),
      );
      return executionId;
    }

    /** The process is stored and its pod has ended by itself; the wait is over. */
    async function stored(executionId: string): Promise<void> {
      await platform.message("park", (each) => each.executionId === executionId && each.mode === "process");
      expect(await pod.exited, pod.output).toEqual({ code: 0, signal: null });
      platform.journal(executionId).passTime({ isTold: false });
    }

    test("has all it had: variables, maps, closures, contexts, timers, threads and files", async () => {
      const first = await next("everything");
      await stored(first);
      const second = await next("everything");
      const outcome = await platform.outcome(second);
      expect(outcome, pod.output).toMatchObject({ kind: "completed" });
      const { pid, ...output } = JSON.parse((outcome as { output: string }).output).json;
      expect(output).toEqual({
        oom: "1000",
        caps: "0000000000000000",
        count: 2,
        map: "kept",
        aborted: true,
        ticked: true,
        store: "mine",
        asked: [1, 2],
        isSame: true,
        file: "written before",
      });
      expect(pid).toBeGreaterThanOrEqual(500);
      const printed = (id: string) =>
        platform
          .events(id)
          .filter(({ kind }) => kind === "stdout")
          .map(({ message }) => message);
      expect([printed(first), printed(second)]).toEqual([["before"], ["after"]]);
      expect(await pod.exited).toEqual({ code: 0, signal: null });
    });

    test("is fetched as it was stored or not at all, and may be tried again", async () => {
      const first = await next("everything");
      await stored(first);
      const { checkpointId, chunks } = platform.restoreOf(first);
      const name = `${checkpointId}/${chunks - 1}`;
      const right = platform.checkpoints.chunks.get(name) as Buffer;
      const wrong = Buffer.from(right);
      wrong[100] = (wrong[100] ?? 0) ^ 1;
      platform.checkpoints.chunks.set(name, wrong);
      const second = await next("everything");
      const reason = expect.stringContaining("is not what was stored");
      expect(await platform.outcome(second)).toEqual({ kind: "notRestored", reason, node: "node-here" });
      expect(await pod.exited).toEqual({ code: 0, signal: null });
      platform.checkpoints.chunks.set(name, right);
      const third = await next("everything", {}, first);
      expect(await platform.outcome(third), pod.output).toMatchObject({ kind: "completed" });
    });

    test("goes on in one pod, though two have brought it back", async () => {
      const first = await next("everything");
      await stored(first);
      platform.onRequest = ({ type }) => (type === "restored" ? "silence" : undefined);
      const second = await next("everything");
      await platform.message("restored", (each) => each.executionId === second);
      const other = pod;
      platform.onRequest = () => undefined;
      const third = await next("everything", {}, first);
      expect(await platform.outcome(third), pod.output).toMatchObject({ kind: "completed" });
      await pod.exited;
      // The other one has had no answer: it asks again.
      platform.onRequest = ({ type }) =>
        type === "restored"
          ? { error: { code: "CHECKPOINT_SPENT", message: "It went on.", retryable: false } }
          : undefined;
      await platform.goAway();
      await platform.listen();
      expect(await other.exited, other.output).toEqual({ code: 0, signal: null });
      expect(platform.of("restored").map(({ executionId }) => executionId)).toEqual([second, third, second]);
      expect(platform.events(second)).toEqual([]);
      expect(platform.of("complete").map(({ executionId }) => executionId)).toEqual([third]);
    });

    test("hears of a cancel", async () => {
      const first = await next("cancelable");
      await stored(first);
      const second = await next("cancelable");
      await platform.event(second, "after");
      platform.push({ type: "cancel", executionId: second });
      expect(await platform.outcome(second), pod.output).toEqual({ kind: "canceled" });
      expect(await platform.event(second, "heard of it")).toBeDefined();
    });

    test("is followed by a new one where its attempt is retried in place", async () => {
      const first = await next("fails");
      await stored(first);
      platform.onComplete = ({ outcome: { kind }, executionId }) => {
        if (kind !== "failed") return { kind: "done", status: "COMPLETED" };
        return { kind: "retryInPlace", delayMs: 10, grant: grantOf("fails", { executionId, attempt: 2 }) };
      };
      const second = await next("fails");
      const failed = await platform.outcome(second, 1);
      expect(failed, pod.output).toMatchObject({
        kind: "failed",
        error: { message: expect.stringMatching(/^pid \d+$/) },
      });
      const completed = await platform.outcome(second, 2);
      expect(completed, pod.output).toMatchObject({ kind: "completed" });
      expect(`pid ${(completed as { output: string }).output}`).not.toBe((failed as { error: Error }).error.message);
    });

    test("is the same process through twenty waits in twenty-one pods", { timeout: 120_000 }, async () => {
      const waits = 20;
      for (let i = 0; i < waits; i++) await stored(await next("many", { waits }));
      const last = await next("many", { waits });
      const outcome = await platform.outcome(last);
      expect(JSON.parse((outcome as { output: string }).output).json, pod.output).toEqual({ sum: 190, pids: 1 });
      expect(platform.of("restored").length).toBe(waits);
    });
  },
);
