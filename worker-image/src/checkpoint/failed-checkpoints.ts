import type { ProcessAbility } from "../checkpoint-policy.ts";
import type { NotStored, NotStoredReason } from "./not-stored.ts";

const FIRST_BACK_OFF_MS = 30_000;
const MAX_BACK_OFF_MS = 30 * 60_000;

/** What a wait is, as far as trying again depends on it. */
export interface WaitAsSeen {
  /** The last completion that the process knows: another one, another wait. */
  known: number;
  /** All that the process said of it. */
  said: string;
}

interface Failure extends WaitAsSeen {
  reason: NotStoredReason;
  detail: string;
  /** When it may be tried again; by performance.now. */
  again: number;
}

/**
 * An attempt's checkpoints that failed, and when another may be tried: after a pause that doubles; where the process had
 * something that is not brought along, when what it says has changed; where it was too large, at its next wait.
 */
export class FailedCheckpoints {
  #failure: Failure | undefined;
  #backOffMs = FIRST_BACK_OFF_MS;

  note({ reason, message }: NotStored, wait: WaitAsSeen): void {
    const again = reason === "CHECKPOINT_FAILED" ? performance.now() + this.#backOffMs : Number.POSITIVE_INFINITY;
    if (reason === "CHECKPOINT_FAILED") this.#backOffMs = Math.min(MAX_BACK_OFF_MS, this.#backOffMs * 2);
    this.#failure = { reason, detail: message, again, ...wait };
  }

  /** Why no other is tried now; undefined where it may be. */
  obstacle(wait: WaitAsSeen): (Extract<ProcessAbility, { is: "unable" }> & { detail: string }) | undefined {
    const failure = this.#failure;
    if (!failure || failure.known !== wait.known) return undefined;
    const { reason, detail, again, said } = failure;
    if (reason === "CHECKPOINT_REFUSED" && said !== wait.said) return undefined;
    const leftMs = again - performance.now();
    if (leftMs <= 0) return undefined;
    return { is: "unable", reason, detail, ...(Number.isFinite(leftMs) ? { askAgainInMs: leftMs } : {}) };
  }
}
