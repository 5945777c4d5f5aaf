import type { TokenStatus } from "@gantry/sdk/contract";
import type { Packet } from "../runs/run.ts";

/** A token: something that runs wait for and somebody outside completes. */
export interface Waitpoint {
  id: string;
  /** TIMED_OUT from the very moment it is due, whether or not it was noted yet. */
  status: TokenStatus;
  tags: string[];
  createdAt: Date;
  timeoutAt: Date | undefined;
  /** When it was completed, or timed out. */
  completedAt: Date | undefined;
  idempotencyKey: string | undefined;
  idempotencyKeyExpiresAt: Date | undefined;
  /** Left out of lists. */
  output: Packet | undefined;
}

/** A run that waits for a token now. */
export interface WaitingRun {
  id: string;
  taskId: string;
}

/** A new one, with its limits checked and its defaults applied. */
export interface WaitpointRequest {
  idempotencyKey?: string | undefined;
  idempotencyKeyTtlMs?: number | undefined;
  timeoutAt?: Date | undefined;
  tags: string[];
}

export interface WaitpointFilter {
  status?: TokenStatus[];
  tags?: string[];
  idempotencyKey?: string;
  from?: Date;
  to?: Date;
}

/** `isFirst`: this call ended it. Otherwise it had ended before, or its time was over, and nothing was changed. */
export interface Completion {
  status: "COMPLETED" | "TIMED_OUT";
  isFirst: boolean;
}
