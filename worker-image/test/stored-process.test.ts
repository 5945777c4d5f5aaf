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
      count, map: map.get(key), aborted: abort.signal.aborted, ticked: ticks > ticksAtOnce, store: storage.getStore(), asked,
      isSame: pid === process.pid, pid, file: readFileSync(tmpdir() + "/mine.txt", "utf8"),
    };
  }) });
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
      await pod.kill();
      await platform.goAway();
    });

    /** Starts a pod for the run's next execution, and grants it. */
    async function next(taskId: string, payload: unknown = {}): Promise<string> {
      const before = `execution_${executions}`;
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
      const [restored] = platform.of("restored");
      console.log(
        "restored",
        restored,
        "stored",
        platform
          .of("park")
          .map(({ checkpoint }) => checkpoint && { ...checkpoint, features: 0, memo: checkpoint.memo.length }),
      );
      expect(await pod.exited).toEqual({ code: 0, signal: null });
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
