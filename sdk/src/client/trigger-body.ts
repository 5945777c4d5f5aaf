import { machineName } from "../contract/machine-presets.ts";
import { currentRun } from "./current-run.ts";
import { fingerprintOf } from "./fingerprint.ts";
import { idempotencyKeyOptions, toIdempotencyKey } from "./idempotency-key.ts";
import type { EncodedValue } from "./packet.ts";
import type { IdempotencyKey, TriggerOptions } from "./run-handle.ts";

/** What the API's trigger takes; `undefined` members vanish in JSON. */
export interface TriggerBody {
  payload?: string | undefined;
  options: Record<string, unknown> & { idempotencyKey?: string | undefined };
}

/** Encodes the options of one trigger. `fallbackKey` applies where the options have no key. */
export async function triggerBody(
  encoded: EncodedValue,
  options: TriggerOptions = {},
  fallbackKey?: IdempotencyKey,
): Promise<TriggerBody> {
  const key = (await toIdempotencyKey(options.idempotencyKey)) ?? fallbackKey;
  const run = currentRun()?.ctx?.run;
  return {
    payload: encoded.data,
    options: {
      payloadType: encoded.dataType,
      queue: typeof options.queue === "string" ? { name: options.queue } : options.queue,
      concurrencyKey: options.concurrencyKey,
      idempotencyKey: key,
      idempotencyKeyTTL: options.idempotencyKeyTTL,
      idempotencyKeyOptions: key === undefined ? undefined : idempotencyKeyOptions(key),
      delay: options.delay,
      ttl: options.ttl,
      tags: options.tags,
      maxAttempts: options.maxAttempts,
      maxDuration: options.maxDuration,
      metadata: options.metadata,
      machine: machineName(options.machine),
      priority: options.priority,
      lockToVersion: options.version,
      parentRunId: run?.id,
      test: run?.isTest,
      ...unknownOptions(options),
    },
  };
}

/** What only labels a run, or says how long it may take or last: two triggers that differ in it alone are the same. */
const NOT_IN_FINGERPRINT = new Set(["tags", "metadata", "ttl", "priority", "idempotencyKeyTTL"]);

/** What makes two triggers of one run the same: the task, the payload's bytes, and the options that matter. */
export function triggerFingerprint(taskId: string, encoded: EncodedValue, options: TriggerOptions = {}): string {
  const given = Object.entries(options)
    .filter(([name, value]) => value !== undefined && !NOT_IN_FINGERPRINT.has(name))
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return fingerprintOf(taskId, encoded.dataType, encoded.data, given.length === 0 ? undefined : JSON.stringify(given));
}

const KNOWN = new Set([
  "idempotencyKey",
  "idempotencyKeyTTL",
  "maxAttempts",
  "queue",
  "concurrencyKey",
  "delay",
  "ttl",
  "priority",
  "tags",
  "metadata",
  "maxDuration",
  "machine",
  "version",
]);

/** Options this SDK does not know are sent on: the platform knows them, or refuses them by name. Never ignored. */
function unknownOptions(options: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(options).filter(([name]) => !KNOWN.has(name)));
}
