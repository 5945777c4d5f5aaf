import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type CompletionVerdict, type Grant, MACHINE_PRESETS, type RunnerMessage } from "@gantry/sdk/contract";
import { build } from "esbuild";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { ExecutableDeployment } from "../../cluster/executor.ts";
import type { WorkerLink, WorkerService } from "../../cluster/worker-service.ts";
import { attachWorkerChannel, type WorkerChannel } from "../../http/worker-channel.ts";
import { ProcessExecutor } from "./process-executor.ts";

type Hello = Extract<RunnerMessage, { type: "hello" }>;
type Complete = Extract<RunnerMessage, { type: "complete" }>;

/** A platform without its engine: a server with the worker channel, and what runners told it. */
class TestPlatform implements WorkerService {
  readonly hellos: Hello[] = [];
  readonly completes: Complete[] = [];
  readonly lines: string[] = [];
  readonly logged: { message: string; fields: Record<string, unknown> }[] = [];
  executor!: ProcessExecutor;
  link: WorkerLink | undefined;
  #server!: Server;
  #channel!: WorkerChannel;

  async start(port = 0, options: Partial<ConstructorParameters<typeof ProcessExecutor>[0]> = {}): Promise<this> {
    this.#server = createServer();
    const log = (fields: object, message: string) =>
      void this.logged.push({ message, fields: fields as Record<string, unknown> });
    const logger = { info: log, warn: log, error: log };
    const credentials = {
      issueWorkerToken: (worker: object) => JSON.stringify(worker).replaceAll('"', "'"),
      verifyWorkerToken: (token: string) => JSON.parse(token.replaceAll("'", '"')),
    };
    this.#channel = attachWorkerChannel(this.#server, { credentials, workers: this, log: logger });
    await new Promise<void>((resolve) => this.#server.listen(port, "127.0.0.1", resolve));
    this.executor = new ProcessExecutor({
      workersDir: join(dir, "workers"),
      platformUrl: () => `http://127.0.0.1:${this.port}`,
      credentials,
      absentMs: (deploymentId) => this.#channel.absentMs(deploymentId),
      replaceAfterMs: 15_000,
      environment: {
        PATH: process.env.PATH,
        GANTRY_PLATFORM_ENCRYPTION_KEY: "secret",
        DATABASE_URL: "postgres://platform",
        SHELL_ONLY: "kept",
        OVER_SHELL: "shell",
      },
      variables: async () => ({ OVER_SHELL: "environment's", BOTH: "environment's", KEPT: "yes" }),
      log: logger,
      poolSize: 1,
      keepAlive: false,
      ...options,
    });
    return this;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async disappear(): Promise<void> {
    await this.#channel.close();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async hello(link: WorkerLink, message: Hello) {
    this.link = link;
    this.hellos.push(message);
    return { fenced: [] };
  }
  async heartbeat() {
    return { fenced: [], cancel: [] };
  }
  async journal() {
    return { state: "RUNNING" as const, completions: [] };
  }
  async park() {
    return { state: "RUNNING" as const, completions: [], isPressed: false };
  }
  async checkpoint(): Promise<never> {
    throw new Error("a process of this machine is not stored");
  }
  async restored(): Promise<never> {
    throw new Error("nothing was stored");
  }
  node() {}
  async complete(_link: WorkerLink, message: Complete): Promise<CompletionVerdict> {
    this.completes.push(message);
    return { kind: "done", status: "COMPLETED" };
  }
  async events(_link: WorkerLink, { events }: Extract<RunnerMessage, { type: "events" }>) {
    this.lines.push(...events.map((event) => event.message));
  }
  async metadata() {}
  capacity() {}
  started() {}
  disconnected(link: WorkerLink) {
    if (this.link === link) this.link = undefined;
  }

  /** Grants a run to the connected runner. */
  async grant(taskId: string): Promise<string> {
    await expect.poll(() => this.link, LONG).toBeDefined();
    const grant = grantOf(taskId);
    this.link?.send({ type: "grant", grants: [grant] });
    return grant.executionId;
  }

  async outcome(executionId: string) {
    await expect.poll(() => this.completes.some((each) => each.executionId === executionId), LONG).toBe(true);
    return this.completes.find((each) => each.executionId === executionId)?.outcome;
  }

  /** The rest of the first line that begins so. */
  async line(start: string): Promise<string> {
    const find = () => this.lines.find((line) => line.startsWith(start));
    await expect.poll(find, LONG).toBeDefined();
    return find()?.slice(start.length) as string;
  }
}

const LONG = { timeout: 15_000, interval: 10 };
const TASKS = `
  import { task } from "@gantry/sdk/task";
  import { spawn } from "node:child_process";
  import { existsSync } from "node:fs";
  task({ id: "gate", run: async () => { console.log("pid " + process.pid); await new Promise<void>((resolve) => { const timer = setInterval(() => { if (existsSync("go")) { clearInterval(timer); resolve(); } }, 10); }); } });
  task({ id: "child", run: async () => { const child = spawn(process.execPath, ["-e", "setTimeout(() => {}, 60_000)"], { stdio: "ignore" }); console.log("child " + child.pid); await new Promise((r) => setTimeout(r, 60_000)); } });
  task({ id: "env", run: async () => process.env });
`;

let dir: string;
let platform: TestPlatform;
let deployment: ExecutableDeployment;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "gantry-executor-"));
  await build({
    stdin: { contents: TASKS, resolveDir: import.meta.dirname, loader: "ts" },
    outfile: join(dir, "bundle/entry.mjs"),
    bundle: true,
    platform: "node",
    format: "esm",
    conditions: ["gantry-source"],
    logLevel: "silent",
    banner: {
      js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);',
    },
  });
  deployment = {
    id: "0197a3c0-0000-7000-8000-000000000001",
    environmentId: 1,
    version: "20261121.1",
    manifest: {
      manifestVersion: 1,
      sdkVersion: "0.1.0",
      runtime: "node24",
      tasks: [],
      queues: [],
      entry: "entry.mjs",
      processKeepAlive: false,
    },
    source: {
      kind: "local",
      bundleDir: join(dir, "bundle"),
      projectDir: dir,
      envFiles: [join(dir, ".env"), join(dir, ".env.local")],
    },
  };
  platform = await new TestPlatform().start();
});

afterEach(async () => {
  await platform.executor.stop("kill");
  await platform.disappear();
  await rm(dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
});

const environment = {
  id: 1,
  publicId: "env_1",
  slug: "dev",
  type: "DEVELOPMENT" as const,
  projectId: "p",
  projectRef: "p",
  projectName: "P",
};
const launch = () => ({
  executionId: "e",
  runId: "r",
  taskId: "gate",
  attempt: 1,
  machine: MACHINE_PRESETS["small-1x"],
  deployment,
  environment,
  epoch: 1,
  startDeadlineAt: new Date(),
});

describe("the process executor", () => {
  test("starts one runner per deployment, however often it is asked", async () => {
    await Promise.all([platform.executor.prepare(deployment, 5), platform.executor.launch([launch(), launch()])]);
    await platform.executor.launch([launch()]);
    await expect.poll(() => platform.hellos.length, LONG).toBe(1);
    expect(platform.logged.filter(({ message }) => message === "runner started")).toHaveLength(1);
  });

  test("gives tasks the platform's environment without its secrets, then its environment's variables, then the project's env files", async () => {
    await writeFile(join(dir, ".env"), 'FROM_FILE="one"\nBOTH=env\nDATABASE_URL=postgres://users\n');
    await writeFile(join(dir, ".env.local"), "BOTH=local\n");
    await platform.executor.launch([launch()]);
    const outcome = await platform.outcome(await platform.grant("env"));
    if (outcome?.kind !== "completed") throw new Error(JSON.stringify(outcome));
    const env = JSON.parse(outcome.output ?? "").json as Record<string, string>;
    expect(env).toMatchObject({
      FROM_FILE: "one",
      BOTH: "local",
      DATABASE_URL: "postgres://users",
      SHELL_ONLY: "kept",
      OVER_SHELL: "environment's",
      KEPT: "yes",
    });
    expect(Object.keys(env).filter((name) => /^GANTRY_(PLATFORM|WORKER)/.test(name))).toEqual([]);
  });

  test("finds a runner again after a restart of the platform, its run going on", async () => {
    await platform.executor.launch([launch()]);
    const executionId = await platform.grant("gate");
    await platform.line("pid ");
    const [before] = platform.hellos;
    const { port } = platform;
    await platform.disappear();
    platform = await new TestPlatform().start(port);
    await platform.executor.launch([launch()]);
    await expect.poll(() => platform.hellos.length, LONG).toBe(1);
    expect(platform.hellos[0]).toMatchObject({
      pid: before?.pid,
      workerId: before?.workerId,
      executions: [{ executionId }],
    });
    expect(platform.logged.filter(({ message }) => message === "runner started")).toEqual([]);
    await writeFile(join(dir, "go"), "");
    expect(await platform.outcome(executionId)).toMatchObject({ kind: "completed" });
  });

  test("replaces a runner that looks for the platform where it no longer is", async () => {
    await platform.executor.launch([launch()]);
    await expect.poll(() => platform.hellos.length, LONG).toBe(1);
    const [before] = platform.hellos;
    const elsewhere = await new TestPlatform().start();
    await platform.disappear();
    platform = elsewhere;
    await platform.executor.launch([launch()]);
    await expect.poll(() => platform.hellos.length, LONG).toBe(1);
    expect(platform.hellos[0]?.pid).not.toBe(before?.pid);
    expect(isAlive(before?.pid)).toBe(false);
  });

  test("replaces a runner that lives but cannot be reached, once it has been absent for long enough", async () => {
    let absentMs = 0;
    await platform.disappear();
    platform = await new TestPlatform().start(0, { absentMs: () => absentMs, replaceAfterMs: 200 });
    await platform.executor.launch([launch()]);
    await expect.poll(() => platform.hellos.length, LONG).toBe(1);
    const pid = platform.hellos[0]?.pid as number;
    process.kill(pid, "SIGSTOP");
    absentMs = 100;
    await platform.executor.launch([launch()]);
    expect(isAlive(pid)).toBe(true);

    absentMs = 60_000;
    // A runner that says hello within those 200 ms of its start is not old enough to be replaced yet.
    const launched = async () => {
      await platform.executor.launch([launch()]);
      return isAlive(pid);
    };
    await expect.poll(launched, LONG).toBe(false);
    absentMs = 0;
    await expect.poll(() => platform.hellos.length, LONG).toBe(2);
  });

  test("starts another runner after one was killed", async () => {
    await platform.executor.launch([launch()]);
    await expect.poll(() => platform.hellos.length, LONG).toBe(1);
    process.kill(platform.hellos[0]?.pid as number, "SIGKILL");
    await expect.poll(() => platform.hellos.length, LONG).toBe(2);
    expect(platform.logged.at(-2)?.message).toContain("no runner for this version: the runner was ended by SIGKILL");
  });

  test("leaves neither runner nor task process nor what that started when it kills", async () => {
    await platform.executor.launch([launch()]);
    await platform.grant("gate");
    await platform.grant("child");
    const pids = [platform.hellos[0]?.pid, Number(await platform.line("pid ")), Number(await platform.line("child "))];
    expect(pids.map(isAlive)).toEqual([true, true, true]);
    await platform.executor.stop("kill");
    await expect.poll(() => pids.map(isAlive), LONG).toEqual([false, false, false]);
  });

  test("kills an adopted runner too", async () => {
    await platform.executor.launch([launch()]);
    await expect.poll(() => platform.hellos.length, LONG).toBe(1);
    const pid = platform.hellos[0]?.pid;
    const { port } = platform;
    await platform.disappear();
    platform = await new TestPlatform().start(port);
    await platform.executor.stop("kill");
    expect(isAlive(pid)).toBe(false);
  });

  test("lets runs finish when it drains", async () => {
    await platform.executor.launch([launch()]);
    const executionId = await platform.grant("gate");
    await platform.line("pid ");
    const stopped = platform.executor.stop("drain");
    await writeFile(join(dir, "go"), "");
    await stopped;
    expect(await platform.outcome(executionId)).toMatchObject({ kind: "completed" });
    expect(isAlive(platform.hellos[0]?.pid)).toBe(false);
  });

  test("ends the runner of a retired version when its runs have ended", async () => {
    await platform.executor.launch([launch()]);
    const executionId = await platform.grant("gate");
    await platform.line("pid ");
    await platform.executor.retire(deployment.id);
    await writeFile(join(dir, "go"), "");
    expect(await platform.outcome(executionId)).toMatchObject({ kind: "completed" });
    await expect.poll(() => isAlive(platform.hellos[0]?.pid), LONG).toBe(false);
  });

  test("pauses between starts of a runner that crashes, and says why", async () => {
    const runnerFile = join(dir, "broken.mjs");
    await writeFile(
      runnerFile,
      'import { appendFileSync } from "node:fs"; appendFileSync("starts", "x"); throw new Error("out of order");',
    );
    await platform.disappear();
    platform = await new TestPlatform().start(0, { runnerFile });
    const failed = () => platform.logged.filter(({ message }) => message.includes("exited with code 1"));
    await platform.executor.launch([launch()]);
    await expect.poll(() => failed().length, LONG).toBe(1);
    for (let i = 0; i < 10; i++) await platform.executor.launch([launch()]);
    expect(await readFile(join(dir, "starts"), "utf8")).toBe("x");
    expect(failed()[0]?.fields).toMatchObject({ logTail: expect.stringContaining("out of order"), nextTryInMs: 1_000 });
    await expect.poll(() => failed().at(1)?.fields.nextTryInMs, LONG).toBe(2_000);
  });

  test("does not start a runner without its bundle, and says so", async () => {
    await rm(join(dir, "bundle"), { recursive: true });
    await platform.executor.launch([launch()]);
    expect(platform.logged.at(-1)?.message).toContain("is gone; deploy the version again");
  });
});

function isAlive(pid: number | undefined): boolean {
  try {
    return process.kill(pid as number, 0);
  } catch {
    return false;
  }
}

function grantOf(taskId: string): Grant {
  const executionId = `execution_${Math.random().toString(36).slice(2)}`;
  return {
    executionId,
    fence: "1.1",
    attempt: 1,
    runToken: "token",
    run: {
      id: `run_${executionId}`,
      taskId,
      payload: "{}",
      payloadType: "application/json",
      tags: [],
      isTest: false,
      createdAt: 0,
      startedAt: 0,
      maxAttempts: 1,
      priority: 0,
      depth: 0,
      version: "20261121.1",
    },
    queue: { id: "queue_1", name: "q" },
    machine: MACHINE_PRESETS["small-1x"],
    environment: { id: "env_1", slug: "dev", type: "DEVELOPMENT" },
    project: { id: "1", ref: "demo", name: "Demo" },
    deployment: { id: "deployment_1", version: "20261121.1" },
  };
}
