import type { AttemptOutcome, MachinePreset, WireError } from "@gantry/sdk/contract";
import { importFailed, outcomeOfEnd } from "./exit-policy.ts";
import type { Log } from "./log.ts";
import type { Begin } from "./process-messages.ts";
import { needsOwnProcess } from "./start-only-variables.ts";
import { type Boot, type ChildEnd, type ChildListener, type Restored, TaskChild } from "./task-child.ts";

/** An attempt that wants a process. */
export interface Waiter {
  readonly machine: MachinePreset;
  start(child: TaskChild): void;
  /** No process can be had: the bundle cannot be booted. */
  bootFailed(outcome: AttemptOutcome): void;
}

export interface PoolOptions {
  boot: Boot;
  /** The preset that processes are booted ahead for. */
  machine: MachinePreset | undefined;
  poolSize: number;
  bootsAtOnce: number;
  maxProcesses: number;
  bootTimeoutMs: number;
  keepAlive: boolean;
  log: Log;
}

interface Group {
  machine: MachinePreset;
  idle: TaskChild[];
  /** In the order in which they came. */
  waiters: { waiter: Waiter; since: number }[];
  /** Booted, with or without an attempt; parked ones are not counted. */
  booted: number;
  /** When a process last ended an attempt and could take another. */
  freedAt: number;
  booting: Set<TaskChild>;
  /** Boots whose process has not been spawned yet. */
  starting: number;
}

const FIRST_BACK_OFF_MS = 1_000;
const MAX_BACK_OFF_MS = 60_000;
/** A run that comes this long after a failed boot makes another try; an earlier one fails with what failed that. */
const TRY_AGAIN_AFTER_MS = 2_000;
/** Processes that something outside killed while they booted, before that counts as a failure of the bundle. */
const KILLED_BOOTS = 3;
const IDLE_MS = 60_000;
/** Runs that usually take less than this are short. */
const SHORT_RUN_MS = 20;

/** Where runs are short, another process is used when none has come free for `stuckMs`, or a run has waited for `waitedMs`. */
interface Patience {
  stuckMs: number;
  waitedMs: number;
}
const WAKE: Patience = { stuckMs: 20, waitedMs: 250 };
const BOOT: Patience = { stuckMs: 100, waitedMs: 500 };
const TRIM_ABOVE_BYTES = 1024 * 1024;

/**
 * Processes that have imported the bundle, ready for a run; one group per machine preset, since the heap's size is set at
 * the start. Boots ahead for the default preset, and on demand for the others. A bundle that cannot be imported is not
 * tried in a loop: pauses grow, and the runs that wait fail with the import's error.
 */
export class ProcessPool implements ChildListener {
  readonly #options: PoolOptions;
  readonly #groups = new Map<number, Group>();
  readonly #children = new Set<TaskChild>();
  /** How many of them only wait: they take nobody's place. */
  #parked = 0;
  readonly #bootErrors = new WeakMap<TaskChild, WireError>();
  #poolSize: number;
  #failures = 0;
  #killedBoots = 0;
  #failedAt = Number.NEGATIVE_INFINITY;
  #failure: AttemptOutcome | undefined;
  #timer: NodeJS.Timeout | undefined;
  #patienceTimer: NodeJS.Timeout | undefined;
  #onEmpty: (() => void) | undefined;
  /** A moving mean. */
  #usualRunMs = 0;

  constructor(options: PoolOptions) {
    this.#options = options;
    this.#poolSize = options.poolSize;
    if (options.machine) this.#group(options.machine);
  }

  /** Gives a booted process to the waiter, as soon as it may have one. */
  acquire(waiter: Waiter): void {
    const group = this.#group(waiter.machine);
    if (this.#failure && group.idle.length === 0 && performance.now() - this.#failedAt < TRY_AGAIN_AFTER_MS) {
      const failure = this.#failure;
      return queueMicrotask(() => waiter.bootFailed(failure));
    }
    group.waiters.push({ waiter, since: performance.now() });
    this.#serve(group);
    this.fill();
  }

  withdraw(waiter: Waiter): void {
    const { waiters } = this.#group(waiter.machine);
    const index = waiters.findIndex((each) => each.waiter === waiter);
    if (index >= 0) waiters.splice(index, 1);
  }

  /** Takes a kept-alive process back. */
  release(child: TaskChild, runMs: number): void {
    child.occupant = undefined;
    child.stdout.trim(TRIM_ABOVE_BYTES);
    child.stderr.trim(TRIM_ABOVE_BYTES);
    this.#usualRunMs += (runMs - this.#usualRunMs) / 16;
    this.#offer(child);
  }

  /** The attempt in the process waits without a slot, or has one again. */
  setParked(child: TaskChild, isParked: boolean): void {
    if (child.isParked === isParked || child.hasEnded) return;
    child.isParked = isParked;
    const by = isParked ? 1 : -1;
    this.#parked += by;
    this.#groupOf(child).booted -= by;
    if (isParked) this.fill();
  }

  /** Boots what is wanted, as far as bounds and back-off allow. */
  fill(): void {
    const groups = [...this.#groups.values()];
    if (groups.length > 1) groups.sort((a, b) => b.waiters.length - a.waiters.length);
    for (const group of groups) {
      while (this.#wants(group) && this.#mayBoot(group)) void this.#bootOne(group);
    }
  }

  /** Takes over a process that was brought back. It may have ended by then. */
  async adopt(machine: MachinePreset, restored: Restored): Promise<TaskChild> {
    const group = this.#group(machine);
    group.booted += 1;
    const child = await TaskChild.adopt(this.#options.boot, machine, this, restored).catch((error: unknown) => {
      group.booted -= 1;
      throw error;
    });
    if (child.hasEnded) return child;
    this.#children.add(child);
    if (this.#options.maxProcesses === 0) child.killNow(undefined);
    return child;
  }

  ready(child: TaskChild): void {
    this.#failures = 0;
    this.#killedBoots = 0;
    this.#failure = undefined;
    const group = this.#groupOf(child);
    group.booting.delete(child);
    group.booted += 1;
    this.#offer(child);
    this.fill();
  }

  bootFailed(child: TaskChild, error: WireError): void {
    this.#bootErrors.set(child, error);
    child.expectExit();
  }

  ended(child: TaskChild, end: ChildEnd): void {
    this.#children.delete(child);
    const group = this.#groupOf(child);
    group.booting.delete(child);
    group.idle = group.idle.filter((idle) => idle !== child);
    if (child.isParked) this.#parked -= 1;
    else if (child.hasBooted) group.booted -= 1;
    if (!child.hasBooted) void this.#bootEnded(group, child, end);
    else void child.removeFiles();
    if (this.#children.size === 0) this.#onEmpty?.();
    this.fill();
  }

  /** Ends kept-alive processes that nobody has needed for a while, and boots that do not come to an end. */
  upkeep(): void {
    const now = performance.now();
    for (const group of this.#groups.values()) {
      for (const child of group.booting) {
        const bootMs = now - (child.importingSince ?? now);
        if (bootMs > this.#options.bootTimeoutMs)
          child.killNow({ by: "bootTimeout", afterMs: this.#options.bootTimeoutMs });
      }
      const spare = group.idle.length - this.#target(group);
      for (const child of group.idle.slice(0, Math.max(0, spare))) {
        if (now - child.idleSince > IDLE_MS) this.#retire(group, child);
      }
    }
  }

  /** Boots no more, and ends the processes that have no attempt. Resolves when all processes are gone. */
  async close(): Promise<void> {
    this.#poolSize = 0;
    clearTimeout(this.#timer);
    clearTimeout(this.#patienceTimer);
    this.#options.maxProcesses = 0;
    const gone = new Promise<void>((resolve) => (this.#onEmpty = resolve));
    for (const child of this.#children) if (!child.occupant && !child.isLeaving) child.killNow(undefined);
    if (this.#children.size > 0) await gone;
  }

  /** Says what to import, to the processes that were booted ahead of it too. */
  begin(begin: Begin): void {
    this.#options.boot.begin = begin;
    const needsOwn = needsOwnProcess(begin.variables);
    for (const child of this.#children) {
      if (needsOwn) child.killNow(undefined);
      else child.begin(begin);
    }
  }

  /** Boots only for runs that wait, from now on. */
  bootOnDemand(): void {
    this.#poolSize = 0;
  }

  /** Boots no more ahead, and ends what idles: the runner takes nothing new. */
  stopAhead(): void {
    this.bootOnDemand();
    for (const group of this.#groups.values()) for (const child of group.idle) this.#retire(group, child);
  }

  killAll(): void {
    for (const child of this.#children) child.killNow(undefined);
  }

  #offer(child: TaskChild): void {
    const group = this.#groupOf(child);
    group.freedAt = child.idleSince = performance.now();
    group.idle.push(child);
    this.#serve(group);
  }

  /**
   * Gives idle processes to waiters, the process that ended a run last first. Where runs are kept alive and short, a few
   * processes that are at work already serve them sooner than many that must be woken, each with cold code: the others
   * are used for who has waited.
   */
  #serve(group: Group): void {
    while (group.idle.length > 0) {
      const next = group.waiters[0];
      if (!next || !this.#mayWake(group, next.since)) return;
      group.waiters.shift();
      next.waiter.start(group.idle.pop() as TaskChild);
    }
  }

  #mayWake(group: Group, since: number): boolean {
    if (group.booted - group.idle.length < this.#options.bootsAtOnce) return true;
    return this.#isWorthIt(group, since, WAKE);
  }

  /** Whether a waiter is better served by one more process than by those that are at work. */
  #isWorthIt(group: Group, since: number, patience: Patience): boolean {
    if (!this.#options.keepAlive || this.#usualRunMs > SHORT_RUN_MS) return true;
    const now = performance.now();
    if (now - since >= patience.waitedMs || now - Math.max(since, group.freedAt) >= patience.stuckMs) return true;
    this.#lookAgain(patience.stuckMs);
    return false;
  }

  #retire(group: Group, child: TaskChild): void {
    group.idle = group.idle.filter((idle) => idle !== child);
    child.killNow(undefined);
  }

  #target(group: Group): number {
    return group.machine.memory === this.#options.machine?.memory ? this.#poolSize : 0;
  }

  #wants(group: Group): boolean {
    return this.#demand(group) + this.#target(group) > group.idle.length + group.booting.size + group.starting;
  }

  /** Waiters for whom a process is worth booting. */
  #demand(group: Group): number {
    if (group.booted === 0) return group.waiters.length;
    const patient = group.waiters.findIndex(({ since }) => !this.#isWorthIt(group, since, BOOT));
    return patient < 0 ? group.waiters.length : patient;
  }

  #lookAgain(ms: number): void {
    this.#patienceTimer ??= setTimeout(() => {
      this.#patienceTimer = undefined;
      for (const group of this.#groups.values()) this.#serve(group);
      this.fill();
    }, ms);
  }

  #mayBoot(group: Group): boolean {
    const groups = [...this.#groups.values()];
    const booting = groups.reduce((sum, each) => sum + each.booting.size + each.starting, 0);
    if (booting >= this.#options.bootsAtOnce) return false;
    if (this.#children.size - this.#parked + booting >= this.#options.maxProcesses && !this.#makeRoom(group))
      return false;
    if (this.#failures === 0) return true;
    const backOffMs = Math.min(MAX_BACK_OFF_MS, FIRST_BACK_OFF_MS * 2 ** (this.#failures - 1));
    const pauseMs = group.waiters.length > 0 ? Math.min(backOffMs, TRY_AGAIN_AFTER_MS) : backOffMs;
    const leftMs = this.#failedAt + pauseMs - performance.now();
    if (leftMs <= 0) return booting === 0;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.fill(), leftMs + 1);
    return false;
  }

  /** Ends an idle process of another preset where this one is needed. */
  #makeRoom(group: Group): boolean {
    if (group.waiters.length === 0) return false;
    for (const other of this.#groups.values()) {
      const child = other === group ? undefined : other.idle[0];
      if (child) {
        this.#retire(other, child);
        return true;
      }
    }
    return false;
  }

  async #bootOne(group: Group): Promise<void> {
    group.starting += 1;
    try {
      const child = await TaskChild.start(this.#options.boot, group.machine, this);
      if (child.hasEnded) return;
      if (this.#options.maxProcesses === 0) child.killNow(undefined);
      this.#children.add(child);
      group.booting.add(child);
    } catch (error) {
      this.#failed(group, {
        kind: "crashed",
        reason: "BOOT_FAILED",
        error: {
          name: "TaskProcessError",
          code: "BOOT_FAILED",
          message: `The task's process could not be started: ${String(error)}`,
        },
      });
    } finally {
      group.starting -= 1;
    }
  }

  async #bootEnded(group: Group, child: TaskChild, end: ChildEnd): Promise<void> {
    if (this.#options.maxProcesses === 0) return void child.removeFiles();
    await child.stderr.read(() => undefined);
    void child.removeFiles();
    const wasKilled = end.signal === "SIGKILL" && child.kill === undefined;
    if (wasKilled && ++this.#killedBoots < KILLED_BOOTS) return this.fill();
    this.#failed(group, this.#outcome(child, end, group.machine));
  }

  #outcome(child: TaskChild, end: ChildEnd, machine: MachinePreset): AttemptOutcome {
    const error = this.#bootErrors.get(child);
    if (error) return importFailed(error);
    return outcomeOfEnd({
      ...end,
      machine,
      kill: child.kill,
      wasOomKilled: child.wasOomKilled,
      exiting: child.exiting,
      stderrTail: child.stderr.tail,
      hasBooted: false,
    });
  }

  #failed(group: Group, outcome: AttemptOutcome): void {
    if (JSON.stringify(outcome) !== JSON.stringify(this.#failure)) {
      this.#options.log("error", "the bundle cannot be booted", { outcome });
    }
    this.#failures += 1;
    this.#failedAt = performance.now();
    this.#failure = outcome;
    for (const { waiter } of group.waiters.splice(0)) waiter.bootFailed(outcome);
    this.fill();
  }

  #groupOf(child: TaskChild): Group {
    return this.#group(child.machine as MachinePreset);
  }

  #group(machine: MachinePreset): Group {
    let group = this.#groups.get(machine.memory);
    if (!group) {
      group = { machine, idle: [], waiters: [], booted: 0, freedAt: 0, booting: new Set(), starting: 0 };
      this.#groups.set(machine.memory, group);
    }
    return group;
  }
}
