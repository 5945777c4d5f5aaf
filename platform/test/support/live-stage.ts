import type { RealtimeServerEvents } from "@gantry/sdk/contract";
import type { Pool } from "pg";
import { MemoryBusHub } from "../../src/adapters/memory/memory-bus.ts";
import { createLiveReads } from "../../src/adapters/postgres/live-reads.ts";
import { RunHints } from "../../src/cluster/run-hints.ts";
import { AppError } from "../../src/errors.ts";
import type { Resource } from "../../src/http/access-policy.ts";
import { encodeId } from "../../src/ids.ts";
import type { EnvironmentRef } from "../../src/projects/principal.ts";
import { type LiveMetrics, NO_METRICS } from "../../src/realtime/live-metrics.ts";
import { LiveRuns } from "../../src/realtime/live-runs.ts";
import type { Pulse } from "../../src/realtime/pulse.ts";
import type { RealtimeSocket, SocketFeature } from "../../src/realtime/realtime-socket.ts";
import { subscriptionsOf } from "../../src/realtime/subscriptions.ts";
import type { LiveReads } from "../../src/runs/live-reads.ts";
import { tellingRunStore } from "../../src/runs/told-changes.ts";
import { FakeClock } from "./fake-clock.ts";
import { storeActs } from "./store-acts.ts";
import { storeOn } from "./store-fixture.ts";

/** Time that a test turns by hand. Between two timers all reads that were begun are waited for. */
export class HandPulse implements Pulse {
  #now = 0;
  readonly #timers = new Set<{ at: number; act: () => void }>();
  /** Reads under way. */
  readonly pending = new Set<Promise<unknown>>();

  now(): number {
    return this.#now;
  }

  after(ms: number, act: () => void): () => void {
    const timer = { at: this.#now + Math.max(0, ms), act };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  }

  async settle(): Promise<void> {
    for (let quiet = 0; quiet < 2; ) {
      if (this.pending.size > 0) await Promise.allSettled(this.pending);
      await new Promise((turn) => setImmediate(turn));
      quiet = this.pending.size > 0 ? 0 : quiet + 1;
    }
  }

  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    for (;;) {
      await this.settle();
      const next = [...this.#timers].sort((a, b) => a.at - b.at)[0];
      if (next === undefined || next.at > end) break;
      this.#timers.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.act();
    }
    this.#now = end;
    await this.settle();
  }
}

type Said = {
  [E in keyof RealtimeServerEvents]: { event: E; message: Parameters<RealtimeServerEvents[E]>[0] };
}[keyof RealtimeServerEvents];

/** A socket that a test holds in its hand: it takes messages or not, and remembers them, or only how many there were. */
export class PlayedSocket implements RealtimeSocket {
  isReady = true;
  readonly said: Said[] = [];
  /** Run id → revision, by subscription: what a client would show. */
  readonly views = new Map<string, Map<string, number>>();
  readonly feature: SocketFeature;
  allowed: (resources: readonly Resource[]) => boolean = () => true;
  readonly environment: EnvironmentRef;

  constructor(environment: EnvironmentRef, make: (socket: RealtimeSocket) => SocketFeature) {
    this.environment = environment;
    this.feature = make(this);
  }

  refusal(_action: string, resources: readonly Resource[]): AppError | undefined {
    return this.allowed(resources) ? undefined : new AppError("FORBIDDEN", "Not this.");
  }

  send<E extends keyof RealtimeServerEvents>(event: E, ...[message]: Parameters<RealtimeServerEvents[E]>): void {
    this.#hear({ event, message } as Said);
  }

  sendJson(event: keyof RealtimeServerEvents, json: string): void {
    if (!this.isReady) throw new Error("sent to a socket that takes nothing");
    this.#hear({ event, message: JSON.parse(json) } as Said);
  }

  link(runId: string, field: string): string {
    return `https://link/${runId}/${field}`;
  }

  async subscribe(request: object): Promise<void> {
    const begin = await this.feature.events.subscribe?.({ id: "1", ...request });
    if (typeof begin === "function") begin();
  }

  of<E extends Said["event"]>(event: E): Extract<Said, { event: E }>["message"][] {
    return this.said.flatMap((one) => (one.event === event ? [one.message as never] : []));
  }

  /** From now on it takes messages again. */
  drain(): void {
    this.isReady = true;
    this.feature.ready();
  }

  #hear(said: Said): void {
    this.said.push(said);
    if (said.event !== "snapshot" && said.event !== "update") return;
    const { id, runs } = said.message as { id: string; runs: { id: string; revision: number }[] };
    const view = this.views.get(id) ?? new Map<string, number>();
    this.views.set(id, view);
    for (const run of runs) {
      if ((view.get(run.id) ?? -1) > run.revision) throw new Error("an older value came after a newer one");
      view.set(run.id, run.revision);
    }
  }
}

/** LiveRuns over a real store, and time that a test turns. */
export async function liveStage(pool: Pool, metrics: Partial<LiveMetrics> = {}) {
  const pulse = new HandPulse();
  const clock = new FakeClock(Date.now());
  const hub = new MemoryBusHub();
  const bus = hub.join();
  const lost: (() => void)[] = [];
  const hints = new RunHints({ bus: { ...bus, onBack: (listener) => void lost.push(listener) }, clock });
  const quiet = storeOn(pool);
  /** With it changes are told; with `untold` their hints are lost. */
  const acts = await storeActs(pool, tellingRunStore(quiet, hints));
  const counts = { heldBack: 0, overflowed: 0, repaired: 0, reads: 0 };
  const tracked = <A extends unknown[], T>(read: (...args: A) => Promise<T>) => {
    return (...args: A): Promise<T> => {
      const reading = read(...args);
      pulse.pending.add(reading);
      void reading.catch(() => undefined).finally(() => pulse.pending.delete(reading));
      return reading;
    };
  };
  const reads = createLiveReads(pool);
  const errors: unknown[] = [];
  const trackedReads: LiveReads = {
    read: tracked(reads.read),
    revisions: tracked(reads.revisions),
    members: tracked(reads.members),
    hasBatch: tracked(reads.hasBatch),
  };
  const live = new LiveRuns({
    reads: trackedReads,
    changes: hints,
    pulse,
    metrics: {
      ...NO_METRICS,
      heldBack: () => counts.heldBack++,
      overflowed: () => counts.overflowed++,
      repaired: (runs) => (counts.repaired += runs),
      queried: (what) => (counts.reads += what === "runs" ? 1 : 0),
      ...metrics,
    },
    wakeCheck: () => void live.check(),
    onError: (error) => errors.push(error),
  });
  const environmentOf = (id: number): EnvironmentRef => ({
    id,
    publicId: `env_${id}`,
    slug: "prod",
    type: "PRODUCTION",
    projectId: "p",
    projectRef: "p",
    projectName: "P",
  });
  const make = subscriptionsOf({ runs: live, clock, limit: async () => 100 });
  const socket = (environmentId = acts.at.environmentId) => new PlayedSocket(environmentOf(environmentId), make);
  return {
    pulse,
    clock,
    live,
    hints,
    acts,
    untold: quiet,
    counts,
    errors,
    trackedReads,
    socket,
    /** What was said on the bus for a while was not heard. */
    loseHints: () => {
      for (const listener of lost) listener();
    },
    id: (uuid: string) => encodeId("run", uuid),
    async check() {
      await Promise.all([live.check(), pulse.settle()]);
      await pulse.advance(200);
    },
    /** (id, revision) of the environment's runs, as the store has them. */
    async truth(): Promise<Map<string, number>> {
      const members = await reads.members(acts.at.environmentId, { kind: "environment" }, 500);
      return new Map(members.map(({ runId, revision }) => [runId, revision]));
    },
  };
}
