import type { EnvironmentRef } from "../projects/principal.ts";

export interface QueueInfo {
  /** `queue_<id>`. */
  id: string;
  name: string;
  kind: "task" | "custom";
  queued: number;
  running: number;
  paused: boolean;
  /** Effective limit: the override where there is one, else the declared one; null is the environment's. */
  concurrencyLimit: number | null;
  declaredLimit: number | null;
  overrideLimit: number | null;
  overriddenAt: Date | null;
  combinedConcurrencyLimit: number | null;
  rateLimit: { limit: number; periodMs: number; key: "queue" | "concurrencyKey" } | null;
  oldestQueuedAt: Date | null;
  pausedAt: Date | null;
  /** Starts within the last period: of the whole queue, or of its busiest concurrency key. Null without a rate. */
  startsInPeriod: number | null;
}

/** A queue by `queue_<id>`, by its name, or by a task's id (its own queue is `task/<id>`). */
export type QueueRef = { type: "id" | "task" | "custom"; name: string };

export interface QueueService {
  list(
    environment: EnvironmentRef,
    page: { page: number; perPage: number },
  ): Promise<{ queues: QueueInfo[]; total: number }>;
  retrieve(environment: EnvironmentRef, ref: QueueRef): Promise<QueueInfo | undefined>;
  setPaused(environment: EnvironmentRef, ref: QueueRef, paused: boolean): Promise<QueueInfo | undefined>;
  /** null resets to the declared limit. Takes effect for the next admission; running work goes on. */
  overrideLimit(environment: EnvironmentRef, ref: QueueRef, limit: number | null): Promise<QueueInfo | undefined>;
}
