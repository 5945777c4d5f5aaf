import type { ToTaskProcess } from "./process-messages.ts";

/** What an execution was told that concerns its process: a cancel, a drain. Said at once, and again after a reconnect. */
export class AttemptNotices {
  readonly #executionId: string;
  #cancel: { reason: string | undefined } | undefined;
  #drain: { reason: string; until: number } | undefined;

  constructor(executionId: string) {
    this.#executionId = executionId;
  }

  get isCanceled(): boolean {
    return this.#cancel !== undefined;
  }

  /** Why the run is to be given back; undefined while the worker may stay. */
  get returnReason(): string | undefined {
    return this.#drain?.reason;
  }

  cancel(reason: string | undefined): void {
    this.#cancel ??= { reason };
  }

  /** The first one stands. */
  drain(reason: string, graceMs: number): void {
    this.#drain ??= { reason, until: performance.now() + graceMs };
  }

  get all(): ToTaskProcess[] {
    const executionId = this.#executionId;
    const all: ToTaskProcess[] = [];
    if (this.#cancel) {
      const { reason } = this.#cancel;
      all.push({ t: "cancel", executionId, ...(reason === undefined ? {} : { reason }) });
    }
    if (this.#drain) {
      const { reason, until } = this.#drain;
      all.push({ t: "drain", executionId, reason, graceMs: Math.max(0, Math.round(until - performance.now())) });
    }
    return all;
  }
}
