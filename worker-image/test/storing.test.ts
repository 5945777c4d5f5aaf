/**
 * A process that waits is stored, with a fault between any two steps: CRIU and the platform are played, the process and its
 * connection are real. Whatever happens, it goes on here, or it is gone and what was stored counts: never both.
 */
import { randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { decodeMemo } from "../src/checkpoint/checkpoint-memo.ts";
import { ensureClockFile } from "../src/checkpoint/clock-file.ts";
import { CriuError } from "../src/checkpoint/criu.ts";
import { RunnerCheckpoints } from "../src/checkpoint/runner-checkpoints.ts";
import type { Execution } from "../src/execution.ts";
import { osDifferences } from "../src/os-differences.ts";
import { FakeCheckpoints } from "./support/fake-checkpoints.ts";
import { FakeCriu } from "./support/fake-criu.ts";
import { FakeJournal } from "./support/fake-journal.ts";
import { grantOf } from "./support/fake-platform.ts";
import { gone, isAlive } from "./support/processes.ts";
import { RunnerParts } from "./support/runner-parts.ts";
import { stateOf } from "./support/stopped-process.ts";
import { buildTaskProgram, type TaskProgram } from "./support/task-program.ts";

const TASKS = `
  import { task } from "@gantry/sdk/task";
  import { spawn } from "node:child_process";
  import { appendFileSync, openSync, unlinkSync } from "node:fs";
  import { DurableByHand } from "./test/support/durable-by-hand.ts";
  const ran = (line: string) => appendFileSync(process.env.DIR + "/ran", line + " ");
  task({ id: "waits", run: async ({ has }: { has?: string }, { signal, drainSignal }: any) => {
    const run = new DurableByHand();
    console.log("pid " + process.pid);
    process.stdout.write("a line\\nhalf a l");
    drainSignal.addEventListener("abort", () => console.log("DRAINING"));
    const child = has === "a child" ? spawn("sleep", ["60"]) : undefined;
    if (has === "a deleted file") { openSync(process.env.DIR + "/deleted", "w"); unlinkSync(process.env.DIR + "/deleted"); }
    ran("before");
    const value = await Promise.race([run.wait("an answer"), new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)))]);
    child?.kill();
    ran("after");
    return { value };
  } });
`;
const EXECUTION = "execution_1";
const PROCESS = { mode: "process", process: true, holdMs: 60_000, strict: false, unchecked: false, onHoldLost: "fail" };

let programDir: string;
let program: TaskProgram;
beforeAll(async () => {
  programDir = await mkdtemp(join(tmpdir(), "gantry-program-"));
  program = await buildTaskProgram(programDir, TASKS);
});
afterAll(() => rm(programDir, { recursive: true, force: true }));

let dir: string;
let server: Server;
let chunks: FakeCheckpoints;
let criu: FakeCriu;
let runner: RunnerParts;
let journal: FakeJournal;
let execution: Execution;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "gantry-storing-"));
  chunks = new FakeCheckpoints();
  criu = new FakeCriu();
  server = createServer((request, response) => void chunks.serve(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  journal = new FakeJournal(() => execution.news());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const clockFile = join(dir, "clock");
  await ensureClockFile(clockFile);
  const checkpoints = new RunnerCheckpoints(
    {
      criuDir: "/nowhere",
      node: "node-here",
      runsDir: dir,
      carried: [dir],
      compileCacheDir: undefined,
      clockFile,
      target: () => ({ url, token: "worker-token" }),
      os: osDifferences(process.platform),
    },
    criu,
  );
  await checkpoints.test(true);
  runner = await RunnerParts.start({ dir, ...program, journal, checkpoints, env: { DIR: dir } }, "1.sock");
  runner.onRequest = (request) => (request.type === "checkpoint" ? { checkpoint: chunks.begin() } : undefined);
});
afterEach(async () => {
  await runner.close();
  server.closeAllConnections();
  server.close();
  await rm(dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
});

/** Starts the run; resolves with its process's id. */
async function start(payload: object = {}): Promise<number> {
  execution = runner.execution(grantOf("waits", { executionId: EXECUTION, payload, checkpoint: PROCESS as never }));
  return Number((await said("pid ")).slice(4));
}

/** What the process has written, or the trace says. */
async function said(text: string | RegExp): Promise<string> {
  for (;;) {
    execution.readOutput();
    execution.sendReports();
    const found = runner.events.find(({ message }) =>
      typeof text === "string" ? message.includes(text) : text.test(message),
    );
    if (found) return found.message;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

const parks = () => runner.of("park").map(({ mode, reason }) => `${mode} ${reason}`);
const lines = async () => (await readFile(join(dir, "ran"), "utf8")).trim().split(" ");
const stored = () => runner.request("park", ({ mode }) => mode === "process");
const held = () => runner.request("park", ({ mode }) => mode === "hold");
const isEnded = () => runner.until(() => runner.ended.length > 0);

/** The wait ends, and the process goes on with its result, once. */
async function goesOn({ isWoken = false } = {}): Promise<void> {
  if (!isWoken) journal.complete(0, '"yes"');
  const { outcome } = await runner.request("complete");
  expect(outcome).toMatchObject({ kind: "completed" });
  expect(await lines()).toEqual(["before", "after"]);
}

/** Nothing of the process is left, and nothing of it ran. */
async function isLeft(pid: number): Promise<void> {
  await gone(pid);
  expect(await lines()).toEqual(["before"]);
  expect(runner.of("complete")).toEqual([]);
}

describe("a run that waits", () => {
  test("is stored, stopped until the platform has it, and then ends without having run another line", async () => {
    runner.onRequest = (request) => {
      if (request.type === "checkpoint") return { checkpoint: chunks.begin() };
      return request.type === "park" ? "silence" : undefined;
    };
    const pid = await start();
    const park = await stored();
    expect(park).toMatchObject({
      mode: "process",
      reason: "PROCESS_MODE",
      known: 0,
      ifLost: { then: expect.any(String) },
    });
    expect(stateOf(pid)).toBe("T");
    const { checkpoint } = park;
    expect(checkpoint).toMatchObject({
      checkpointId: "checkpoint_1",
      chunks: chunks.chunks.size,
      features: { node: "node-here" },
    });
    const memo = decodeMemo(checkpoint?.memo ?? "");
    expect(memo).toMatchObject({ pid, carried: [dir], from: { executionId: EXECUTION, attempt: 1 } });
    // The next runner reads the line that has no end yet from its beginning.
    expect(memo.stdout.offset).toBe("a line\n".length);
    expect(runner.events.map(({ message }) => message)).toContain("a line");
    runner.answer(journal.park(park));
    await isLeft(pid);
    await isEnded();
  });

  test("is parked first by auto, and stored when holdMs has passed", async () => {
    const checkpoint = { ...PROCESS, mode: "auto", holdMs: 100 } as never;
    execution = runner.execution(grantOf("waits", { executionId: EXECUTION, checkpoint }));
    await stored();
    await isEnded();
    expect(parks()).toEqual(["hold HOLDING_FIRST", "process PROCESS_LONG_WAIT"]);
  });

  test("sends a chunk again that the platform could not take, the same bytes", async () => {
    const seen: number[] = [];
    chunks.onChunk = (_method, _id, number) => (seen.push(number) === 1 ? 503 : undefined);
    const pid = await start();
    const { checkpoint } = await stored();
    expect(seen.length).toBe((checkpoint?.chunks ?? 0) + 1);
    await isLeft(pid);
  });

  test("says what it wrote before it was stopped, once", async () => {
    await start();
    await isEnded();
    expect(runner.events.filter(({ message }) => message.startsWith("pid "))).toHaveLength(1);
    const order = runner.sent.map(({ type }) => type);
    expect(order.lastIndexOf("events")).toBeLessThan(order.indexOf("park"));
  });
});

describe("a process that cannot be stored goes on where it stands, and the platform hears why", () => {
  interface Fault {
    make: () => void;
    payload?: object;
    want: string;
    note: RegExp;
    dumps?: number;
  }
  const refusing = (what: "checkpoint" | "park", code: string) => () => {
    runner.onRequest = (request) => {
      const isIt = request.type === what && (request.type !== "park" || request.mode === "process");
      if (isIt) return { error: { code, message: `no: ${code}`, retryable: false } };
      return request.type === "checkpoint" ? { checkpoint: chunks.begin() } : undefined;
    };
  };
  const faults: Record<string, Fault> = {
    "a dump that fails": {
      make: () => {
        criu.whileDumping = (pid) => {
          process.kill(pid, "SIGCONT");
          throw new CriuError("Can't dump this");
        };
      },
      want: "CHECKPOINT_FAILED",
      note: /Can't dump this/,
    },
    "a dump that fails and leaves it stopped": {
      make: () => {
        criu.whileDumping = () => {
          throw new CriuError("killed half-way");
        };
      },
      want: "CHECKPOINT_FAILED",
      note: /killed half-way/,
    },
    "a process that it started": {
      make: () => undefined,
      payload: { has: "a child" },
      want: "CHECKPOINT_REFUSED",
      note: /a process that it started is alive: sleep 60/,
      dumps: 0,
    },
    "a deleted file that it has open": {
      make: () => undefined,
      payload: { has: "a deleted file" },
      want: "CHECKPOINT_REFUSED",
      note: /that was deleted: .*\/deleted/,
      dumps: 0,
    },
    "more than may be stored": {
      make: () => {
        chunks.maxStoredBytes = 100;
      },
      want: "CHECKPOINT_TOO_LARGE",
      note: /more than/,
    },
    "a platform that has checkpoints switched off": {
      make: refusing("checkpoint", "CHECKPOINT_UNAVAILABLE"),
      want: "CHECKPOINT_FAILED",
      note: /no: CHECKPOINT_UNAVAILABLE/,
    },
    "a chunk that is refused half-way": {
      make: () => {
        chunks.onChunk = (_method, _id, number) => (number === 1 ? 409 : undefined);
        criu.whileDumping = () => undefined;
      },
      payload: { has: "nothing" },
      want: "CHECKPOINT_FAILED",
      note: /HTTP 409/,
    },
    "a park that is refused": {
      make: refusing("park", "VALIDATION_FAILED"),
      want: "CHECKPOINT_FAILED",
      note: /no: VALIDATION_FAILED/,
    },
    "a park that is over a limit": {
      make: refusing("park", "LIMIT_EXCEEDED"),
      want: "CHECKPOINT_TOO_LARGE",
      note: /no: LIMIT_EXCEEDED/,
    },
    "a platform that holds it instead": {
      make: () => {
        runner.onRequest = (request) => {
          if (request.type === "park" && request.mode === "process")
            return { park: journal.park({ ...request, mode: "hold" }).park as never };
          return request.type === "checkpoint" ? { checkpoint: chunks.begin() } : undefined;
        };
      },
      want: "CHECKPOINT_FAILED",
      note: /did not take it/,
    },
  };
  test.each(Object.entries(faults))("%s", async (_sentence, { make, payload, want, note, dumps = 1 }) => {
    make();
    // Noise that does not compress, so that there are several chunks.
    criu.pages = () => randomBytes(5_000_000);
    await start(payload);
    const park = await held();
    expect(park.reason).toBe(want);
    await said(note);
    await runner.until(() => execution.isParked);
    expect(criu.dumps).toBe(dumps);
    await goesOn();
    expect(criu.dumps).toBe(dumps);
  });
});

describe("whatever comes while it is stored", () => {
  test("news before the dump is over: it goes on with them, and nothing counts", async () => {
    criu.whileDumping = () => journal.complete(0, '"early"');
    await start();
    await goesOn({ isWoken: true });
    expect(parks()).toEqual([]);
  });

  test("news that the platform alone knows: the park is answered with them, and it goes on", async () => {
    criu.whileDumping = () => journal.complete(0, '"early"', { isTold: false });
    await start();
    await goesOn({ isWoken: true });
    expect(parks()).toEqual(["process PROCESS_MODE"]);
  });

  test("a park without an answer: it stands still, whatever else is heard, until there is one", async () => {
    silentParks();
    const pid = await start();
    const park = await stored();
    execution.news();
    execution.drain("The worker was told to drain", 60_000);
    execution.cancel("not wanted any more");
    await runner.request("journal", ({ entries }) => entries.length === 0);
    expect(stateOf(pid)).toBe("T");
    runner.answer(journal.park(park));
    await isLeft(pid);
  });

  test("a park without an answer, then one that lets it go on: it hears of the cancel that came meanwhile", async () => {
    silentParks();
    await start();
    const park = await stored();
    execution.cancel("not wanted any more");
    journal.complete(0, '"early"', { isTold: false });
    runner.onRequest = () => undefined;
    runner.answer(journal.park(park));
    const { outcome } = await runner.request("complete");
    expect(outcome.kind).toMatch(/canceled|failed|completed/);
    expect(await lines()).not.toEqual(["before", "after", "after"]);
  });

  test("a cancel during the dump: it goes on, and hears of it", async () => {
    criu.whileDumping = () => execution.cancel("not wanted any more");
    await start();
    const { outcome } = await runner.request("complete");
    expect(outcome).toMatchObject({ kind: "canceled" });
    expect(parks()).toEqual([]);
    expect(await lines()).toEqual(["before"]);
  });

  test("a drain during the dump: it is stored to the end, and does not hear of it", async () => {
    criu.whileDumping = () => execution.drain("The worker was told to drain", 60_000);
    const pid = await start();
    await stored();
    await isLeft(pid);
    expect(runner.events.map(({ message }) => message)).not.toContain("DRAINING");
  });

  test("a drain during a dump that fails: it goes on, and hears of it", async () => {
    criu.whileDumping = () => {
      execution.drain("The worker was told to drain", 60_000);
      throw new CriuError("Can't dump this");
    };
    await start();
    await said("DRAINING");
    await held();
    await goesOn();
  });

  test("the end of its process during the dump: the attempt has crashed, and nothing counts", async () => {
    criu.whileDumping = (pid) => process.kill(pid, "SIGKILL");
    await start();
    const { outcome } = await runner.request("complete");
    expect(outcome).toMatchObject({ kind: "crashed", signal: "SIGKILL" });
    expect(parks()).toEqual([]);
  });

  test("the end of its process before the park is answered: the platform hears of it after the park", async () => {
    silentParks();
    const pid = await start();
    await stored();
    process.kill(pid, "SIGKILL");
    await runner.request("complete");
    const order = runner.sent.map(({ type }) => type);
    expect(order.indexOf("park")).toBeLessThan(order.indexOf("complete"));
    expect(await lines()).toEqual(["before"]);
  });

  test("another owner of the run: its process is ended at once, and nothing counts", async () => {
    criu.whileDumping = () => execution.drop();
    const pid = await start();
    await isLeft(pid);
    expect(parks()).toEqual([]);
  });

  test("an answer that the execution is over: its process is ended", async () => {
    runner.onRequest = (request) => {
      if (request.type === "park") return { error: { code: "EXECUTION_FENCED", message: "over", retryable: false } };
      return request.type === "checkpoint" ? { checkpoint: chunks.begin() } : undefined;
    };
    await isLeft(await start());
  });

  test("the grace's end: the run is given back, and its process is ended", async () => {
    criu.whileDumping = () => execution.giveBack("The worker was told to drain");
    const pid = await start();
    const { outcome } = await runner.request("complete");
    expect(outcome).toMatchObject({ kind: "returned" });
    await gone(pid);
    expect(isAlive(pid)).toBe(false);
    expect(parks()).toEqual([]);
  });
});

function silentParks(): void {
  runner.onRequest = (request) => {
    if (request.type === "checkpoint") return { checkpoint: chunks.begin() };
    return request.type === "park" ? "silence" : undefined;
  };
}
