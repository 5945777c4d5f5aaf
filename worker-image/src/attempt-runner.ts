import { fstatSync, readFileSync } from "node:fs";
import { DEFAULT_CHECKPOINT, type Grant, toWireError } from "@gantry/sdk/contract";
import { executeTask, inOwnRegion, interruptTask, type TaskOutcome } from "@gantry/sdk/task";
import type { AttemptRef, FromTaskProcess, TaskProcessConfig, ToTaskProcess } from "./process-messages.ts";
import type { RunnerConnection } from "./runner-connection.ts";
import { StalledFunction } from "./stalled-function.ts";
import { AttemptHost } from "./task-host.ts";
import type { Watch } from "./watch/watch.ts";

interface Current extends AttemptRef {
  host: AttemptHost;
  abort: AbortController;
  drain: AbortController;
  startedAt: number;
  cpuBefore: NodeJS.CpuUsage;
}

/** Runs attempts in this process, one at a time, and sends what became of each. */
export class AttemptRunner {
  readonly #config: TaskProcessConfig;
  readonly #connection: RunnerConnection;
  readonly #watch: Watch | undefined;
  readonly #stalled: StalledFunction;
  #current: Current | undefined;
  #last: AttemptRef | undefined;
  #isReady = false;
  /** Something was thrown that nobody awaited: no other run may follow in this process. */
  #isTainted = false;

  constructor(config: TaskProcessConfig, connection: RunnerConnection, watch: Watch | undefined) {
    this.#config = config;
    this.#connection = connection;
    this.#watch = watch;
    this.#stalled = new StalledFunction(config.stalledAfterMs, () =>
      this.#failAndExit(stalledError(config.stalledAfterMs)),
    );
    process.on("uncaughtException", (error) => this.#uncaught(error));
    process.on("unhandledRejection", (reason) => this.#uncaught(reason));
    process.on("exit", (code) => this.#exiting(code));
  }

  /** The attempt it works on, or the last one it finished. */
  get holds(): AttemptRef | undefined {
    return this.#last;
  }

  /** What the attempt has to say again on a new connection. */
  unsaid(): FromTaskProcess[] {
    return this.#current?.host.journal?.unsaid() ?? [];
  }

  ready(): void {
    this.#isReady = true;
    this.#connection.send({ t: "ready" });
  }

  receive(message: ToTaskProcess): void {
    switch (message.t) {
      case "run":
        return void this.#run(message.grant);
      case "ping":
        return this.#connection.send({ t: "pong", n: message.n });
      case "exit":
        return process.exit(0);
      case "cancel":
        return this.#concerned(message)?.abort.abort(cancelReason(message.reason));
      case "drain":
        return this.#concerned(message)?.drain.abort(drainReason(message.reason, message.graceMs));
      case "completions":
        return this.#concerned(message)?.host.journal?.received(message);
      case "quiesce":
        return void this.#quiesce(message.until);
      case "goOn":
        return this.#goOn(message);
      case "begin":
        // It concerns the process, not an attempt in it: task-process.ts.
        return;
    }
  }

  #concerned({ executionId }: { executionId: string }): Current | undefined {
    return this.#current?.executionId === executionId ? this.#current : undefined;
  }

  /** Says all that waits to be said, and lets go of the runner until the file is there. */
  async #quiesce(until: string): Promise<void> {
    const host = this.#current?.host;
    host?.sendWaiting();
    // A timer of the task's may be due before the runner is heard: what it calls is to have the token that is good then.
    if (host) host.beforeUse = () => this.#lookIfToGoOn(until);
    await this.#connection.pause(until);
    this.#lookIfToGoOn(until);
    if (host) host.beforeUse = undefined;
  }

  /** The file holds what the runner will say, where it has brought this process back. */
  #lookIfToGoOn(until: string): void {
    try {
      const text = inOwnRegion(() => readFileSync(until, "utf8"));
      if (text !== "") this.#goOn(JSON.parse(text) as Extract<ToTaskProcess, { t: "goOn" }>);
    } catch {
      // It is not there yet.
    }
  }

  /** Its attempt has another name and another token from now on, where another runner has brought this process back. */
  #goOn({ from, executionId, runToken }: Extract<ToTaskProcess, { t: "goOn" }>): void {
    const current = this.#current;
    // Said again, after a connection that was lost.
    if (this.#last?.executionId !== from.executionId || this.#last.attempt !== from.attempt) return;
    this.#last = { executionId, attempt: from.attempt };
    if (!current || executionId === from.executionId) return;
    current.executionId = executionId;
    // The kernel counts a process that was brought back from then on.
    current.cpuBefore = { user: 0, system: 0 };
    current.host.goOn(runToken);
  }

  async #run(grant: Grant): Promise<void> {
    // The runner repeats a grant after a reconnect where it cannot know that it arrived.
    if (this.#last?.executionId === grant.executionId && this.#last.attempt === grant.attempt) return;
    this.#connection.forgetOutcome();
    const current = this.#begin(grant);
    const outcome = await executeTask(grant, current.host, current.abort.signal);
    if (this.#current === current) this.#finish(current, outcome, !this.#config.keepAlive || this.#isTainted);
  }

  #begin(grant: Grant): Current {
    const drain = new AbortController();
    // A function that only waits for something of its own can be found stalled: see stalled-function.ts.
    this.#connection.keepAlive(false);
    const { apiUrl } = this.#config;
    const host = { connection: this.#connection, apiUrl, grant, drainSignal: drain.signal, watch: this.#watch };
    const current: Current = {
      executionId: grant.executionId,
      attempt: grant.attempt,
      host: new AttemptHost(host),
      abort: new AbortController(),
      drain,
      startedAt: Date.now(),
      cpuBefore: process.cpuUsage(),
    };
    this.#current = current;
    this.#last = { executionId: grant.executionId, attempt: grant.attempt };
    this.#watch?.begin({ isStrict: (grant.checkpoint ?? DEFAULT_CHECKPOINT).strict });
    this.#stalled.watch(current.abort.signal, drain.signal);
    if (!this.#config.keepAlive) process.title = `gantry task ${grant.run.taskId} ${grant.run.id}`;
    this.#connection.sendSoon({ t: "running", at: current.startedAt });
    return current;
  }

  #finish(current: Current, outcome: TaskOutcome, exits: boolean): void {
    this.#current = undefined;
    this.#stalled.stop();
    this.#watch?.end();
    current.host.end();
    this.#connection.keepAlive(true);
    const cpu = process.cpuUsage(current.cpuBefore);
    this.#connection.sendOutcome({
      t: "outcome",
      executionId: current.executionId,
      attempt: current.attempt,
      outcome,
      cpuMs: (cpu.user + cpu.system) / 1000,
      maxRssBytes: process.resourceUsage().maxRSS * 1024,
      stdoutBytes: sizeOf(1),
      stderrBytes: sizeOf(2),
      exits,
    });
  }

  /** An error nobody awaited. The run's attempt fails with it; the process is in an unknown state and ends. */
  #uncaught(thrown: unknown): void {
    if (this.#current) return this.#failAndExit(thrown);
    process.stderr.write(`${thrown instanceof Error ? thrown.stack : String(thrown)}\n`);
    if (!this.#isReady) this.#connection.send({ t: "bootFailed", error: toWireError(thrown) });
    void this.#connection.close().then(() => process.exit(1));
  }

  #failAndExit(thrown: unknown): void {
    const current = this.#current;
    if (!current) return;
    this.#isTainted = true;
    // Its hooks hear of it as of any other error; a second one, or one outside the function, ends the attempt at once.
    if (interruptTask(current.host, thrown)) return;
    this.#finish(current, { kind: "failed", error: toWireError(thrown), retry: { by: "policy" } }, true);
  }

  #exiting(code: number): void {
    if (!this.#current) return;
    const stack = (new Error("process.exit").stack ?? "").split("\n").slice(1).join("\n");
    this.#connection.send({ t: "exiting", code, stack });
  }
}

function cancelReason(reason: string | undefined): Error {
  return Object.assign(new Error(reason ?? "The run was canceled"), { name: "AbortError", code: "RUN_CANCELED" });
}

function drainReason(reason: string, graceMs: number): Error {
  const message = `${reason}. The run may go on for ${Math.round(graceMs / 1000)} s; after that it is started anew on another worker.`;
  return Object.assign(new Error(message), { name: "AbortError", code: "DRAINING" });
}

function stalledError(afterMs: number): Error {
  const error = new Error(
    `The function can never finish: for ${afterMs / 1000} s nothing was left in its process that could resume it, no timer, no connection, no I/O. It awaits a promise that nobody will settle.`,
  );
  error.stack = `${error.name}: ${error.message}`;
  return Object.assign(error, { code: "NEVER_SETTLES" });
}

/** Size of an output file by its descriptor: a stat of an open file, a microsecond. */
function sizeOf(descriptor: number): number {
  try {
    return fstatSync(descriptor).size;
  } catch {
    return 0;
  }
}
