import { DEFAULT_RETRY, type Limits } from "@gantry/sdk/contract";
import type { CatalogedDeployment, CatalogedTask } from "../deployments/deployment-catalog.ts";
import { retryOf } from "../deployments/deployment-catalog.ts";
import { AppError } from "../errors.ts";
import type { EnvironmentRef } from "../projects/principal.ts";
import type { TriggerRequest } from "./run.ts";

/** What a request asks that no run may have. Pure; the first thing found wrong. */
export function checkTrigger(request: TriggerRequest, limits: Limits): AppError | undefined {
  const tooLarge = (
    code: "PAYLOAD_TOO_LARGE" | "METADATA_TOO_LARGE",
    what: string,
    size: number,
    limit: number,
    name: keyof Limits,
  ) =>
    size > limit
      ? new AppError(code, `The ${what} has ${size} bytes; the limit (${name}) is ${limit}.`, {
          details: { limit: name, max: limit, size },
        })
      : undefined;
  return (
    tooLarge("PAYLOAD_TOO_LARGE", "payload", request.payload.data.length, limits.payloadBytes, "payloadBytes") ??
    tooLarge(
      "METADATA_TOO_LARGE",
      "metadata",
      request.metadata?.data.length ?? 0,
      limits.metadataBytes,
      "metadataBytes",
    ) ??
    checkTags(request.tags ?? [], limits) ??
    checkNames(request, limits)
  );
}

export function checkTags(tags: string[], limits: Limits): AppError | undefined {
  if (tags.length > limits.tagsPerRun) {
    return new AppError(
      "TOO_MANY_TAGS",
      `A run takes ${limits.tagsPerRun} tags (tagsPerRun); these are ${tags.length}.`,
      {
        details: { limit: "tagsPerRun", max: limits.tagsPerRun },
      },
    );
  }
  const long = tags.find((tag) => tag.length > limits.tagCharacters);
  if (long !== undefined) {
    return new AppError(
      "TOO_MANY_TAGS",
      `A tag takes ${limits.tagCharacters} characters (tagCharacters); one has ${long.length}.`,
      {
        details: { limit: "tagCharacters", max: limits.tagCharacters },
      },
    );
  }
  if (tags.some((tag) => UNSTORABLE.test(tag))) return unstorable("tags");
  return undefined;
}

const unstorable = (field: string) =>
  new AppError("VALIDATION_FAILED", `${field} holds a NUL character or half of a surrogate pair.`, {
    details: { field },
  });

/** Postgres' text holds no NUL character; half of a surrogate pair is no text either. */
const UNSTORABLE = /\0|[\ud800-\udfff]/u;

function checkNames(request: TriggerRequest, limits: Limits): AppError | undefined {
  const { taskId, queue, concurrencyKey, idempotencyKey, version, machine } = request;
  for (const [name, value] of Object.entries({ taskId, queue, concurrencyKey, idempotencyKey, version, machine })) {
    if (value !== undefined && UNSTORABLE.test(value)) return unstorable(name);
  }
  if ((request.concurrencyKey?.length ?? 0) > limits.concurrencyKeyCharacters) {
    return new AppError("VALIDATION_FAILED", `A concurrency key takes ${limits.concurrencyKeyCharacters} characters.`, {
      details: { limit: "concurrencyKeyCharacters", max: limits.concurrencyKeyCharacters },
    });
  }
  if ((request.idempotencyKey?.length ?? 0) > limits.idempotencyKeyCharacters) {
    return new AppError(
      "VALIDATION_FAILED",
      `An idempotency key takes ${limits.idempotencyKeyCharacters} characters.`,
      {
        details: { limit: "idempotencyKeyCharacters", max: limits.idempotencyKeyCharacters },
      },
    );
  }
  return undefined;
}

export interface TriggerDefaults {
  maxAttempts: number;
  maxDurationMs: number | undefined;
  ttlMs: number | undefined;
}

/** What the request leaves open, from the task's declaration, the project's configuration and the environment's kind. */
export function triggerDefaults(
  request: TriggerRequest,
  environment: EnvironmentRef,
  limits: Limits,
  deployment: CatalogedDeployment | undefined,
  task: CatalogedTask | undefined,
): TriggerDefaults {
  const isDev = environment.type === "DEVELOPMENT";
  const declared = deployment === undefined ? undefined : retryOf(deployment.manifest, task?.declaration)?.maxAttempts;
  const attempts = request.maxAttempts ?? declared ?? (isDev ? 1 : DEFAULT_RETRY.maxAttempts);
  const seconds = task?.declaration.maxDuration ?? deployment?.manifest.defaultMaxDuration;
  return {
    maxAttempts: Math.min(Math.max(1, attempts), limits.maxAttempts),
    maxDurationMs: request.maxDurationMs ?? (seconds === undefined ? undefined : Math.round(seconds * 1000)),
    ttlMs: request.ttlMs ?? task?.declaration.ttlMs ?? (isDev ? limits.devTtlMs : undefined),
  };
}
