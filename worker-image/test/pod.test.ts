import { readFile } from "node:fs/promises";
import { afterEach, describe, expect, test } from "vitest";
import { grantOf, startOf } from "./support/fake-platform.ts";
import { gone, isAlive } from "./support/processes.ts";
import { type RunnerOptions, RunnerProcess } from "./support/runner-process.ts";

let runner: RunnerProcess;
afterEach(() => runner.stop());

const TASKS = `
  import { task } from "@gantry/sdk/task";
  import { existsSync } from "node:fs";
  import { spawn } from "node:child_process";
  const atImport = process.env.GREETING;
  const seen = (name: string) => new Promise<void>((resolve) => {
    const timer = setInterval(() => { if (existsSync("../" + name)) { clearInterval(timer); resolve(); } }, 10);
  });
  task({ id: "quick", run: async () => process.pid });
  task({ id: "surroundings", run: async () => ({ atImport, env: process.env, cwd: process.cwd(), argv: process.execArgv }) });
  task({ id: "gate", run: async ({ name }: { name: string }) => { console.log("pid " + process.pid); await seen(name); return "passed"; } });
  task({ id: "flaky", run: async (_: unknown, { ctx }: any) => {
    if (ctx.attempt.number > 1) return { pid: process.pid, greeting: process.env.GREETING };
    const left = spawn("sh", ["-c", "sleep 60 & echo $!; exec sleep 60"], { stdio: ["ignore", "pipe", "ignore"], detached: true });
    await new Promise((resolve) => left.stdout.once("data", (data) => { console.log("left " + left.pid + " " + data); resolve(undefined); }));
    throw new Error("pid " + process.pid);
  } });
  task({ id: "drained", run: async ({ how }: { how: string }, { signal, drainSignal }: any) => {
    console.log("began");
    await new Promise((resolve) => drainSignal.addEventListener("abort", resolve));
    console.log(drainSignal.reason.code + " canceled " + signal.aborted + ": " + drainSignal.reason.message);
    if (how === "finish") return "finished";
    if (how === "give back") drainSignal.throwIfAborted();
    await new Promise((resolve) => setTimeout(resolve, 60_000));
  } });
`;
const EXECUTION = "execution_pod";

async function startPod(options: RunnerOptions = {}): Promise<void> {
  runner = await RunnerProcess.start(TASKS, { isPod: true, ...options });
}

/** Starts a pod, and grants it the run when it says hello. */
async function startRun(taskId: string, overrides: Parameters<typeof grantOf>[1] = {}, options: RunnerOptions = {}) {
  runner = await RunnerProcess.start(TASKS, { isPod: true, ...options, isStarted: false });
  runner.platform.onStart = () => startOf({ variables: { GREETING: "hello" } });
  runner.spawn();
  await runner.platform.message("capacity");
  const grant = grantOf(taskId, { executionId: EXECUTION, ...overrides });
  runner.platform.grant(grant);
  return grant;
}

describe("a runner in a pod", () => {
  test("exchanges its token, takes one run, delivers its result and exits", async () => {
    await startRun("quick");
    expect(await runner.platform.outcome(EXECUTION)).toMatchObject({ kind: "completed" });
    expect(await runner.exited).toEqual({ code: 0, signal: null });
    const { platform } = runner;
    expect(platform.starts).toEqual([
      {
        token: "bootstrap-token",
        body: { protocol: 1, nonce: expect.stringMatching(/^.{22,128}$/), host: expect.any(String) },
      },
    ]);
    expect(platform.tokens).toEqual(["token-of-the-channel"]);
    expect(platform.of("hello")[0]).toMatchObject({ workerId: "worker_pod", executions: [] });
    expect(platform.of("capacity").map(({ free }) => free)).toEqual([1, 0]);
  });

  test("may store processes, and is of an image that cannot: it runs as ever", async () => {
    const env = { GANTRY_WORKER_CHECKPOINTS: "true", GANTRY_WORKER_CRIU_DIR: "/no/such/folder" };
    await startRun("quick", {}, { env });
    expect(await runner.platform.outcome(EXECUTION)).toMatchObject({ kind: "completed" });
    expect(runner.platform.of("node")).toEqual([]);
  });

  test("was launched for a stored process: a grant without one is given back, and the function is not called", async () => {
    await startRun("quick", {}, { env: { GANTRY_WORKER_RESTORES: "true" } });
    expect(await runner.platform.outcome(EXECUTION)).toMatchObject({ kind: "returned" });
    expect((await runner.exited).code).toBe(0);
    expect(runner.platform.of("started")).toEqual([]);
  });

  test("gives the run its variables, before the bundle is imported, and nothing of its own", async () => {
    await startRun("surroundings", {}, { env: { HOME: "/" } });
    const outcome = await runner.platform.outcome(EXECUTION);
    const { atImport, env, cwd, argv } = JSON.parse((outcome as { output: string }).output).json;
    const runs = `${runner.dir}/runs`;
    expect(atImport).toBe("hello");
    expect(cwd).toBe(runner.bundleDir);
    expect(argv).toContain("--max-old-space-size=381");
    expect(env).toMatchObject({ GREETING: "hello", GANTRY_API_URL: runner.platform.url, HOME: runs, TMPDIR: runs });
    expect(Object.keys(env).filter((name) => /GANTRY_(WORKER|BUNDLE|RUNS|TASK)|NODE_COMPILE/.test(name))).toEqual([]);
    expect(JSON.stringify(env)).not.toContain("token");
  });

  test("keeps variables out of its own environment and off the disk", async () => {
    await startRun("gate", { payload: { name: "go" } });
    await runner.platform.event(EXECUTION, "pid ");
    const own = await readFile(`/proc/${runner.child.pid}/environ`, "utf8");
    expect(own).not.toContain("hello");
    expect(await everyFile(runner.dir)).not.toContain('"hello"');
    await runner.write("go", "");
    await runner.exited;
  });

  test("starts the process anew where a variable is read only at a process's start", async () => {
    runner = await RunnerProcess.start(TASKS, { isPod: true, isStarted: false });
    const variables = { NODE_OPTIONS: "--stack-trace-limit=33", GREETING: "hi" };
    runner.platform.onStart = () => startOf({ variables });
    runner.spawn();
    await runner.platform.message("capacity");
    runner.platform.grant(grantOf("surroundings", { executionId: EXECUTION }));
    const outcome = await runner.platform.outcome(EXECUTION);
    expect(JSON.parse((outcome as { output: string }).output).json).toMatchObject({ atImport: "hi", env: variables });
    expect((await runner.exited).code).toBe(0);
  });

  test("stays for a retry in place, with a fresh process that finds nothing of the one before", async () => {
    runner = await RunnerProcess.start(TASKS, { isPod: true, isStarted: false });
    runner.platform.onStart = () => startOf({ variables: { GREETING: "again" } });
    const grant = grantOf("flaky", { executionId: EXECUTION });
    runner.platform.onComplete = ({ outcome }) =>
      outcome.kind === "failed"
        ? { kind: "retryInPlace", delayMs: 50, grant: { ...grant, attempt: 2 } }
        : { kind: "done", status: "COMPLETED" };
    runner.spawn();
    await runner.platform.message("capacity");
    runner.platform.grant(grant);
    const first = await runner.platform.outcome(EXECUTION, 1);
    const second = await runner.platform.outcome(EXECUTION, 2);
    const pid = first.kind === "failed" ? Number(first.error.message.split(" ")[1]) : 0;
    const output = JSON.parse((second as { output: string }).output).json;
    expect(output.greeting).toBe("again");
    expect(output.pid).not.toBe(pid);
    const left = (await runner.platform.event(EXECUTION, "left ")).message.trim().split(" ").slice(1);
    for (const each of left) await gone(Number(each));
    expect((await runner.exited).code).toBe(0);
  });

  test("goes on while the platform is away, and delivers when it is back", async () => {
    await startRun("gate", { payload: { name: "go" } });
    await runner.platform.event(EXECUTION, "pid ");
    await runner.platform.goAway();
    await runner.write("go", "");
    await runner.platform.listen();
    expect(await runner.platform.outcome(EXECUTION)).toMatchObject({ kind: "completed", output: "passed" });
    expect((await runner.exited).code).toBe(0);
    expect(runner.platform.starts).toHaveLength(1);
  });

  test("ends when the run is fenced", async () => {
    await startRun("gate", { payload: { name: "never" } });
    const { message } = await runner.platform.event(EXECUTION, "pid ");
    runner.platform.onHeartbeat = () => ({ fenced: [EXECUTION], cancel: [] });
    expect((await runner.exited).code).toBe(0);
    expect(isAlive(Number(message.split(" ")[1]))).toBe(false);
    expect(runner.platform.of("complete")).toEqual([]);
  });

  test("ends when no run is granted", async () => {
    await startPod({ env: { GANTRY_WORKER_GRANT_TIMEOUT_MS: "300" } });
    expect((await runner.exited).code).toBe(0);
    expect(runner.output).toContain("no run was granted");
  });

  test("reports a bundle that cannot be imported as the run's crash", async () => {
    await startPod({ isStarted: false });
    await runner.bundle(`throw new Error("no " + process.env.GREETING);`);
    runner.platform.onStart = () => startOf({ variables: { GREETING: "bundle" } });
    runner.spawn();
    await runner.platform.message("capacity");
    runner.platform.grant(grantOf("quick", { executionId: EXECUTION }));
    expect(await runner.platform.outcome(EXECUTION)).toMatchObject({
      kind: "crashed",
      reason: "BOOT_FAILED",
      error: { message: expect.stringContaining("no bundle") },
    });
    expect((await runner.exited).code).toBe(0);
  });
});

describe("the exchange", () => {
  test("is tried again, with the same nonce, while the platform is away or its answer is lost", async () => {
    await startPod({ isStarted: false });
    const { platform } = runner;
    platform.onStart = () => {
      if (platform.starts.length === 1) return { status: 503, code: "STORE_UNAVAILABLE" };
      return platform.starts.length === 2 ? "cut" : startOf();
    };
    await platform.goAway();
    runner.spawn();
    await said("could not be reached");
    await platform.listen();
    await platform.message("capacity");
    expect(platform.starts).toHaveLength(3);
    expect(new Set(platform.starts.map(({ body }) => body.nonce)).size).toBe(1);
  });

  test.each([
    [401, "TOKEN_EXPIRED"],
    [409, "BOOTSTRAP_TOKEN_USED"],
    [409, "EXECUTION_FENCED"],
  ])("that is refused with %d %s ends the pod without an error", async (status, code) => {
    await startPod({ isStarted: false });
    runner.platform.onStart = () => ({ status, code });
    runner.spawn();
    expect((await runner.exited).code).toBe(0);
    expect(runner.output).toContain(`this pod is not needed: ${code}`);
    expect(runner.platform.tokens).toEqual([]);
  });

  test("that the platform does not understand ends the pod with an error", async () => {
    await startPod({ isStarted: false });
    runner.platform.onStart = () => ({ status: 400, code: "PROTOCOL_MISMATCH" });
    runner.spawn();
    expect((await runner.exited).code).toBe(69);
    expect(runner.output).toContain("PROTOCOL_MISMATCH");
  });

  test("is given up in the end", async () => {
    await startPod({ isStarted: false, env: { GANTRY_WORKER_START_TIMEOUT_MS: "100" } });
    await runner.platform.goAway();
    runner.spawn();
    expect((await runner.exited).code).toBe(69);
    expect(runner.output).toContain("ECONNREFUSED");
  });
});

describe("SIGTERM", () => {
  test("before the exchange, and before the run, ends the pod at once", async () => {
    await startPod({ isStarted: false });
    await runner.platform.goAway();
    runner.spawn();
    await said("could not be reached");
    runner.child.kill("SIGTERM");
    expect((await runner.exited).code).toBe(0);

    await runner.platform.listen();
    runner.spawn();
    await runner.platform.message("capacity");
    runner.child.kill("SIGTERM");
    expect((await runner.exited).code).toBe(0);
  });

  test("is told to the function, which may finish", async () => {
    await startRun("drained", { payload: { how: "finish" } });
    await runner.platform.event(EXECUTION, "began");
    runner.child.kill("SIGTERM");
    expect(await runner.platform.outcome(EXECUTION)).toMatchObject({ kind: "completed", output: "finished" });
    const { message } = await runner.platform.event(EXECUTION, "DRAINING");
    expect(message).toMatch(/^DRAINING canceled false: The worker was told to drain\. The run may go on for 300 s/);
    expect((await runner.exited).code).toBe(0);
  });

  test("is told to the function, which may give the run back at once", async () => {
    await startRun("drained", { payload: { how: "give back" } });
    await runner.platform.event(EXECUTION, "began");
    runner.child.kill("SIGTERM");
    expect(await runner.platform.outcome(EXECUTION)).toMatchObject({ kind: "returned" });
    expect((await runner.exited).code).toBe(0);
  });

  test("gives the run back at the end of the grace", async () => {
    await startRun("drained", { payload: { how: "go on" } }, { env: { GANTRY_WORKER_DRAIN_GRACE_MS: "1000" } });
    await runner.platform.event(EXECUTION, "began");
    runner.child.kill("SIGTERM");
    await runner.platform.event(EXECUTION, "DRAINING");
    expect(await runner.platform.outcome(EXECUTION)).toMatchObject({ kind: "returned" });
    expect((await runner.exited).code).toBe(0);
  });
});

async function everyFile(dir: string): Promise<string> {
  const { glob } = await import("node:fs/promises");
  let text = "";
  for await (const file of glob("runs/**/*", { cwd: dir })) {
    text += await readFile(`${dir}/${file}`, "latin1").catch(() => "");
  }
  return text;
}

/** Waits for a line of the runner's log. */
async function said(text: string): Promise<void> {
  while (!runner.output.includes(text)) await new Promise((resolve) => runner.child.stdout?.once("data", resolve));
}
