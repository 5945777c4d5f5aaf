import type {
  AttemptOutcome,
  CompletionVerdict,
  Grant,
  MachinePreset,
  RestoreGrant,
  WireError,
} from "@gantry/sdk/contract";
import { AttemptNotices } from "./attempt-notices.ts";
import { AttemptReports } from "./attempt-reports.ts";
import { AttemptWaits } from "./attempt-waits.ts";
import { BlockedLoop } from "./blocked-loop.ts";
import type { RunnerCheckpoints } from "./checkpoint/runner-checkpoints.ts";
import { type Kill, outcomeOfEnd } from "./exit-policy.ts";
import { encodeMessage } from "./line-protocol.ts";
import type { Said } from "./parking.ts";
import type { Reply, Request } from "./platform-link.ts";
import type { AttemptRef, FromTaskProcess, OutcomeMessage, ToTaskProcess } from "./process-messages.ts";
import type { ProcessPool, Waiter } from "./process-pool.ts";
import type { BroughtBack } from "./restore/bring-back.ts";
import { cleanUp, letGoOn, Restoring, type RestoringEnd, type StoppedProcess } from "./restore/restoring.ts";
import type { ChildEnd, Occupant, TaskChild } from "./task-child.ts";

/** What an execution needs of its runner. */
export interface ExecutionSurroundings {
  pool: ProcessPool;
  request(request: Request): Promise<Reply>;
  started(message: { executionId: string; fence: string; at: number }): void;
  /** Events or metadata wait to be sent. */
  reportsWaiting(execution: Execution): void;
  /** How many more executions the runner would take has changed. */
  capacityChanged(): void;
  ended(execution: Execution): void;
  keepAlive: boolean;
  cancelGraceMs: number;
  blockedAfterMs: number;
  /** The kernel holds the process to its preset's memory: in a pod, where what counts is not the resident size. */
  isHeldToMemory: boolean;
  /** Undefined where processes are not stored. */
  checkpoints: RunnerCheckpoints | undefined;
  /** See restore/bring-back.ts. */
  bringBack(restore: RestoreGrant, signal: AbortSignal): Promise<BroughtBack>;
  /** The node's name, where it is known. */
  node: string | undefined;
}

/** A last sign of life is awaited this long before a timed-out process is ended: it tells whether its loop was blocked. */
const LAST_PONG_MS = 100;
/** A process that was brought back and let go on calls in within a moment. */
const CALL_IN_MS = 30_000;

/**
 * One execution on this runner, attempt after attempt:
 *
 *  restoring ──┐
 *              ↓
 *   waiting → running ⇄ parked ──────────→ ended: the run waits without a worker
 *      ↑         └───┬─────┘
 *      │         completing → ended
 *      │             │ verdict: retry in place
 *      └── pausing ←─┘
 *
 * `waiting` is for a process; `restoring` brings the one back that was stored: restoring.ts. A `parked` one has a process whose run has no slot: it waits.
 */
type Phase = "waiting" | "restoring" | "running" | "parked" | "completing" | "pausing" | "ended";

export class Execution implements Waiter, Occupant {
  #grant: Grant;
  #phase: Phase = "waiting";
  #child: TaskChild | undefined;
  #restoring: Restoring | undefined;
  /** How the process that was brought back knows the attempt. */
  #from: AttemptRef | undefined;
  /** It ended while the platform was asked whether it may go on. */
  #endedBefore: ChildEnd | undefined;
  /** The process that was brought back, until it has called in. */
  #awaited: { timer: NodeJS.Timeout; back: StoppedProcess } | undefined;
  /** Its process is being stored: it is asked nothing, and its files stay as they are. */
  #isStanding = false;
  #maxRssBytes = 0;
  #waits: AttemptWaits;
  #loop: BlockedLoop;
  #timers = new Set<NodeJS.Timeout>();
  readonly #notices: AttemptNotices;
  readonly #reports: AttemptReports;
  readonly #around: ExecutionSurroundings;
  readonly #said: Said = { decision: "", lines: new Set() };

  constructor(grant: Grant, around: ExecutionSurroundings) {
    this.#grant = grant;
    this.#around = around;
    this.#notices = new AttemptNotices(grant.executionId);
    this.#reports = new AttemptReports(
      { executionId: grant.executionId, fence: grant.fence },
      grant.attempt,
      around.request,
    );
    this.#loop = new BlockedLoop(around.blockedAfterMs, 0);
    this.#waits = this.#makeWaits();
  }

  #makeWaits(): AttemptWaits {
    return new AttemptWaits({
      grant: this.#grant,
      said: this.#said,
      request: this.#around.request,
      store: this.#around.checkpoints?.storeOf({
        ref: { executionId: this.id, fence: this.fence },
        from: this.ref(),
        child: () => this.#child,
        request: this.#around.request,
        readAll: (child) => this.#readStored(child),
        stands: (isStanding) => this.#setStanding(isStanding),
      }),
      toProcess: (message) => this.#child?.send(message),
      beforeLeaving: () => this.#emptyProcess(),
      onParked: (isParked) => this.#setParked(isParked),
      onStays: () => this.#tell("drain"),
      onOver: () => this.drop(),
      onOutOfTime: () => this.#outOfTime(),
      note: (level, message, data) => this.#note(level, message, data),
    });
  }

  get id(): string {
    return this.#grant.executionId;
  }

  get fence(): string {
    return this.#grant.fence;
  }

  get phase(): Phase {
    return this.#phase;
  }

  get machine(): MachinePreset {
    return this.#grant.machine;
  }

  /** Compute time of the attempt so far. */
  get computeMs(): number {
    return this.#waits.computeMs;
  }

  get isParked(): boolean {
    return this.#phase === "parked";
  }

  /** The last completion of its journal that its process was told; undefined while it has none. */
  get known(): number | undefined {
    return this.#waits.known;
  }

  /** Whether a process has the attempt. */
  get isInProcess(): boolean {
    return this.#phase === "running" || this.#phase === "parked";
  }

  /** Asks for a process, or brings the run's back. */
  begin(): void {
    const { restore } = this.#grant;
    if (restore) return this.#restore(restore);
    this.#phase = "waiting";
    this.#around.pool.acquire(this);
  }

  // ── the pool's side ──

  start(child: TaskChild): void {
    this.#phase = "running";
    this.#child = child;
    this.#loop = new BlockedLoop(this.#around.blockedAfterMs, performance.now());
    child.occupy(this);
    this.#noteResume();
    this.#waits.start();
  }

  // ── a process that was stored ──

  #restore(restore: RestoreGrant): void {
    const { executionId, fence } = this.#grant;
    const { pool, bringBack, request } = this.#around;
    this.#phase = "restoring";
    this.#restoring = new Restoring({
      ref: { executionId, fence },
      restore,
      machine: this.machine,
      bringBack,
      adopt: async (machine, restored) => {
        const child = await pool.adopt(machine, restored);
        child.occupant = this;
        return child;
      },
      request,
    });
    void this.#restoring.run().then((end) => this.#restored(end));
  }

  #restored(end: RestoringEnd): void {
    if (this.#phase !== "restoring") return;
    this.#restoring = undefined;
    switch (end.kind) {
      case "granted":
        return this.#goesOn(end.back);
      case "notRestored": {
        const { node } = this.#around;
        if (this.#notices.isCanceled) return this.#completeWithoutProcess({ kind: "canceled" });
        const where = node === undefined ? {} : { node };
        return this.#completeWithoutProcess({ kind: "notRestored", reason: end.reason, ...where });
      }
      default:
        return this.#end();
    }
  }

  /** From here on its loss is one of a process. */
  #goesOn(back: StoppedProcess): void {
    const { child, memo, fetchMs, restoreMs } = back;
    this.#phase = "running";
    this.#child = child;
    this.#from = memo.from;
    this.#loop = new BlockedLoop(this.#around.blockedAfterMs, performance.now());
    const said = `The run's process is back, and goes on at its next line: fetched in ${fetchMs} ms, restored in ${restoreMs} ms.`;
    this.#note("info", said, { execution: "restored", fetchMs, restoreMs });
    if (this.#endedBefore) return void this.#crashed(this.#endedBefore);
    this.#waits.start();
    if (this.#notices.isCanceled) this.#cancelInProcess();
    const timer = this.#after(CALL_IN_MS, () => child.killNow({ by: "silence", afterMs: CALL_IN_MS }));
    this.#awaited = { timer, back };
    letGoOn(back, this.goOn()).catch(() => child.killNow(undefined));
  }

  goOn(): ToTaskProcess | undefined {
    const { executionId, runToken } = this.#grant;
    return this.#from && { t: "goOn", from: this.#from, executionId, runToken };
  }

  backInTouch(): void {
    // Only once: what a lost connection took with it the process asks for.
    if (!this.#awaited) return;
    clearTimeout(this.#awaited.timer);
    cleanUp(this.#awaited.back);
    this.#awaited = undefined;
    this.#around.started({ executionId: this.id, fence: this.fence, at: Date.now() });
    this.#waits.backInTouch();
  }

  /** The attempt has been in another process before. */
  #noteResume(): void {
    const { journal, attempt } = this.#grant;
    if (!journal?.entries.some((entry) => entry.attempt === attempt)) return;
    this.#note("info", "The run goes on in a new process.", { execution: "resumed" });
  }

  bootFailed(outcome: AttemptOutcome): void {
    if (this.#phase !== "waiting") return;
    this.#complete(outcome, { computeMs: 0 });
  }

  // ── the process's side ──

  grantLine(): string {
    // The fence stays here: a process that was frozen and thawed elsewhere must not carry it along.
    return encodeMessage({ t: "run", grant: { ...this.#grant, fence: "" } });
  }

  ref(): AttemptRef {
    return { executionId: this.#grant.executionId, attempt: this.#grant.attempt };
  }

  notices(): ToTaskProcess[] {
    return this.#notices.all;
  }

  #tell(which: "cancel" | "drain"): void {
    for (const notice of this.#notices.all) if (notice.t === which) this.#child?.send(notice);
  }

  received(message: FromTaskProcess): void {
    if (!this.isInProcess || this.#waits.received(message)) return;
    switch (message.t) {
      case "running":
        return this.#around.started({ executionId: this.id, fence: this.fence, at: message.at });
      case "events":
        for (const event of message.events) this.#reports.log(event);
        return this.#around.reportsWaiting(this);
      case "metadata": {
        const { t: _, ...change } = message;
        this.#reports.metadata(change);
        // Somebody may be watching. The process sends no more than twenty of these a second.
        void this.#reports.sendMetadata();
        return;
      }
      case "pong":
        return this.#note("info", this.#loop.pong(message.n, performance.now()));
      case "outcome":
        if (this.#isMine(message)) void this.#finished(message);
        return;
      default:
        // The rest concerns the process, not the attempt in it.
        return;
    }
  }

  /** It may have ended before it heard of its new name. */
  #isMine({ executionId, attempt }: AttemptRef): boolean {
    return attempt === this.#grant.attempt && (executionId === this.id || executionId === this.#from?.executionId);
  }

  processEnded(end: ChildEnd): void {
    if (this.isInProcess) void this.#crashed(end);
    // Whether that concerns the run is not known yet.
    else if (this.#phase === "restoring") this.#endedBefore = end;
  }

  // ── the platform's side ──

  cancel(reason: string | undefined): void {
    if (this.#notices.isCanceled || this.#phase === "ended") return;
    this.#notices.cancel(reason);
    if (this.#phase === "waiting" || this.#phase === "pausing")
      return this.#completeWithoutProcess({ kind: "canceled" });
    if (this.#phase === "restoring" && !this.#restoring?.isAsking)
      return this.#completeWithoutProcess({ kind: "canceled" });
    if (this.isInProcess) this.#cancelInProcess();
  }

  #cancelInProcess(): void {
    this.#waits.cancel();
    this.#tell("cancel");
    this.#after(this.#around.cancelGraceMs, () => this.#child?.killNow({ by: "cancel" }));
  }

  /** There may be completions that it does not know, or its run has its slot again. */
  news(): void {
    this.#waits.news();
  }

  /** Someone else owns the run, or it waits without a worker. Ends the process and says nothing more. */
  drop(): void {
    if (this.#phase === "ended") return;
    this.#around.pool.withdraw(this);
    this.#stopRestoring();
    const child = this.#child;
    this.#end();
    child?.killNow(undefined);
  }

  /** The worker must go. Gives the run back at once where no process has it; else the process is told, and may go on. */
  drain(reason: string, graceMs: number): void {
    // One that may go on in a moment is told then.
    if (!this.isInProcess && !this.#restoring?.isAsking) return this.giveBack(reason);
    this.#notices.drain(reason, graceMs);
    if (!this.#waits.drain()) this.#tell("drain");
  }

  /** Gives the run back now. */
  giveBack(reason: string): void {
    this.#notices.drain(reason, 0);
    if (this.#phase === "waiting" || this.#phase === "restoring" || this.#phase === "pausing")
      this.#completeWithoutProcess({ kind: "returned", reason });
    else if (this.isInProcess) this.#child?.killNow({ by: "return", reason });
  }

  // ── the runner's ticks ──

  sendReports(): void {
    if (this.isInProcess) void this.#reports.send();
  }

  readOutput(): void {
    if (this.#child && !this.#isStanding) void this.#read(this.#child, false);
  }

  async checkMemory(
    memory: (pid: number) => Promise<{ rssBytes: number; maxRssBytes: number } | undefined>,
  ): Promise<void> {
    const child = this.#child;
    if (child?.pid === undefined) return;
    const used = await memory(child.pid);
    if (!used || this.#child !== child) return;
    this.#maxRssBytes = Math.max(this.#maxRssBytes, used.maxRssBytes);
    if (this.#around.isHeldToMemory) return;
    if (used.rssBytes > this.machine.memory * 1e9) child.killNow({ by: "memory", rssBytes: used.rssBytes });
  }

  pingLoop(): void {
    if (this.#phase !== "running" || this.#isStanding) return;
    const { ping, report } = this.#loop.tick(performance.now());
    if (ping !== undefined) this.#child?.send({ t: "ping", n: ping });
    this.#note("warn", report);
  }

  // ── waiting ──

  #setParked(isParked: boolean): void {
    const child = this.#child;
    if (!child || !this.isInProcess) return;
    this.#phase = isParked ? "parked" : "running";
    // A parked process is not asked whether its loop turns: that would only wake it.
    this.#loop = new BlockedLoop(this.#around.blockedAfterMs, performance.now());
    this.#around.pool.setParked(child, isParked);
    this.#around.capacityChanged();
  }

  /** Takes over what the process has written, and sends it: the process may be ended after this. */
  async #emptyProcess(): Promise<void> {
    if (this.#child) await this.#read(this.#child, false);
    this.#reports.sendAll();
  }

  #setStanding(isStanding: boolean): void {
    this.#isStanding = isStanding;
    this.#loop = new BlockedLoop(this.#around.blockedAfterMs, performance.now());
  }

  async #readStored(child: TaskChild): Promise<void> {
    await this.#read(child, false, undefined, true);
    this.#reports.sendAll();
  }

  // ── endings ──

  #outOfTime(): void {
    const child = this.#child;
    if (this.#phase !== "running" || !child) return;
    if (!this.#loop.isWaiting) this.pingLoop();
    this.#after(LAST_PONG_MS, () => {
      const maxDurationMs = this.#grant.run.maxDurationMs ?? this.#grant.remainingComputeMs ?? 0;
      child.terminate({ by: "maxDuration", maxDurationMs, blockedMs: this.#loop.blockedMs(performance.now()) });
    });
  }

  async #finished(message: OutcomeMessage): Promise<void> {
    const child = this.#leaveProcess();
    if (!child) return;
    if (message.exits) child.dismiss();
    const { stdoutBytes, stderrBytes } = message;
    if (!child.stdout.hasReadTo(stdoutBytes) || !child.stderr.hasReadTo(stderrBytes)) {
      await this.#read(child, true, { stdoutBytes, stderrBytes });
    }
    const { kill } = child;
    if (!message.exits && !kill) this.#around.pool.release(child, this.computeMs);
    const outcome = kill
      ? this.#outcomeOfEnd(child, { exitCode: null, signal: null, spawnError: undefined }, kill)
      : message.outcome;
    this.#complete(outcome, {
      computeMs: this.computeMs,
      cpuMs: message.cpuMs,
      maxRssBytes: Math.max(this.#maxRssBytes, message.maxRssBytes),
    });
  }

  async #crashed(end: ChildEnd): Promise<void> {
    const child = this.#leaveProcess();
    if (!child) return;
    await this.#read(child, true);
    const kill: Kill | undefined = child.kill ?? (this.#notices.isCanceled ? { by: "cancel" } : undefined);
    this.#complete(this.#outcomeOfEnd(child, end, kill), {
      computeMs: this.computeMs,
      ...(this.#maxRssBytes > 0 ? { maxRssBytes: this.#maxRssBytes } : {}),
    });
  }

  /** From here on nothing that the process says changes how the attempt ended. */
  #leaveProcess(): TaskChild | undefined {
    const child = this.#child;
    if (child && this.isParked) this.#around.pool.setParked(child, false);
    this.#phase = "completing";
    this.#waits.end();
    this.#child = undefined;
    this.#clearTimers();
    if (child) child.occupant = undefined;
    return child;
  }

  #outcomeOfEnd(child: TaskChild, end: ChildEnd, kill: Kill | undefined): AttemptOutcome {
    const { exiting, stderr, wasOomKilled } = child;
    const { machine } = this;
    return outcomeOfEnd({ ...end, kill, exiting, stderrTail: stderr.tail, machine, wasOomKilled, hasBooted: true });
  }

  #stopRestoring(): void {
    this.#restoring?.stop();
    this.#restoring = undefined;
  }

  #completeWithoutProcess(outcome: AttemptOutcome): void {
    this.#around.pool.withdraw(this);
    this.#stopRestoring();
    this.#clearTimers();
    this.#complete(outcome, { computeMs: 0 });
  }

  #complete(outcome: AttemptOutcome, usage: { computeMs: number; cpuMs?: number; maxRssBytes?: number }): void {
    this.#phase = "completing";
    this.#reports.sendAll();
    const { attempt, executionId, fence } = this.#grant;
    void this.#around
      .request({ type: "complete", executionId, fence, attempt, outcome, usage })
      .then((reply) => this.#answered(reply, outcome, usage));
  }

  #answered(reply: Reply, outcome: AttemptOutcome, usage: { computeMs: number }): void {
    if (this.#phase !== "completing") return;
    if (reply.verdict) return this.#follow(reply.verdict);
    // The platform cannot take this result, an output over the limit say: the attempt fails with the reason.
    const error: WireError = {
      name: "CompletionRefused",
      ...(reply.error ?? { code: "INTERNAL", message: "The platform gave no verdict." }),
    };
    if (outcome.kind !== "completed") return this.#end();
    this.#complete({ kind: "failed", error, retry: { by: "never", reason: error.message } }, usage);
  }

  #follow(verdict: CompletionVerdict): void {
    if (verdict.kind !== "retryInPlace") return this.#end();
    // Its process is another one from now on.
    const { restore: _spent, ...grant } = verdict.grant;
    this.#grant = grant;
    this.#from = undefined;
    this.#maxRssBytes = 0;
    this.#waits = this.#makeWaits();
    this.#reports.beginAttempt(verdict.grant.attempt);
    this.#phase = "pausing";
    const { isCanceled, returnReason: reason } = this.#notices;
    if (isCanceled) return this.#completeWithoutProcess({ kind: "canceled" });
    if (reason !== undefined) return this.#completeWithoutProcess({ kind: "returned", reason });
    this.#after(verdict.delayMs, () => this.begin());
  }

  #end(): void {
    this.#leaveProcess();
    this.#phase = "ended";
    this.#around.ended(this);
  }

  async #read(
    child: TaskChild,
    isLast: boolean,
    upTo?: { stdoutBytes: number; stderrBytes: number },
    keepsSize = false,
  ): Promise<void> {
    const isWanted = () => !this.#reports.isFull;
    await Promise.all(
      (["stdout", "stderr"] as const).map((kind) =>
        child[kind].read((lines) => this.#output(kind, lines), {
          isWanted,
          isLast,
          keepsSize,
          ...(upTo ? { upTo: upTo[`${kind}Bytes`] } : {}),
        }),
      ),
    );
  }

  #output(kind: "stdout" | "stderr", lines: string[]): void {
    const at = Date.now();
    const level = kind === "stdout" ? "info" : "error";
    for (const message of lines) this.#reports.log({ at, kind, level, message });
    this.#around.reportsWaiting(this);
  }

  #note(level: "info" | "warn", message: string | undefined, data?: object): void {
    if (message === undefined) return;
    this.#reports.note(level, message, data);
    this.#around.reportsWaiting(this);
  }

  #after(ms: number, then: () => void): NodeJS.Timeout {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      then();
    }, ms);
    this.#timers.add(timer);
    return timer;
  }

  #clearTimers(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }
}
