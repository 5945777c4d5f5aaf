import { ApiClient } from "./api-client.ts";
import { ConfigurationError } from "./api-error.ts";
import {
  createIdempotencyKey,
  hashKey,
  type IdempotencyKeyScope,
  idempotencyKeyOptions,
  isIdempotencyKey,
  ownerHere,
} from "./idempotency-key.ts";
import type { RequestOptions } from "./request-options.ts";
import type { IdempotencyKey } from "./run-handle.ts";

export interface ResetIdempotencyKeyOptions {
  /** Of a key given as plain text; `run` by default. */
  scope?: IdempotencyKeyScope | undefined;
  /** The run whose key it is, outside of that run. */
  parentRunId?: string | undefined;
  attemptNumber?: number | undefined;
}

/**
 * Frees a key, so that the next trigger of the task with it makes a new run. A key from `create` is taken as it is;
 * plain text is hashed with its scope first, as a trigger does.
 *
 * Errors: NOT_FOUND where no run has the key; IDEMPOTENCY_SCOPE where the scope's run is not known.
 */
async function reset(
  taskIdentifier: string,
  key: IdempotencyKey | string | string[],
  options: ResetIdempotencyKeyOptions = {},
  requestOptions?: RequestOptions,
): Promise<{ id: string }> {
  return ApiClient.forCall(requestOptions).resetIdempotencyKey(taskIdentifier, await resolveKey(key, options));
}

async function resolveKey(key: string | string[], options: ResetIdempotencyKeyOptions): Promise<string> {
  if (isIdempotencyKey(key) && (options.scope === undefined || idempotencyKeyOptions(key) !== undefined)) return key;
  const here = ownerHere();
  const scope = options.scope ?? "run";
  const owner = {
    runId: options.parentRunId ?? here.runId,
    attemptNumber: options.attemptNumber ?? here.attemptNumber,
  };
  const isOwnerKnown = owner.runId !== undefined && (scope === "run" || owner.attemptNumber !== undefined);
  if (options.scope !== undefined && scope !== "global" && !isOwnerKnown) {
    throw new ConfigurationError(`A key of scope "${scope}" belongs to a run, and this call is in none.`, {
      status: undefined,
      code: "IDEMPOTENCY_SCOPE",
      remedy: 'Pass parentRunId (and attemptNumber for scope "attempt"), or scope: "global".',
    });
  }
  return hashKey([key].flat(), scope, owner);
}

export const idempotencyKeys = { create: createIdempotencyKey, reset };
