import type { RunExplanation } from "@gantry/sdk";
import type { Tone } from "../../../ui/tone.ts";

export type Reason = RunExplanation["reasons"][number];

/** Where somebody goes to change what a reason says. */
export type ReasonTarget = "queue" | "queues" | "deployments" | "limits" | "waiting" | "cluster";

interface ReasonWords {
  title: string;
  tone: Tone;
  target?: ReasonTarget;
  /** What may be done about it. */
  remedy?: string;
}

const WORDS: Record<string, ReasonWords> = {
  DELAYED: { title: "Its time has not come", tone: "neutral" },
  PENDING_VERSION: {
    title: "Its version is not deployed",
    tone: "warning",
    target: "deployments",
    remedy: "Deploy the version, or cancel the run and trigger it without one.",
  },
  ENVIRONMENT_PAUSED: {
    title: "The environment is paused",
    tone: "warning",
    target: "queues",
    remedy: "Resume the environment.",
  },
  QUEUE_PAUSED: { title: "Its queue is paused", tone: "warning", target: "queue", remedy: "Resume the queue." },
  ENVIRONMENT_LIMIT: {
    title: "The environment's concurrency limit is reached",
    tone: "wait",
    target: "queues",
    remedy: "It starts when another run of the environment ends or waits.",
  },
  QUEUE_LIMIT: {
    title: "Its queue's concurrency limit is reached",
    tone: "wait",
    target: "queue",
    remedy: "It starts when another run of the queue ends or waits; the queue's limit can be raised.",
  },
  CONCURRENCY_KEY_LIMIT: {
    title: "The limit for its concurrency key is reached",
    tone: "wait",
    target: "queue",
    remedy: "It starts when another run with the same key ends or waits.",
  },
  COMBINED_LIMIT: {
    title: "Its queue's limit over all concurrency keys is reached",
    tone: "wait",
    target: "queue",
    remedy: "It starts when another run of the queue ends or waits.",
  },
  RATE_LIMIT: { title: "Its queue's rate limit is reached", tone: "wait", target: "queue" },
  HELD_LIMIT: {
    title: "Too many processes are kept for runs that wait",
    tone: "warning",
    target: "waiting",
    remedy: "Look at the waiting runs: each says which line keeps its process.",
  },
  AHEAD_IN_QUEUE: { title: "Other runs are ahead of it", tone: "neutral", target: "queue" },
  NEXT: { title: "It starts next", tone: "info" },
  WORKER_STARTING: { title: "A worker is starting for it", tone: "info", target: "cluster" },
  EXECUTING: { title: "It is executing", tone: "info" },
  CANCEL_REQUESTED: { title: "It is being canceled", tone: "warning" },
  WAITING: { title: "It waits for something that has not happened yet", tone: "wait" },
  WORKER_HELD: { title: "Its process is kept while it waits", tone: "warning" },
  WORKER_STORED: { title: "Its process is stored while it waits", tone: "success" },
  WORKER_LEFT: { title: "It holds no process while it waits", tone: "success" },
  ENDED: { title: "It has ended", tone: "neutral" },
};

/** A reason in words. One that is not known here is what the cluster or the executor reported. */
export function reasonWords(reason: string): ReasonWords {
  return WORDS[reason] ?? { title: "No worker could start for it", tone: "warning", target: "cluster" };
}

export interface OpenWait {
  kind: string;
  label: string;
  dueAt?: Date | undefined;
}

/** What a waiting run waits for. */
export function openWaits(explanation: Pick<RunExplanation, "reasons"> | undefined): OpenWait[] {
  const details = explanation?.reasons.find(({ reason }) => reason === "WAITING")?.details;
  const waits = Array.isArray(details?.waits) ? (details.waits as Record<string, unknown>[]) : [];
  return waits.map(({ kind, label, dueAt }) => ({
    kind: String(kind),
    label: String(label),
    dueAt: typeof dueAt === "string" ? new Date(dueAt) : undefined,
  }));
}
