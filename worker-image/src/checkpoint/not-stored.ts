import type { CheckpointReason } from "@gantry/sdk/contract";

export type NotStoredReason = Extract<
  CheckpointReason,
  "CHECKPOINT_REFUSED" | "CHECKPOINT_TOO_LARGE" | "CHECKPOINT_FAILED"
>;

/** Why a process was not stored; the message says it in words, for the run's trace. */
export class NotStored extends Error {
  override name = "NotStored";
  readonly reason: NotStoredReason;

  constructor(reason: NotStoredReason, message: string) {
    super(message);
    this.reason = reason;
  }
}

/** What was thrown, as a reason. */
export function asNotStored(thrown: unknown): NotStored {
  if (thrown instanceof NotStored) return thrown;
  const { message } = thrown instanceof Error ? thrown : new Error(String(thrown));
  return new NotStored("CHECKPOINT_FAILED", message);
}
