import type { ExecutionRef } from "../runs/run-store.ts";

/** An execution as its worker tells of it; `known` where it has a journal. */
export interface Beat extends ExecutionRef {
  known?: number | undefined;
  isParked?: boolean | undefined;
}

export interface BeatAnswer {
  fenced: string[];
  cancel: string[];
  /** What their workers do not know yet; see the message `wake`. */
  wake: string[];
}

export interface BeatStore {
  store(executions: ExecutionRef[]): Promise<{ alive: string[]; cancel: string[] }>;
  news(executions: { executionId: string; known: number; isParked: boolean }[]): Promise<string[]>;
}

/** Collects the heartbeats of all workers and stores them as one UPDATE; each caller gets what concerns it. */
export class HeartbeatFlush {
  readonly #beats: BeatStore;
  readonly #waiting: { executions: Beat[]; resolve(answer: BeatAnswer): void; reject(error: unknown): void }[] = [];

  constructor(beats: BeatStore) {
    this.#beats = beats;
  }

  add(executions: Beat[]): Promise<BeatAnswer> {
    return new Promise((resolve, reject) => this.#waiting.push({ executions, resolve, reject }));
  }

  /** Called by the heartbeat loop once a second. What it throws, every caller got too: those leases were not extended. */
  async flush(): Promise<void> {
    const waiting = this.#waiting.splice(0);
    if (waiting.length === 0) return;
    try {
      const all = new Map(waiting.flatMap((one) => one.executions.map((beat) => [beat.executionId, beat] as const)));
      const answer = await this.#answer([...all.values()]);
      const [alive, cancel, wake] = [new Set(answer.alive), new Set(answer.cancel), new Set(answer.wake)];
      for (const { executions, resolve } of waiting) {
        const ids = executions.map((beat) => beat.executionId);
        resolve({
          fenced: ids.filter((id) => !alive.has(id)),
          cancel: ids.filter((id) => cancel.has(id)),
          wake: ids.filter((id) => wake.has(id)),
        });
      }
    } catch (error) {
      for (const { reject } of waiting) reject(error);
      throw error;
    }
  }

  async #answer(beats: Beat[]): Promise<{ alive: string[]; cancel: string[]; wake: string[] }> {
    if (beats.length === 0) return { alive: [], cancel: [], wake: [] };
    const journaled = beats.flatMap(({ executionId, known, isParked = false }) =>
      known === undefined ? [] : [{ executionId, known, isParked }],
    );
    const [answer, wake] = await Promise.all([
      this.#beats.store(beats),
      journaled.length === 0 ? [] : this.#beats.news(journaled),
    ]);
    return { ...answer, wake };
  }
}
