import { type Limits, machineName, type TriggerBody, type TriggerOptions } from "@gantry/sdk/contract";
import { didYouMean } from "../did-you-mean.ts";
import { AppError } from "../errors.ts";
import type { Packet, TriggerRequest } from "../runs/run.ts";
import { parseDurationMs, parseInstant } from "./duration.ts";

/** What turning a body into a request needs to know. */
export interface TriggerContext {
  limits: Limits;
  nowMs: number;
  machines: ReadonlySet<string>;
}

const JSON_TYPE = "application/json";
const NOTHING = Buffer.alloc(0);

/**
 * A validated body as the engine's request. A payload that was uploaded before (application/store) is still a reference.
 *
 * Errors: PAYLOAD_TOO_LARGE, METADATA_TOO_LARGE, TOO_MANY_TAGS, INVALID_DELAY, BAD_JSON, VALIDATION_FAILED.
 */
export function toTriggerRequest(taskId: string, body: TriggerBody, context: TriggerContext): TriggerRequest {
  const options = body.options ?? {};
  const request: TriggerRequest = { taskId, payload: toPayload(body.payload, options.payloadType, context.limits) };
  applyTimes(request, options, context);
  applyPlace(request, options, context);
  if (options.idempotencyKey !== undefined) {
    request.idempotencyKey = options.idempotencyKey;
    request.idempotencyKeyTtlMs =
      options.idempotencyKeyTTL === undefined
        ? context.limits.idempotencyKeyTtlMs
        : toDuration("idempotencyKeyTTL", options.idempotencyKeyTTL);
    if (options.idempotencyKeyOptions !== undefined) request.idempotencyKeyOptions = options.idempotencyKeyOptions;
  }
  if (options.tags !== undefined) request.tags = toTags(options.tags, context.limits);
  if (options.metadata !== undefined && options.metadata !== null) {
    request.metadata = toMetadata(options.metadata, options.metadataType, context.limits);
  }
  if (options.test === true) request.isTest = true;
  if (options.parentRunId !== undefined) request.parentRunId = options.parentRunId;
  return request;
}

type Times = Pick<TriggerOptions, "delay" | "ttl" | "maxAttempts" | "maxDuration">;

/** When, how long and how often. Shared with replays. */
export function applyTimes(request: Partial<TriggerRequest>, options: Times, context: TriggerContext): void {
  if (options.delay !== undefined) {
    const delayUntil = toInstant(options.delay, context.nowMs);
    if (delayUntil.getTime() > context.nowMs) request.delayUntil = delayUntil;
  }
  if (options.ttl !== undefined)
    request.ttlMs = typeof options.ttl === "number" ? options.ttl * 1000 : toDuration("ttl", options.ttl);
  if (options.maxDuration !== undefined) request.maxDurationMs = Math.ceil(options.maxDuration * 1000);
  if (options.maxAttempts === undefined) return;
  if (options.maxAttempts > context.limits.maxAttempts) {
    throw new AppError(
      "VALIDATION_FAILED",
      `maxAttempts is ${options.maxAttempts}; this environment allows ${context.limits.maxAttempts}.`,
      {
        details: { limit: "maxAttempts", limitValue: context.limits.maxAttempts },
      },
    );
  }
  request.maxAttempts = options.maxAttempts;
}

interface Place {
  queue?: TriggerOptions["queue"];
  concurrencyKey?: TriggerOptions["concurrencyKey"];
  machine?: TriggerOptions["machine"];
  priority?: TriggerOptions["priority"];
  lockToVersion?: TriggerOptions["lockToVersion"];
  version?: TriggerOptions["version"];
}

/** Where it waits and runs. Shared with replays. */
export function applyPlace(request: Partial<TriggerRequest>, options: Place, context: TriggerContext): void {
  if (options.queue !== undefined) request.queue = options.queue.name;
  if (options.concurrencyKey !== undefined) request.concurrencyKey = String(options.concurrencyKey);
  if (options.machine !== undefined) request.machine = toMachine(options.machine, context.machines);
  if (options.priority !== undefined) request.priority = options.priority;
  const version = options.lockToVersion ?? options.version;
  if (version !== undefined) request.version = version;
}

/** A payload as bytes. Without a type it is a JSON value; with one, a string is taken to be encoded already. */
export function toPayload(payload: unknown, type: string | undefined, limits: Limits): Packet {
  if (payload === undefined)
    return { data: NOTHING, type: type === "application/store" ? missingReference() : (type ?? JSON_TYPE) };
  const isEncoded = typeof payload === "string" && type !== undefined;
  const text = isEncoded ? payload : toJson(payload, "payload");
  if (isEncoded && type !== "text/plain" && type !== "application/store") refuseBadJson(text, type);
  if (!isEncoded && type === "application/store") missingReference();
  const data = Buffer.from(text, "utf8");
  refuseLargePayload(data.length, limits);
  return { data, type: isEncoded || type === "application/super+json" ? (type as string) : JSON_TYPE };
}

function missingReference(): never {
  throw new AppError(
    "VALIDATION_FAILED",
    "With payloadType application/store, payload must be the storagePath of an upload.",
  );
}

export function refuseLargePayload(bytes: number, limits: Limits): void {
  if (bytes <= limits.payloadBytes) return;
  throw new AppError(
    "PAYLOAD_TOO_LARGE",
    `The payload is of ${bytes} bytes; the limit payloadBytes is ${limits.payloadBytes}.`,
    {
      details: { limit: "payloadBytes", limitBytes: limits.payloadBytes, bytes },
    },
  );
}

function refuseBadJson(text: string, type: string): void {
  try {
    JSON.parse(text);
  } catch (error) {
    throw new AppError(
      "BAD_JSON",
      `The payload is said to be ${type} but is not JSON: ${(error as Error).message.slice(0, 200)}`,
    );
  }
}

/** Errors: VALIDATION_FAILED for what is nested too deeply to be written. */
function toJson(value: unknown, what: string): string {
  try {
    return JSON.stringify(value);
  } catch {
    throw new AppError("VALIDATION_FAILED", `The ${what} is nested too deeply.`);
  }
}

export function toTags(tags: string | string[], limits: Limits): string[] {
  const unique = [...new Set(typeof tags === "string" ? [tags] : tags)];
  if (unique.length > limits.tagsPerRun) {
    throw new AppError(
      "TOO_MANY_TAGS",
      `There are ${unique.length} tags; the limit tagsPerRun is ${limits.tagsPerRun}.`,
      {
        details: { limit: "tagsPerRun", limitValue: limits.tagsPerRun },
      },
    );
  }
  const long = unique.find((tag) => tag.length > limits.tagCharacters);
  if (long === undefined) return unique;
  throw new AppError(
    "TOO_MANY_TAGS",
    `The tag "${long.slice(0, 40)}…" is of ${long.length} characters; the limit tagCharacters is ${limits.tagCharacters}.`,
    {
      details: { limit: "tagCharacters", limitValue: limits.tagCharacters },
    },
  );
}

/** Metadata is a JSON object, kept as plain JSON however it came. */
export function toMetadata(metadata: unknown, type: string | undefined, limits: Limits): Packet {
  const parsed = typeof metadata === "string" ? parseText(metadata) : metadata;
  const value = type === "application/super+json" ? (parsed as { json?: unknown } | undefined)?.json : parsed;
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new AppError("VALIDATION_FAILED", "metadata must be a JSON object.", {
      details: { issues: [{ path: "options.metadata", message: "must be a JSON object" }] },
    });
  }
  const data = Buffer.from(toJson(value, "metadata"), "utf8");
  if (data.length > limits.metadataBytes) {
    throw new AppError(
      "METADATA_TOO_LARGE",
      `The metadata is of ${data.length} bytes; the limit metadataBytes is ${limits.metadataBytes}.`,
      {
        details: { limit: "metadataBytes", limitBytes: limits.metadataBytes, bytes: data.length },
      },
    );
  }
  return { data, type: JSON_TYPE };
}

function parseText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Errors: INVALID_DELAY. */
export function toInstant(delay: string, nowMs: number): Date {
  const at = parseInstant(delay, nowMs);
  if (at === undefined) throw new AppError("INVALID_DELAY", `"${delay}" is neither a duration nor a date.`);
  return at;
}

export function toDuration(name: string, text: string): number {
  const ms = parseDurationMs(text);
  if (ms !== undefined && ms > 0) return ms;
  throw new AppError("VALIDATION_FAILED", `${name}: "${text}" is no duration such as "1h", "88s" or "2w".`, {
    details: { issues: [{ path: name, message: "is no duration" }] },
  });
}

function toMachine(option: NonNullable<TriggerOptions["machine"]>, machines: ReadonlySet<string>): string {
  const name = machineName(option) as string;
  if (machines.has(name)) return name;
  const near = didYouMean(name, machines);
  throw new AppError(
    "VALIDATION_FAILED",
    `There is no machine preset "${name}"${near === undefined ? "" : `; did you mean "${near}"?`}`,
    {
      details: { issues: [{ path: "options.machine", message: "unknown preset" }], presets: [...machines] },
    },
  );
}
