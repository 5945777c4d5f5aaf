import { hostname } from "node:os";
import {
  type Grant,
  HEARTBEAT_MS,
  MAX_OFFLINE_MS,
  type RunnerMessage,
  WORKER_PROTOCOL_VERSION,
} from "@gantry/sdk/contract";
import type { RunnerCheckpoints } from "./checkpoint/runner-checkpoints.ts";
import { Execution, type ExecutionSurroundings } from "./execution.ts";
import type { Log } from "./log.ts";
import type { OsDifferences } from "./os-differences.ts";
import type { LinkOptions, PlatformLink, Push, Reply } from "./platform-link.ts";
import type { ProcessPool } from "./process-pool.ts";
import type { RunnerConfig } from "./runner-config.ts";

const TICK_MS = 250;
const PING_EVERY_TICKS = 4;
const REPORT_EVERY_MS = 100;

type NodeMessage = Extract<RunnerMessage, { type: "node" }>;
/** What a self-test has shown. */
export type NodeReport = Omit<NodeMessage, "type">;

/** All executions of this runner: takes grants, beats for them, and gives them back when the runner must go. */
export class Supervisor {
  readonly #config: RunnerConfig;
  readonly #isSingle: boolean;
  readonly #os: OsDifferences;
  readonly #log: Log;
  readonly #pool: ProcessPool;
  readonly #executions = new Map<string, Execution>();
  readonly #reporting = new Set<Execution>();
  readonly #around: ExecutionSurroundings;
  #link!: PlatformLink;
  #isDraining = false;
  #onIdle: (() => void) | undefined;
  #reportTimer: NodeJS.Timeout | undefined;
  #ticks: NodeJS.Timeout | undefined;
  #tickCount = 0;
  #heartbeats: NodeJS.Timeout | undefined;
  #isBeating = false;
  #ackedAt = performance.now();
  #maxOfflineMs = MAX_OFFLINE_MS;
  #granted = 0;
  #sentCapacity = "";
  #hasTaken = false;
  #node: NodeMessage | undefined;
  /** The platform asks this runner to end. */
  onEnd: ((mode: "drain" | "shutdown") => void) | undefined;
  /** The one execution that the runner was launched for is over, and the platform knows. */
  onOver: (() => void) | undefined;

  constructor(
    config: RunnerConfig,
    pool: ProcessPool,
    os: OsDifferences,
    log: Log,
    bringBack: ExecutionSurroundings["bringBack"],
  ) {
    this.#config = config;
    this.#isSingle = config.bootstrapToken !== undefined;
    this.#pool = pool;
    this.#os = os;
    this.#log = log;
    this.#around = {
      pool,
      keepAlive: config.keepAlive,
      cancelGraceMs: config.cancelGraceMs,
      blockedAfterMs: config.blockedAfterMs,
      isHeldToMemory: this.#isSingle,
      node: config.node,
      checkpoints: undefined,
      bringBack,
      request: (request) => this.#link.request(request),
      started: (message) => {
        this.#link.send({ type: "started", ...message });
        // Not sooner: the first line is not to wait for it.
        void this.#around.checkpoints?.test(config.restores);
      },
      reportsWaiting: (execution) => this.#reportSoon(execution),
      capacityChanged: () => this.#link.touch(),
      ended: (execution) => this.#ended(execution),
    };
  }

  /** The link's half that this object plays. */
  linkOptions(): Pick<LinkOptions, "hello" | "onWelcome" | "onPush" | "beforeFrame"> {
    return {
      hello: () => this.#hello(),
      onWelcome: (welcome) => this.#welcomed(welcome),
      onPush: (message) => this.#pushed(message),
      beforeFrame: () => this.#capacityIfChanged(),
    };
  }

  attach(link: PlatformLink): void {
    this.#link = link;
    this.#beatEvery(HEARTBEAT_MS);
  }

  /** Processes of what is granted from now on may be stored. */
  useCheckpoints(checkpoints: RunnerCheckpoints): void {
    this.#around.checkpoints = checkpoints;
    checkpoints.onTested((report) => this.reportNode(report));
  }

  /** A runner for one execution, that has not been granted it. */
  get awaitsGrant(): boolean {
    return this.#isSingle && !this.#hasTaken;
  }

  /** Whether processes can be stored on this node: the platform hears of it, on every connection. */
  reportNode(report: NodeReport): void {
    this.#node = { type: "node", ...report };
    this.#link.send(this.#node);
  }

  get executionCount(): number {
    return this.#executions.size;
  }

  /**
   * Takes nothing new; gives back at once what no process runs, and after `graceMs` the rest. Resolves when all is given
   * back or ended, and the platform knows; at the latest `patienceMs` after the grace.
   */
  async drain(reason: string, graceMs: number, patienceMs: number): Promise<void> {
    this.#isDraining = true;
    this.#pool.stopAhead();
    this.#link.touch();
    for (const execution of this.#executions.values()) execution.drain(reason, graceMs);
    if (graceMs > 0 && (await this.#isIdleWithin(graceMs))) return;
    for (const execution of this.#executions.values()) execution.giveBack(reason);
    await this.#isIdleWithin(patienceMs);
  }

  /** Ends every process and forgets every execution: none of it is this worker's any more. */
  dropAll(): void {
    for (const execution of this.#executions.values()) execution.drop();
  }

  stop(): void {
    clearInterval(this.#heartbeats);
    clearInterval(this.#ticks);
    clearTimeout(this.#reportTimer);
  }

  #isIdleWithin(ms: number): Promise<boolean> {
    if (this.#executions.size === 0) return Promise.resolve(true);
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), ms);
      this.#onIdle = () => {
        clearTimeout(timer);
        resolve(true);
      };
    });
  }

  #pushed(message: Push): void {
    switch (message.type) {
      case "grant":
        for (const grant of message.grants) this.#take(grant);
        return;
      case "cancel":
        return this.#executions.get(message.executionId)?.cancel(message.reason);
      case "wake":
        return this.#executions.get(message.executionId)?.news();
      default:
        this.onEnd?.(message.type);
    }
  }

  #take(grant: Grant): void {
    this.#granted += 1;
    if (this.#executions.has(grant.executionId)) return;
    this.#hasTaken = true;
    // The process that is booting is the run's: a second one would only take its time and memory.
    if (this.#isSingle) this.#pool.bootOnDemand();
    const execution = new Execution(grant, this.#around);
    this.#executions.set(grant.executionId, execution);
    this.#ticks ??= setInterval(() => this.#tick(), TICK_MS);
    this.#link.touch();
    execution.begin();
    if (this.#isDraining) execution.giveBack("The worker is draining");
    // A platform of the release before knows of no stored process: to call the function here would repeat what that one did.
    else if (this.#config.restores && !grant.restore)
      execution.giveBack("The worker was to bring back a stored process, and was granted none");
  }

  #ended(execution: Execution): void {
    this.#reporting.delete(execution);
    if (!this.#executions.delete(execution.id)) return;
    this.#link.touch();
    if (this.#executions.size > 0) return;
    clearInterval(this.#ticks);
    this.#ticks = undefined;
    this.#onIdle?.();
    if (this.#isSingle) this.onOver?.();
  }

  #tick(): void {
    this.#tickCount += 1;
    const pings = this.#tickCount % PING_EVERY_TICKS === 0;
    for (const execution of this.#executions.values()) {
      // A parked one hardly ever has something to show, and there may be many.
      if (!execution.isInProcess || (execution.isParked && !pings)) continue;
      execution.readOutput();
      void execution.checkMemory((pid) => this.#os.memory(pid));
      if (pings) execution.pingLoop();
    }
  }

  #reportSoon(execution: Execution): void {
    this.#reporting.add(execution);
    this.#reportTimer ??= setTimeout(() => {
      this.#reportTimer = undefined;
      const waiting = [...this.#reporting];
      this.#reporting.clear();
      for (const each of waiting) each.sendReports();
    }, REPORT_EVERY_MS);
  }

  #welcomed(welcome: NonNullable<Reply["welcome"]>): void {
    this.#ackedAt = performance.now();
    this.#maxOfflineMs = welcome.maxOfflineMs;
    this.#beatEvery(welcome.heartbeatMs);
    if (this.#node) this.#link.send(this.#node);
    this.#fence(welcome.fenced);
    // What was completed while the platform was away, or could not be reached, is heard of at once.
    if ([...this.#executions.values()].some(({ known }) => known !== undefined)) this.#beat();
  }

  #hello(): ReturnType<LinkOptions["hello"]> {
    // A new connection: its grants are counted anew, and what was asked on the old one gets no answer.
    this.#granted = 0;
    this.#sentCapacity = "";
    this.#isBeating = false;
    return {
      protocol: WORKER_PROTOCOL_VERSION,
      pid: process.pid,
      host: hostname(),
      executions: [...this.#executions.values()].map(({ id, fence }) => ({ executionId: id, fence })),
    };
  }

  #beatEvery(ms: number): void {
    clearInterval(this.#heartbeats);
    this.#heartbeats = setInterval(() => this.#beat(), ms);
  }

  #beat(): void {
    this.#giveUpIfOffline();
    if (!this.#link.isConnected || this.#isBeating) return;
    const sentAt = performance.now();
    this.#isBeating = true;
    const executions = [...this.#executions.values()].map((each) => ({
      executionId: each.id,
      fence: each.fence,
      computeMs: Math.round(each.computeMs),
      ...(each.known === undefined ? {} : { known: each.known, isParked: each.isParked }),
    }));
    this.#link.ask({ type: "heartbeat", executions }, (reply) => {
      this.#isBeating = false;
      if (!reply.beat) return;
      this.#ackedAt = sentAt;
      this.#fence(reply.beat.fenced);
      for (const id of reply.beat.cancel) this.#executions.get(id)?.cancel(undefined);
      for (const id of reply.beat.wake ?? []) this.#executions.get(id)?.news();
    });
  }

  /** Without an acknowledged heartbeat for this long the runs are surely someone else's. What has ended may still be told. */
  #giveUpIfOffline(): void {
    if (performance.now() - this.#ackedAt < this.#maxOfflineMs) return;
    const running = [...this.#executions.values()].filter((each) => each.phase !== "completing");
    if (running.length === 0) return;
    this.#log("error", "ending all runs: the platform could not be reached", {
      count: running.length,
      maxOfflineMs: this.#maxOfflineMs,
    });
    for (const execution of running) execution.drop();
  }

  #fence(ids: string[]): void {
    for (const id of ids) {
      const execution = this.#executions.get(id);
      if (!execution) continue;
      this.#log("warn", "the execution is no longer this worker's: its process is ended", { executionId: id });
      execution.drop();
    }
  }

  #capacityIfChanged(): RunnerMessage | undefined {
    const isClosed = this.#isDraining || (this.#isSingle && this.#hasTaken);
    const working = [...this.#executions.values()].filter((each) => !each.isParked).length;
    const free = isClosed ? 0 : Math.max(0, this.#config.concurrency - working);
    const capacity = `${free}/${this.#granted}`;
    if (capacity === this.#sentCapacity) return undefined;
    this.#sentCapacity = capacity;
    return { type: "capacity", free, granted: this.#granted };
  }
}
