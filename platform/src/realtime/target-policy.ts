import { REALTIME_SET_RUNS } from "@gantry/sdk/contract";
import { z } from "zod";
import { AppError } from "../errors.ts";
import type { Resource } from "../http/access-policy.ts";
import { decodeId } from "../ids.ts";
import type { RunSet } from "../runs/live-reads.ts";
import type { RunSummary } from "../runs/run.ts";

const HOUR_MS = 3600_000;
const DEFAULT_AGE_MS = 24 * HOUR_MS;
const DEFAULT_RUNS = 100;

const id = z.string().min(1).max(200);
const targetSchema = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("run"), runId: id }),
  z.strictObject({
    kind: z.literal("tag"),
    tags: z.array(z.string().min(1).max(1024)).min(1).max(20),
    createdAfter: z.iso.datetime({ offset: true }).optional(),
  }),
  z.strictObject({ kind: z.literal("batch"), batchId: id }),
  z.strictObject({ kind: z.literal("environment"), limit: z.int().min(1).max(REALTIME_SET_RUNS).optional() }),
]);
const requestSchema = z.object({
  id: z.string().min(1).max(64),
  target: targetSchema,
  since: z
    .record(z.string().max(64), z.int().min(0))
    .refine((since) => Object.keys(since).length <= 2 * REALTIME_SET_RUNS, "has too many runs")
    .optional(),
  skip: z.array(z.enum(["payload", "output"])).optional(),
});

const unsubscribeSchema = z.object({ id: z.string().max(64) });

/** What a subscription is for. `key` is the same for all that see the same, within an environment. */
export type LiveTarget =
  | { kind: "run"; key: string; runId: string }
  | { kind: "set"; key: string; set: RunSet /** Runs in the snapshot at most. */; limit: number };

export interface SubscribeWish {
  id: string;
  target: LiveTarget;
  since: ReadonlyMap<string, number>;
  skip: ReadonlySet<"payload" | "output">;
}

/** Errors: BAD_REQUEST, MALFORMED_ID. */
export function readSubscribe(request: unknown, nowMs: number): SubscribeWish {
  const { success, data, error } = requestSchema.safeParse(request);
  if (!success) throw new AppError("BAD_REQUEST", `The subscription is not valid: ${z.prettifyError(error)}`);
  return {
    id: data.id,
    target: targetOf(data.target, nowMs),
    since: new Map(Object.entries(data.since ?? {})),
    skip: new Set(data.skip),
  };
}

function targetOf(target: z.output<typeof targetSchema>, nowMs: number): LiveTarget {
  switch (target.kind) {
    case "run":
      demandId("run", target.runId);
      return { kind: "run", key: target.runId, runId: target.runId };
    case "batch":
      demandId("batch", target.batchId);
      return {
        kind: "set",
        key: target.batchId,
        set: { kind: "batch", batchId: target.batchId },
        limit: REALTIME_SET_RUNS,
      };
    case "tag": {
      const tags = [...new Set(target.tags)].sort();
      // By the hour, so that those who name no time see the same.
      const after =
        target.createdAfter === undefined
          ? Math.floor((nowMs - DEFAULT_AGE_MS) / HOUR_MS) * HOUR_MS
          : Date.parse(target.createdAfter);
      return {
        kind: "set",
        key: `tag ${after} ${JSON.stringify(tags)}`,
        set: { kind: "tag", tags, createdAfter: new Date(after) },
        limit: REALTIME_SET_RUNS,
      };
    }
    case "environment":
      return {
        kind: "set",
        key: "environment",
        set: { kind: "environment" },
        limit: target.limit ?? DEFAULT_RUNS,
      };
  }
}

function demandId(prefix: "run" | "batch", text: string): void {
  if (decodeId(prefix, text) === undefined)
    throw new AppError("MALFORMED_ID", `"${text.slice(0, 80)}" is not the id of a ${prefix}.`);
}

/** The names under which a set may be read; one of them is enough. Every member has all of its tags. */
export function setResources(set: RunSet): Resource[] {
  switch (set.kind) {
    case "tag":
      return [{ kind: "runs" }, ...set.tags.map((tag) => ({ kind: "tags" as const, id: tag }))];
    case "batch":
      return [{ kind: "runs" }, { kind: "batch", id: set.batchId }];
    case "environment":
      return [{ kind: "runs" }];
  }
}

export function isMember(set: RunSet, run: Pick<RunSummary, "tags" | "batchId" | "createdAt">): boolean {
  switch (set.kind) {
    case "tag":
      return run.createdAt >= set.createdAfter && set.tags.every((tag) => run.tags.includes(tag));
    case "batch":
      return run.batchId === set.batchId;
    case "environment":
      return true;
  }
}

/** The id of the subscription to be ended. Errors: BAD_REQUEST. */
export function readUnsubscribe(request: unknown): string {
  const { success, data } = unsubscribeSchema.safeParse(request);
  if (!success) throw new AppError("BAD_REQUEST", "An unsubscribe names the subscription's id.");
  return data.id;
}
