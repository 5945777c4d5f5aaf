import type { Clock } from "../clock.ts";
import type { Leadership } from "../cluster/leadership.ts";
import type { Logger } from "../logging.ts";
import type { Loop } from "./loop.ts";

interface Running {
  loop: Loop;
  timer: NodeJS.Timeout | undefined;
  isTicking: boolean;
  isWoken: boolean;
  /** When its last tick ended, by the monotonic clock. */
  endedAt: number;
}

/**
 * Runs loops: each by its own timer, one tick at a time, sooner when woken. A tick that throws is logged and tried again
 * after its period: level, not edge. A loop for leaders only ticks while this process leads, and at once when it begins to.
 */
export class LoopRunner {
  readonly #running = new Map<string, Running>();
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #onTick: ((name: string, ms: number, failed: boolean) => void) | undefined;
  readonly #leadership: Leadership | undefined;
  #isStarted = false;
  #isStopped = false;
  readonly #ticks = new Set<Promise<void>>();

  constructor(
    loops: Loop[],
    deps: {
      clock: Clock;
      logger: Logger;
      onTick?: (name: string, ms: number, failed: boolean) => void;
      /** Undefined where this process is the only one. */
      leadership?: Leadership;
    },
  ) {
    this.#clock = deps.clock;
    this.#logger = deps.logger;
    this.#onTick = deps.onTick;
    this.#leadership = deps.leadership;
    deps.leadership?.onChange((isLeader) => {
      if (!isLeader || !this.#isStarted) return;
      for (const { loop } of this.#running.values()) if (loop.leaderOnly) this.wake(loop.name);
    });
    for (const loop of loops)
      this.#running.set(loop.name, { loop, timer: undefined, isTicking: false, isWoken: false, endedAt: -Infinity });
  }

  start(): void {
    this.#isStarted = true;
    for (const running of this.#running.values()) this.#schedule(running, 0);
  }

  /** Makes the loop tick as soon as it can; many wakes are one. */
  wake(name: string): void {
    const running = this.#running.get(name);
    if (running === undefined || this.#isStopped) return;
    if (running.isTicking) running.isWoken = true;
    else if (!running.isWoken) {
      running.isWoken = true;
      const restMs = this.#restOf(running);
      clearTimeout(running.timer);
      if (restMs > 0) this.#schedule(running, restMs);
      else setImmediate(() => this.#tick(running));
    }
  }

  /** Resolves when no tick is under way. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const running of this.#running.values()) clearTimeout(running.timer);
    await Promise.all(this.#ticks);
  }

  #schedule(running: Running, inMs: number): void {
    if (this.#isStopped) return;
    clearTimeout(running.timer);
    running.timer = setTimeout(() => this.#tick(running), inMs);
    running.timer.unref();
  }

  #tick(running: Running): void {
    if (this.#isStopped || running.isTicking) return;
    running.isTicking = true;
    running.isWoken = false;
    const tick = this.#carryOut(running).finally(() => this.#ticks.delete(tick));
    this.#ticks.add(tick);
  }

  async #carryOut(running: Running): Promise<void> {
    const { loop } = running;
    const startedAt = performance.now();
    let next = loop.everyMs;
    let failed = false;
    try {
      if (loop.leaderOnly && this.#leadership?.isLeader === false) return this.#ended(running, next);
      const wanted = await loop.tick(this.#clock.now());
      if (typeof wanted === "number") next = Math.min(next, Math.max(0, wanted));
    } catch (error) {
      failed = true;
      if (!this.#isStopped)
        this.#logger.error({ err: error, loop: loop.name }, "a loop's tick failed; it is tried again");
    }
    this.#onTick?.(loop.name, performance.now() - startedAt, failed);
    this.#ended(running, next);
  }

  #ended(running: Running, next: number): void {
    running.isTicking = false;
    running.endedAt = performance.now();
    this.#schedule(running, running.isWoken ? this.#restOf(running) : next);
  }

  #restOf({ loop, endedAt }: Running): number {
    return Math.max(0, Math.ceil(endedAt + (loop.minGapMs ?? 0) - performance.now()));
  }
}
