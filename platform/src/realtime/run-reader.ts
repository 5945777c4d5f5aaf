import { REALTIME_COALESCE_MS } from "@gantry/sdk/contract";
import { keyOf, type LiveReads, type RunRef } from "../runs/live-reads.ts";
import type { RunDetail } from "../runs/run.ts";
import type { Pulse } from "./pulse.ts";

/** Least time between two queries: what comes meanwhile shares one. */
const GAP_MS = 10;
/** Runs in one query at most; with metadata they may have a quarter of a megabyte each. */
const AT_ONCE = 200;
const RETRY_MS = 500;

export interface ReadRun extends RunRef {
  /** Undefined: there is no such run (any more). */
  run: RunDetail | undefined;
}

interface Want extends RunRef {
  withPayload: boolean;
  notBefore: number;
  waiters: { resolve(run: RunDetail | undefined): void; reject(error: unknown): void }[];
}

export interface RunReaderDeps {
  reads: Pick<LiveReads, "read">;
  pulse: Pulse;
  /** Whether somebody is to see the whole run. */
  isWhole(environmentId: number, runId: string): boolean;
  /** Every run that was read, in the order of the queries: a later one is never older. */
  onRead(runs: ReadRun[]): void;
  onQuery?(runs: number, ms: number): void;
  onError(error: unknown): void;
}

/**
 * Reads runs for everybody: one query at a time, each for all runs that are wanted by then. A run that changes all the time is
 * read every REALTIME_COALESCE_MS, and after its last change, so that the last value is always seen.
 */
export class RunReader {
  readonly #deps: RunReaderDeps;
  readonly #wants = new Map<string, Want>();
  /** When the runs of the last moments were read. */
  readonly #readAt = new Map<string, number>();
  #lastStart = Number.NEGATIVE_INFINITY;
  #isReading = false;
  #isClosed = false;
  #planned: { at: number; cancel: () => void } | undefined;

  constructor(deps: RunReaderDeps) {
    this.#deps = deps;
  }

  /** Runs that wait to be read. */
  get waiting(): number {
    return this.#wants.size;
  }

  /** It may have changed: it is read when its turn comes. */
  touch(ref: RunRef): void {
    const readAt = this.#readAt.get(keyOf(ref)) ?? Number.NEGATIVE_INFINITY;
    this.#want(ref, readAt + REALTIME_COALESCE_MS, false);
  }

  /** As it is after this call, without waiting for its turn. Errors: those of the store. */
  read(ref: RunRef, withPayload: boolean): Promise<RunDetail | undefined> {
    return new Promise((resolve, reject) => {
      this.#want(ref, Number.NEGATIVE_INFINITY, withPayload).waiters.push({ resolve, reject });
    });
  }

  close(): void {
    this.#isClosed = true;
    this.#planned?.cancel();
    for (const want of this.#wants.values())
      for (const waiter of want.waiters) waiter.reject(new Error("The platform is stopping."));
    this.#wants.clear();
  }

  #want(ref: RunRef, notBefore: number, withPayload: boolean): Want {
    const { environmentId, runId } = ref;
    const key = keyOf(ref);
    let want = this.#wants.get(key);
    if (want === undefined)
      this.#wants.set(key, (want = { environmentId, runId, notBefore, withPayload, waiters: [] }));
    want.notBefore = Math.min(want.notBefore, notBefore);
    want.withPayload ||= withPayload;
    this.#plan(want.notBefore);
    return want;
  }

  #plan(notBefore: number): void {
    if (this.#isReading || this.#isClosed) return;
    const { pulse } = this.#deps;
    const at = Math.max(notBefore, this.#lastStart + GAP_MS, pulse.now());
    if (this.#planned !== undefined && this.#planned.at <= at) return;
    this.#planned?.cancel();
    const cancel = pulse.after(Math.ceil(at - pulse.now()), () => {
      this.#planned = undefined;
      void this.#query();
    });
    this.#planned = { at, cancel };
  }

  async #query(): Promise<void> {
    const wants = this.#take();
    if (wants.length > 0) {
      this.#isReading = true;
      await this.#carryOut(wants);
      this.#isReading = false;
    }
    let next = Number.POSITIVE_INFINITY;
    for (const { notBefore } of this.#wants.values()) next = Math.min(next, notBefore);
    if (this.#wants.size > 0) this.#plan(next);
  }

  #take(): Want[] {
    const now = this.#deps.pulse.now();
    this.#lastStart = now;
    for (const [key, at] of this.#readAt) if (now - at >= REALTIME_COALESCE_MS) this.#readAt.delete(key);
    const taken: Want[] = [];
    for (const [key, want] of this.#wants) {
      if (want.notBefore > now) continue;
      taken.push(want);
      this.#wants.delete(key);
      this.#readAt.set(key, now);
      if (taken.length === AT_ONCE) break;
    }
    return taken;
  }

  async #carryOut(wants: Want[]): Promise<void> {
    const { reads, pulse, isWhole, onRead, onQuery, onError } = this.#deps;
    const startedAt = pulse.now();
    let found: Map<string, RunDetail>;
    try {
      found = await reads.read(wants.map((want) => ({ ...want, isWhole: isWhole(want.environmentId, want.runId) })));
    } catch (error) {
      if (!this.#isClosed) onError(error);
      return this.#failed(wants, error);
    }
    onQuery?.(wants.length, pulse.now() - startedAt);
    if (this.#isClosed) return;
    // Those who asked hear it in a microtask, after everybody else: they then know of all that was read before.
    onRead(
      wants.map((want) => ({ environmentId: want.environmentId, runId: want.runId, run: found.get(keyOf(want)) })),
    );
    for (const want of wants) for (const waiter of want.waiters) waiter.resolve(found.get(keyOf(want)));
  }

  #failed(wants: Want[], error: unknown): void {
    for (const want of wants) {
      for (const waiter of want.waiters) waiter.reject(error);
      this.#want(want, this.#deps.pulse.now() + RETRY_MS, false);
    }
  }
}
