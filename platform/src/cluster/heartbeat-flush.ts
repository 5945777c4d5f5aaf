import type { ExecutionRef } from "../runs/run-store.ts";

/** Collects the heartbeats of all workers and stores them as one UPDATE; each caller gets what concerns it. */
export class HeartbeatFlush {
  readonly #store: (executions: ExecutionRef[]) => Promise<{ alive: string[]; cancel: string[] }>;
  readonly #waiting: { executions: ExecutionRef[]; resolve(answer: BeatAnswer): void; reject(error: unknown): void }[] =
    [];

  constructor(store: (executions: ExecutionRef[]) => Promise<{ alive: string[]; cancel: string[] }>) {
    this.#store = store;
  }

  add(executions: ExecutionRef[]): Promise<BeatAnswer> {
    return new Promise((resolve, reject) => this.#waiting.push({ executions, resolve, reject }));
  }

  /** Called by the lease loop once a second. What it throws, every caller got too: those leases were not extended. */
  async flush(): Promise<void> {
    const waiting = this.#waiting.splice(0);
    if (waiting.length === 0) return;
    try {
      const all = new Map(waiting.flatMap((one) => one.executions.map((ref) => [ref.executionId, ref] as const)));
      const answer = all.size === 0 ? { alive: [], cancel: [] } : await this.#store([...all.values()]);
      const alive = new Set(answer.alive);
      const cancel = new Set(answer.cancel);
      for (const { executions, resolve } of waiting) {
        const ids = executions.map((ref) => ref.executionId);
        resolve({ fenced: ids.filter((id) => !alive.has(id)), cancel: ids.filter((id) => cancel.has(id)) });
      }
    } catch (error) {
      for (const { reject } of waiting) reject(error);
      throw error;
    }
  }
}

export interface BeatAnswer {
  fenced: string[];
  cancel: string[];
}
