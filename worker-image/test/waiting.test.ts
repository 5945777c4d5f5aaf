import { copyFile, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { type FakePlatform, grantOf } from "./support/fake-platform.ts";
import { gone, isAlive } from "./support/processes.ts";
import { type RunnerOptions, RunnerProcess } from "./support/runner-process.ts";

let runner: RunnerProcess;
let platform: FakePlatform;
afterEach(() => runner.stop());

const TASKS = `
  import { metadata, step, task, wait } from "@gantry/sdk";
  import { Socket } from "node:net";
  import { appendFileSync, existsSync, readFileSync } from "node:fs";
  import { DurableByHand } from "./test/support/durable-by-hand.ts";
  const seen = (name: string) => new Promise<void>((resolve) => {
    const timer = setInterval(() => { if (existsSync(name)) { clearInterval(timer); resolve(); } }, 10);
  });
  const disposable = { files: "disposable" } as const;
  const began = (run: DurableByHand) => run.step("pid", () => console.log("pid " + process.pid));
  task({ id: "wait", run: async () => {
    const run = new DurableByHand();
    await began(run);
    const value = await run.wait("an answer");
    return { value, pid: process.pid, heard: run.heard };
  } });
  task({ id: "wait-until", run: async ({ inMs }: { inMs: number }) => {
    const run = new DurableByHand();
    await began(run);
    await run.wait("a while", Date.now() + inMs);
  } });
  task({ id: "race", run: async () => {
    const run = new DurableByHand();
    await began(run);
    const first = await Promise.race([run.wait("a"), run.wait("b")]);
    const second = await run.wait("c");
    return { first, second, heard: run.heard };
  } });
  task({ id: "beside", run: async () => {
    const run = new DurableByHand();
    await began(run);
    const wait = run.wait("an answer");
    await seen("go");
    console.log("goes on beside");
    const stepped = await run.step("beside", () => "stepped");
    console.log("stepped");
    return { value: await wait, stepped, heard: run.heard };
  } });
  task({ id: "say", run: async () => {
    const run = new DurableByHand();
    await began(run);
    process.stdout.write("last words");
    metadata.set("last", "word");
    await run.wait("an answer");
  } });
  task({ id: "cut", run: async () => {
    const run = new DurableByHand();
    await began(run);
    const cut = () => (process as any)._getActiveHandles().filter((each: unknown) => each instanceof Socket).forEach((each: Socket) => each.destroy());
    cut();
    const first = run.wait("first");
    setTimeout(cut, 50);
    const value = await first;
    cut();
    return { value, stepped: await run.step("last", () => "stepped"), heard: run.heard };
  } });
  task({ id: "never-after", run: async () => {
    const run = new DurableByHand();
    await began(run);
    await run.wait("an answer");
    await new Promise(() => {});
  } });
  task({ id: "refused", run: async () => {
    const run = new DurableByHand();
    await run.step("one", () => 1);
  } });
  task({ id: "cancelable", run: async (_: unknown, { signal }: any) => {
    const run = new DurableByHand();
    await began(run);
    await Promise.race([run.wait("an answer"), new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)))]);
  } });
  task({ id: "drained", run: async (_: unknown, { drainSignal }: any) => {
    const run = new DurableByHand();
    await began(run);
    drainSignal.addEventListener("abort", () => console.log("DRAINING"));
    await run.wait("an answer");
  } });
  task({ id: "flaky", run: async (_: unknown, { ctx }: any) => {
    const run = new DurableByHand();
    const value = await run.wait("an answer");
    if (ctx.attempt.number === 1) throw new Error("first attempt");
    return { value, heard: run.heard };
  } });
  task({ id: "steps", run: async () => {
    const first = await step.run("first", () => { appendFileSync("ran", "first "); return { n: 1, at: new Date(5) }; }, disposable);
    console.log("after the first");
    await wait.for({ days: 3 });
    console.log("after the wait");
    const second = await step.run("second", () => { appendFileSync("ran", "second "); return first.n + first.at.getTime(); }, disposable);
    return { second, pid: process.pid };
  } });
  task({ id: "unsafe", run: async () => {
    await step.run("safe", () => appendFileSync("ran", "safe "), disposable);
    appendFileSync("ran", "unsafe ");
    await wait.for({ days: 3 });
    return { pid: process.pid };
  } });
  task({ id: "wavers", run: async () => {
    await step.run(readFileSync("way", "utf8"), () => 1);
    await wait.for({ days: 3 });
  } });
  task({ id: "parallel", run: async ({ how }: { how: "all" | "race" }) => {
    const days = (n: number) => wait.for({ days: n }).then(() => n);
    return { got: await Promise[how]([days(1), days(2), step.run("busy", () => new Promise((resolve) => setTimeout(resolve, how === "all" ? 300 : 60_000, 3)))]) };
  } });
  task({ id: "quick", run: async () => process.pid });
`;
/** Nobody sees what such a process does, so that no replay is safe. */
const UNWATCHED = { GANTRY_WORKER_WATCHES: "false" };
const REPLAY = { checkpoint: checkpoint({ mode: "replay" }) };

function checkpoint(chosen: object) {
  return {
    mode: "auto",
    process: false,
    holdMs: 5_000,
    strict: false,
    unchecked: false,
    onHoldLost: "fail",
    ...chosen,
  } as const;
}

async function start(options: RunnerOptions = {}): Promise<void> {
  runner = await RunnerProcess.start(TASKS, options);
  platform = runner.platform;
  if (options.isStarted !== false) await platform.message("capacity");
}

function grant(taskId: string, overrides: Parameters<typeof grantOf>[1] = {}): string {
  const made = grantOf(taskId, overrides);
  platform.grant(made);
  return made.executionId;
}

async function pidOf(executionId: string): Promise<number> {
  const { message } = await platform.event(executionId, "pid ");
  return Number(message.split(" ")[1]);
}

/** What the function returned. */
async function result(executionId: string, attempt = 1): Promise<Record<string, unknown>> {
  const outcome = await platform.outcome(executionId, attempt);
  if (outcome.kind !== "completed") throw new Error(JSON.stringify(outcome));
  return JSON.parse(outcome.output ?? "{}").json;
}

/** Time passes: the runner has beaten that often. */
async function beats(count: number): Promise<void> {
  const before = platform.of("heartbeat").length;
  await platform.until(() => platform.of("heartbeat").length >= before + count);
}

describe("a run that is held", () => {
  test("is parked, and goes on in its process when it is woken", async () => {
    await start({ env: UNWATCHED });
    const id = grant("wait");
    const park = await platform.parked(id, "NOT_WATCHED");
    expect(park).toMatchObject({ mode: "hold", known: 1, attempt: 1, ifLost: { then: "fail" } });
    const pid = await pidOf(id);
    await beats(2);
    expect(platform.of("heartbeat").at(-1)?.executions).toEqual([
      { executionId: id, fence: "7.1", computeMs: expect.any(Number), known: 1, isParked: true },
    ]);
    platform.journal(id).complete(1, '"yes"');
    expect(await result(id)).toEqual({ value: '"yes"', pid, heard: [1, 2] });
    await platform.event(id, "The run waits for an answer; its process is kept: NOT_WATCHED.");
    expect(platform.of("park")).toHaveLength(1);
  });

  test("goes on in place where the answer comes before it is parked", async () => {
    await start({ env: UNWATCHED });
    platform.onRequest = (message) => {
      if (message.type === "park" && !platform.journals.get(id)?.entries.get(1)?.completion) {
        platform.journal(id).complete(1, '"early"', { isTold: false });
      }
      return undefined;
    };
    const id = grant("wait");
    expect(await result(id)).toMatchObject({ value: '"early"', heard: [1, 2] });
  });

  test("whose hint was lost is woken by the answer to a heartbeat", async () => {
    await start({ env: UNWATCHED });
    const id = grant("wait");
    await platform.parked(id, "NOT_WATCHED");
    platform.journal(id).complete(1, '"late"', { isTold: false });
    expect(await result(id)).toMatchObject({ value: '"late"', heard: [1, 2] });
  });

  test("is told nothing while it has no slot", async () => {
    await start({ env: UNWATCHED });
    const id = grant("wait");
    await platform.parked(id, "NOT_WATCHED");
    platform.push({ type: "wake", executionId: id });
    await platform.message("journal", (each) => each.entries.length === 0);
    await beats(2);
    expect(platform.of("complete")).toEqual([]);
    platform.journal(id).complete(1);
    await result(id);
  });

  test("waits for the loser of a race no longer, and is parked again for the next wait", async () => {
    await start({ env: UNWATCHED });
    const id = grant("race");
    await platform.parked(id, "NOT_WATCHED");
    platform.journal(id).complete(2, '"b"');
    await platform.message("park", (each) => each.known === 2);
    await platform.until(() => platform.journal(id).entries.has(3));
    platform.journal(id).complete(1, '"a"');
    await platform.message("park", (each) => each.known === 3);
    platform.journal(id).complete(3, '"c"');
    expect(await result(id)).toEqual({ first: '"b"', second: '"c"', heard: [1, 2, 3, 4] });
  });

  test("leaves its place to others, in the runner and among its processes", async () => {
    const env = {
      ...UNWATCHED,
      GANTRY_WORKER_CONCURRENCY: "1",
      GANTRY_WORKER_POOL: "0",
      GANTRY_WORKER_BOOTS_AT_ONCE: "1",
    };
    await start({ env });
    const held = Array.from({ length: 3 }, () => grant("wait"));
    for (const id of held) await platform.parked(id, "NOT_WATCHED");
    await platform.until(() => platform.of("capacity").at(-1)?.free === 1);
    const quick = grant("quick");
    expect(await platform.outcome(quick)).toMatchObject({ kind: "completed" });
    for (const id of held) platform.journal(id).complete(1);
    for (const id of held) await result(id);
    await platform.until(() => platform.of("capacity").at(-1)?.free === 1);
  });

  test("uses none of its compute time", async () => {
    await start({ env: UNWATCHED });
    const id = grant("wait", { remainingComputeMs: 1_000, run: { maxDurationMs: 1_000 } });
    await platform.parked(id, "NOT_WATCHED");
    await beats(8);
    platform.journal(id).complete(1);
    await result(id);
    expect((await platform.message("complete")).usage.computeMs).toBeLessThan(1_000);
  });

  test("is never taken for one that can never finish, until nothing is left to wait for", async () => {
    await start({ env: { ...UNWATCHED, GANTRY_WORKER_STALLED_AFTER_MS: "100" } });
    const id = grant("never-after");
    await platform.parked(id, "NOT_WATCHED");
    await beats(3);
    expect(platform.of("complete")).toEqual([]);
    platform.journal(id).complete(1);
    expect(await platform.outcome(id)).toMatchObject({ kind: "failed", error: { code: "NEVER_SETTLES" } });
  });

  test("whose process is killed is reported as crashed", async () => {
    await start({ env: UNWATCHED });
    const id = grant("wait");
    await platform.parked(id, "NOT_WATCHED");
    process.kill(await pidOf(id), "SIGKILL");
    expect(await platform.outcome(id)).toMatchObject({ kind: "crashed", reason: "SIGNAL", signal: "SIGKILL" });
  });

  test("may go on beside its wait: what it appends is answered when it has its slot", async () => {
    await start({ env: UNWATCHED });
    const id = grant("beside");
    await platform.parked(id, "NOT_WATCHED");
    await runner.write("go", "");
    await platform.event(id, "goes on beside");
    await platform.until(() => platform.journal(id).entries.has(2));
    await beats(2);
    expect(platform.events(id).map(({ message }) => message)).not.toContain("stepped");
    platform.journal(id).resume();
    await platform.event(id, "stepped");
    platform.journal(id).complete(1, '"yes"');
    expect(await result(id)).toEqual({ value: '"yes"', stepped: '"stepped"', heard: [1, 2, 3] });
  });
});

describe("a run that is replayed", () => {
  test("leaves its process at once, and goes on in another over its journal", async () => {
    await start();
    const first = grant("wait", REPLAY);
    const pid = await pidOf(first);
    expect(await platform.parked(first, "REPLAY_MODE")).toMatchObject({ mode: "replay", ifLost: { then: "replay" } });
    await gone(pid);
    await platform.until(() => platform.of("heartbeat").at(-1)?.executions.length === 0);
    const journal = platform.journal(first);
    journal.complete(1, '"yes"');
    const next = grantOf("wait", { ...REPLAY, journal: journal.snapshot() });
    platform.journal(next.executionId, first);
    platform.grant(next);
    const again = await result(next.executionId);
    expect(again).toMatchObject({ value: '"yes"', heard: [] });
    expect(again.pid).not.toBe(pid);
    expect(platform.of("complete").map(({ executionId }) => executionId)).toEqual([next.executionId]);
  });

  test("leaves nothing behind in its process: output and metadata come before it goes", async () => {
    await start();
    const id = grant("say", REPLAY);
    await gone(await pidOf(id));
    expect(platform.events(id).map(({ message }) => message)).toContain("pid " + (await pidOf(id)));
    const order = platform.received.map(({ type }) => type);
    expect(order.lastIndexOf("metadata")).toBeLessThan(order.indexOf("park"));
    expect(order.lastIndexOf("events")).toBeLessThan(order.indexOf("park"));
  });

  test("by auto is held first, and leaves when that is over", async () => {
    await start();
    let wasAlive = false;
    platform.onRequest = (message) => {
      // It has been kept all the time, and is until this is answered.
      if (message.type === "park" && message.reason === "LONG_WAIT") wasAlive = isAlive(pidSaid());
      return undefined;
    };
    const id = grant("wait", { checkpoint: checkpoint({ holdMs: 300 }) });
    const pidSaid = () =>
      Number(
        platform
          .events(id)
          .find(({ message }) => message.startsWith("pid "))
          ?.message.slice(4),
      );
    expect(await platform.parked(id, "HOLDING_FIRST")).toMatchObject({ mode: "hold", ifLost: { then: "replay" } });
    expect(await platform.parked(id, "LONG_WAIT")).toMatchObject({ mode: "replay" });
    expect(wasAlive).toBe(true);
    await gone(pidSaid());
    const notes = platform.events(id).filter(({ kind }) => kind === "event");
    expect(notes.map(({ message }) => /: ([A-Z_]+)\./.exec(message)?.[1])).toEqual(["HOLDING_FIRST", "LONG_WAIT"]);
  });

  test("by auto is held for a wait that is known to be short", async () => {
    await start();
    const id = grant("wait-until", { payload: { inMs: 250 }, checkpoint: checkpoint({ holdMs: 300 }) });
    await platform.parked(id, "SHORT_WAIT");
    await beats(3);
    platform.journal(id).complete(1);
    expect(await platform.outcome(id)).toMatchObject({ kind: "completed" });
    expect(platform.of("park")).toHaveLength(1);
  });

  test("by auto leaves at once where others wait for its place", async () => {
    await start();
    const id = grantOf("wait").executionId;
    platform.journal(id).isPressed = true;
    grant("wait", { executionId: id });
    await platform.parked(id, "PRESSED");
    await gone(await pidOf(id));
  });

  test("unchecked repeats what nobody watched", async () => {
    await start({ env: UNWATCHED });
    const id = grant("wait", { checkpoint: checkpoint({ mode: "replay", unchecked: true }) });
    await platform.parked(id, "REPLAY_UNCHECKED");
    await gone(await pidOf(id));
  });

  test("ends its pod", async () => {
    runner = await RunnerProcess.start(TASKS.replace("../go", "go"), { isPod: true });
    platform = runner.platform;
    await platform.message("capacity");
    const id = grant("wait", { executionId: "execution_pod", ...REPLAY });
    await platform.parked(id, "REPLAY_MODE");
    expect(await runner.exited).toEqual({ code: 0, signal: null });
    expect(platform.of("complete")).toEqual([]);
  });
});

describe("while the platform is away", () => {
  test("a held run stays, and is woken when it is back", async () => {
    await start({ env: UNWATCHED });
    const id = grant("wait");
    await platform.parked(id, "NOT_WATCHED");
    await platform.goAway();
    platform.journal(id).complete(1, '"meanwhile"', { isTold: false });
    await platform.listen();
    expect(await result(id)).toMatchObject({ value: '"meanwhile"', heard: [1, 2] });
  });

  test("entries and parking are sent again until they are answered", async () => {
    await start({ env: UNWATCHED });
    let isSilent = true;
    platform.onRequest = (message) => {
      if (!isSilent || (message.type !== "journal" && message.type !== "park")) return undefined;
      if (message.type === "journal") platform.journal(message.executionId).append(message.known, message.entries);
      return "silence";
    };
    const id = grant("wait");
    await platform.message("journal");
    isSilent = false;
    platform.disconnect();
    await platform.parked(id, "NOT_WATCHED");
    expect(platform.of("journal").filter(({ entries }) => entries[0]?.entry === 0)).toHaveLength(2);
    platform.journal(id).complete(1, '"yes"');
    expect(await result(id)).toMatchObject({ value: '"yes"', heard: [1, 2] });
  });
});

test("a process that loses its connection to the runner says again what has no answer, and hears everything once", async () => {
  await start({ env: UNWATCHED });
  const id = grant("cut");
  await platform.message("park");
  await beats(2);
  platform.journal(id).complete(1, '"yes"');
  expect(await result(id)).toEqual({ value: '"yes"', stepped: '"stepped"', heard: [1, 2, 3] });
});

describe("a parked run whose worker must go", () => {
  test("leaves at once where nothing would be repeated, and its function is not told", async () => {
    await start();
    const id = grant("drained");
    await platform.parked(id, "HOLDING_FIRST");
    runner.child.kill("SIGTERM");
    expect(await platform.parked(id, "DRAINING")).toMatchObject({ mode: "replay" });
    expect((await runner.exited).code).toBe(0);
    expect(platform.of("complete")).toEqual([]);
    expect(platform.events(id).map(({ message }) => message)).not.toContain("DRAINING");
  });

  test("stays for the grace where something would be repeated, and is given back then", async () => {
    await start({ env: { ...UNWATCHED, GANTRY_WORKER_DRAIN_GRACE_MS: "1000" } });
    const id = grant("drained");
    await platform.parked(id, "NOT_WATCHED");
    runner.child.kill("SIGTERM");
    await platform.event(id, "DRAINING");
    expect(await platform.outcome(id)).toMatchObject({ kind: "returned" });
    expect((await runner.exited).code).toBe(0);
  });
});

test("a cancel reaches a parked run's function, and its outcome is completed", async () => {
  await start({ env: UNWATCHED });
  const id = grant("cancelable");
  await platform.parked(id, "NOT_WATCHED");
  platform.push({ type: "cancel", executionId: id, reason: "by test" });
  expect(await platform.outcome(id)).toEqual({ kind: "canceled" });
});

test("an execution that the platform calls fenced is dropped with its process", async () => {
  await start();
  platform.onRequest = (message) =>
    message.type === "journal" && message.entries.some(({ entry }) => entry === 1)
      ? { error: { code: "EXECUTION_FENCED", message: "over", retryable: false } }
      : undefined;
  grant("wait");
  await platform.message("journal", ({ entries }) => entries.some(({ entry }) => entry === 1));
  await platform.until(() => platform.of("heartbeat").at(-1)?.executions.length === 0);
  expect(platform.of("complete")).toEqual([]);
});

test("entries that the journal has no room for are refused to the function", async () => {
  await start();
  const error = { code: "JOURNAL_LIMIT", message: "10,000 entries are the limit", retryable: false };
  platform.onRequest = (message) => (message.type === "journal" ? { error } : undefined);
  const id = grant("refused");
  expect(await platform.outcome(id)).toMatchObject({
    kind: "failed",
    error: { code: "JOURNAL_LIMIT", message: error.message },
  });
});

describe("with the SDK's own steps and waits", () => {
  test("a run leaves its process for a long wait, goes on in another, and does nothing twice", async () => {
    await start();
    const chosen = { checkpoint: checkpoint({ holdMs: 100 }) };
    const first = grant("steps", chosen);
    await platform.parked(first, "LONG_WAIT");
    await platform.until(() => platform.of("heartbeat").at(-1)?.executions.length === 0);
    const journal = platform.journal(first);
    journal.passTime();
    const next = grantOf("steps", { ...chosen, journal: journal.snapshot() });
    platform.journal(next.executionId, first);
    platform.grant(next);
    expect(await result(next.executionId)).toMatchObject({ second: 6 });
    expect(await runner.read("ran")).toBe("first second ");
    const lines = [first, next.executionId].map((id) =>
      platform.events(id).flatMap(({ kind, message }) => (kind === "event" ? [] : [message])),
    );
    expect(lines).toEqual([["after the first"], ["after the wait"]]);
    // From these a timeline is drawn: where its process left, and where another went on.
    const notes = [first, next.executionId].map((id) =>
      platform.events(id).flatMap(({ kind, data }) => (kind === "event" ? [JSON.parse(data ?? "{}") as unknown] : [])),
    );
    expect(notes[0]?.at(-1)).toEqual({ checkpoint: { mode: "replay", reason: "LONG_WAIT" } });
    expect(notes[1]?.[0]).toEqual({ execution: "resumed" });
  });

  test("a run goes on with what was completed after its grant, before its process had it", async () => {
    await start();
    const first = grant("steps", REPLAY);
    await platform.parked(first, "REPLAY_MODE");
    const journal = platform.journal(first);
    const next = grantOf("steps", { ...REPLAY, journal: journal.snapshot() });
    platform.journal(next.executionId, first);
    journal.passTime({ isTold: false });
    platform.push({ type: "grant", grants: [next] });
    platform.push({ type: "wake", executionId: next.executionId });
    expect(await result(next.executionId)).toMatchObject({ second: 6 });
    expect(await runner.read("ran")).toBe("first second ");
  });

  test("a run that takes another way in its next process hears of it soon, though nothing is left in that process", async () => {
    await start();
    await runner.write("way", "left");
    const first = grant("wavers", REPLAY);
    await platform.parked(first, "REPLAY_MODE");
    const journal = platform.journal(first);
    journal.passTime({ isTold: false });
    await runner.write("way", "right");
    const next = grant("wavers", { ...REPLAY, journal: journal.snapshot() });
    expect(await platform.outcome(next)).toMatchObject({
      kind: "failed",
      error: { code: "JOURNAL_MISMATCH", message: expect.stringMatching(/left.*right/s) },
    });
  });

  test("a run that would repeat something is held, and its trace names the line once", async () => {
    await start();
    const id = grant("unsafe");
    const { ifLost } = await platform.parked(id, "UNSAFE");
    expect(ifLost).toEqual({ then: "fail", because: expect.stringMatching(/appendFileSync \(tasks\.ts:\d+\)/) });
    const { level, message } = await platform.event(id, "wrap ");
    expect(level).toBe("warn");
    expect(message).toMatch(/wrap appendFileSync \(tasks\.ts:\d+\) in step\.run to free this process$/);
    platform.journal(id).passTime();
    await result(id);
    expect(await runner.read("ran")).toBe("safe unsafe ");
    expect(platform.events(id).filter((each) => each.message.includes("wrap "))).toHaveLength(1);
  });

  test("the line is the user's in an image too, where the task process has no source map", async () => {
    await start({ isStarted: false });
    const folder = join(runner.dir, "image", "gantry");
    await mkdir(folder, { recursive: true });
    await copyFile(join(import.meta.dirname, "../dist/task-process.js"), join(folder, "task-process.js"));
    runner.spawn(undefined, { GANTRY_WORKER_TASK_PROCESS: join(folder, "task-process.js") });
    await platform.message("capacity");
    const { ifLost } = await platform.parked(grant("unsafe"), "UNSAFE");
    expect(ifLost.because).toMatch(/appendFileSync \(tasks\.ts:\d+\)/);
  });

  test("a run whose step is at work beside its waits keeps its slot until the step has ended", async () => {
    await start();
    const id = grant("parallel", { payload: { how: "all" } });
    await platform.message("park");
    const journal = platform.journal(id);
    const kinds = [...journal.entries.values()].map(({ kind, completion }) => [kind, completion !== undefined]);
    expect(kinds).toContainEqual(["step", true]);
    for (const { entry, kind } of journal.entries.values()) if (kind === "time") journal.complete(entry);
    expect(await result(id)).toEqual({ got: [1, 2, 3] });
  });
});

test("a retry in place has the journal that its grant brings", async () => {
  await start({ env: UNWATCHED });
  const made = grantOf("flaky");
  const id = made.executionId;
  platform.onComplete = ({ outcome }) =>
    outcome.kind === "failed"
      ? { kind: "retryInPlace", delayMs: 0, grant: { ...made, attempt: 2, journal: platform.journal(id).snapshot() } }
      : { kind: "done", status: "COMPLETED" };
  platform.grant(made);
  await platform.parked(id, "NOT_WATCHED");
  platform.journal(id).complete(0, '"once"');
  expect(await result(id, 2)).toEqual({ value: '"once"', heard: [] });
});
