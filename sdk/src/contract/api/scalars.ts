import { z } from "zod";
import { DEFAULT_LIMITS } from "../limits.ts";

/** Text that Postgres can hold as it is: no NUL, no half of a surrogate pair. Payloads and metadata are bytes and may hold both. */
export function text(maxCharacters: number, minCharacters = 0) {
  return z
    .string()
    .min(minCharacters)
    .max(maxCharacters)
    .refine(isStorableText, "may not contain a NUL or half a surrogate pair");
}

export function isStorableText(value: string): boolean {
  return !value.includes("\0") && value.isWellFormed();
}

export const taskIdSchema = text(128, 1).describe("The task's id, as in `task({ id })`.");
export const idempotencyKeySchema = text(DEFAULT_LIMITS.idempotencyKeyCharacters, 1).describe(
  "A later trigger of the same task with the same key answers with the first run. SDKs send it hashed with its scope.",
);
export const idempotencyKeyOptionsSchema = z
  .strictObject({ key: text(DEFAULT_LIMITS.idempotencyKeyCharacters), scope: z.enum(["run", "attempt", "global"]) })
  .describe("The key as the user gave it, and its scope; for display only.");

export const durationSchema = text(100, 1).describe('A duration such as "1h", "88s", "1h52m18s" or "2w".');
export const delaySchema = text(100, 1).describe("A duration from now, or an ISO date.");
export const ttlSchema = z
  .union([durationSchema, z.int().min(1).max(3_153_600_000)])
  .describe("A duration, or seconds: how long the run may wait for its first start before it expires.");

/** How many and how long they may be is the environment's limit, checked by the platform: 422 TOO_MANY_TAGS. */
export const tagsSchema = z
  .union([text(4096, 1), z.array(text(4096, 1))])
  .describe("One tag or several; 10 of 128 characters each unless the environment's limits say otherwise.");

export const concurrencyKeySchema = z
  .union([text(DEFAULT_LIMITS.concurrencyKeyCharacters), z.number()])
  .describe("Each key has its own copy of the queue's limit.");

export const machineSchema = z
  .union([text(64, 1), z.strictObject({ preset: text(64, 1) })])
  .describe("A machine preset: its name, or `{ preset }`.");

export const queueOptionSchema = z.strictObject({ name: text(128, 1) });
export const payloadTypeSchema = z.enum([
  "application/json",
  "application/super+json",
  "text/plain",
  "application/store",
]);
export const maxAttemptsSchema = z.int().min(1).max(DEFAULT_LIMITS.maxAttempts);
export const maxDurationSchema = z
  .number()
  .positive()
  .max(31_536_000)
  .describe("Compute time in seconds; waits do not count.");
export const prioritySchema = z.number().min(-2_000_000).max(2_000_000).describe("Seconds of head start.");
export const runIdSchema = text(64, 1).describe("run_…");
export const batchIdSchema = text(64, 1).describe("batch_…");
export const instantSchema = z.iso.datetime().meta({ id: "Instant", description: "UTC, ISO 8601 with milliseconds." });
export const fingerprintSchema = z
  .string()
  .regex(/^[0-9a-f]{16}$/, "is no fingerprint of an error")
  .describe("16 hexadecimal digits that failed runs of a task share whose errors are alike.");
