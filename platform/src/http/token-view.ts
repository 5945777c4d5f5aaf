import {
  type CompleteTokenBody,
  type CreateTokenBody,
  type Limits,
  type RetrievedToken,
  TOKEN_STATUSES,
  type Token,
  type tokenListQuerySchema,
} from "@gantry/sdk/contract";
import type { z } from "zod";
import { AppError } from "../errors.ts";
import type { Packet, PageRequest } from "../runs/run.ts";
import { timeoutError } from "../waitpoints/timeout-error.ts";
import type { WaitingRun, Waitpoint, WaitpointFilter, WaitpointRequest } from "../waitpoints/waitpoint.ts";
import { createdRange, invalidQuery, splitList, statusOf } from "./list-filter.ts";
import { toDuration, toInstant, toTags } from "./trigger-request.ts";

type Query = z.output<typeof tokenListQuerySchema>;
const JSON_TYPE = "application/json";

/** Errors: INVALID_DELAY, VALIDATION_FAILED, TOO_MANY_TAGS. */
export function toWaitpointRequest(body: CreateTokenBody, limits: Limits, nowMs: number): WaitpointRequest {
  const { idempotencyKey, idempotencyKeyTTL: ttl, timeout, tags } = body;
  return {
    tags: tags === undefined ? [] : toTags(tags, limits),
    ...(timeout === undefined ? {} : { timeoutAt: toInstant(timeout, nowMs) }),
    ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
    idempotencyKeyTtlMs: ttl === undefined ? limits.idempotencyKeyTtlMs : toDuration("idempotencyKeyTTL", ttl),
  };
}

/** Errors: VALIDATION_FAILED. */
export function toWaitpointFilter(query: Query, nowMs: number): WaitpointFilter {
  const statuses = splitList(query["filter[status]"], "status");
  const tags = splitList(query["filter[tags]"], "tags");
  const idempotencyKey = query["filter[idempotencyKey]"];
  return {
    ...(statuses === undefined ? {} : { status: statuses.map((name) => statusOf(name, TOKEN_STATUSES)) }),
    ...(tags === undefined ? {} : { tags }),
    ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
    ...createdRange(query, nowMs),
  };
}

/** Errors: VALIDATION_FAILED. */
export function toTokenPage(query: Query): PageRequest {
  const { "page[size]": size, "page[after]": after, "page[before]": before } = query;
  if (after !== undefined && before !== undefined)
    throw invalidQuery("page[before]", "may not stand beside page[after]");
  return { size, ...(after === undefined ? {} : { after }), ...(before === undefined ? {} : { before }) };
}

/** Without `dataType`, a JSON value; with it, text in that encoding. Errors: VALIDATION_FAILED, BAD_JSON. */
export function toOutput({ data, dataType }: CompleteTokenBody): Packet {
  if (dataType === undefined) return { data: data === undefined ? Buffer.alloc(0) : json(data), type: JSON_TYPE };
  if (data === undefined) return { data: Buffer.alloc(0), type: dataType };
  if (typeof data !== "string") {
    const message = "must be text, encoded as dataType says";
    throw new AppError("VALIDATION_FAILED", `The body is not valid: data: ${message}.`, {
      details: { issues: [{ path: "data", message }] },
    });
  }
  if (dataType !== "text/plain") refuseBadJson(data, dataType);
  return { data: Buffer.from(data, "utf8"), type: dataType };
}

function json(value: unknown): Buffer {
  try {
    return Buffer.from(JSON.stringify(value), "utf8");
  } catch {
    throw new AppError("VALIDATION_FAILED", "The data is nested too deeply.");
  }
}

function refuseBadJson(text: string, type: string): void {
  try {
    JSON.parse(text);
  } catch {
    throw new AppError("BAD_JSON", `The data is said to be ${type} but is not JSON.`);
  }
}

export function tokenView(token: Waitpoint, url: string, waiting?: readonly WaitingRun[]): Token {
  return {
    id: token.id,
    url,
    status: token.status,
    completedAt: token.completedAt?.toISOString(),
    timeoutAt: token.timeoutAt?.toISOString(),
    idempotencyKey: token.idempotencyKey,
    idempotencyKeyExpiresAt: token.idempotencyKeyExpiresAt?.toISOString(),
    tags: token.tags,
    createdAt: token.createdAt.toISOString(),
    ...(waiting === undefined
      ? {}
      : { waitingRuns: waiting.map(({ id, taskId }) => ({ id, taskIdentifier: taskId })) }),
  };
}

export function retrievedToken(token: Waitpoint, url: string, waiting?: readonly WaitingRun[]): RetrievedToken {
  return { ...tokenView(token, url, waiting), ...outputFields(token) };
}

function outputFields({ status, output, completedAt }: Waitpoint) {
  if (status === "TIMED_OUT" && completedAt !== undefined) {
    const { code, message } = timeoutError(completedAt);
    return { output: JSON.stringify({ code, message }), outputType: JSON_TYPE, outputIsError: true };
  }
  if (output === undefined) return {};
  const isEmpty = output.data.length === 0 && output.type !== "text/plain";
  return {
    ...(isEmpty ? {} : { output: output.data.toString("utf8") }),
    outputType: output.type,
    outputIsError: false,
  };
}
