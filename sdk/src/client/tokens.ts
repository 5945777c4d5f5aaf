import type { CompleteTokenBody, CompleteTokenReply } from "../contract/api/index.ts";
import { parseDurationMs } from "../contract/duration.ts";
import { ApiClient, type CreateTokenFields } from "./api-client.ts";
import { fingerprintOf } from "./fingerprint.ts";
import { onceIdempotencyKey } from "./idempotency-key.ts";
import type { ListTokensParams } from "./list-query.ts";
import { onceInRun } from "./once-in-run.ts";
import { decodeValue, encodeValue } from "./packet.ts";
import type { PagePromise } from "./page.ts";
import type { TokenItem } from "./replies.ts";
import type { RequestOptions } from "./request-options.ts";

type DataType = NonNullable<CompleteTokenBody["dataType"]>;

export interface CreateTokenOptions {
  /** A duration from now (`"24h"`) or an instant; then who waits gets an error. Default: never. */
  timeout?: string | Date | undefined;
  /** The same key gives the first token, which may be complete by then. */
  idempotencyKey?: string | undefined;
  /** `"24h"`, `"30d"`; 30 days by default. */
  idempotencyKeyTTL?: string | undefined;
  tags?: string | string[] | undefined;
}

export interface CreatedToken {
  id: string;
  /** True where the idempotency key had a token already. */
  isCached: boolean;
  /** A POST there completes the token with its body; whoever knows the address may. */
  url: string;
  /** May complete this token for a day, e.g. from a browser. */
  publicAccessToken: string;
}

export type TokenReference = string | { id: string };

/** A token as it is now. `output` is there once it is COMPLETED, `error` once it is TIMED_OUT. */
export type RetrievedTokenItem<T> = TokenItem & { output?: T | undefined; error?: Error | undefined };

/** A token was not completed in its time. */
export class WaitpointTimeoutError extends Error {
  override readonly name = "WaitpointTimeoutError";
  readonly code = "WAITPOINT_TIMEOUT";
}

/**
 * Makes a token that somebody completes later: `wait.forToken` waits for it. Inside a run it is journalled: a run that loses
 * its process and goes on elsewhere has the token it had.
 *
 * Errors: INVALID_WAIT for a timeout that is none; the API's, as ApiError.
 */
export async function createToken(
  options: CreateTokenOptions = {},
  requestOptions?: RequestOptions,
): Promise<CreatedToken> {
  const fields = tokenFields(options);
  return onceInRun({
    label: "wait.createToken",
    fingerprint: () => fingerprintOf("token", JSON.stringify([fields.timeout, fields.idempotencyKey, fields.tags])),
    perform: async (onceKey) => {
      const idempotencyKey = fields.idempotencyKey ?? (await onceIdempotencyKey(onceKey));
      return ApiClient.forCall(requestOptions).createToken({ ...fields, idempotencyKey });
    },
  });
}

function tokenFields({ timeout, ...rest }: CreateTokenOptions): CreateTokenFields {
  if (timeout === undefined) return rest;
  if (timeout instanceof Date ? Number.isNaN(timeout.getTime()) : !isDelay(timeout)) {
    const error = new RangeError(`The token's timeout is ${String(timeout)}: write it like "24h", or give a Date.`);
    throw Object.assign(error, { code: "INVALID_WAIT" });
  }
  return { ...rest, timeout: timeout instanceof Date ? timeout.toISOString() : timeout };
}

function isDelay(text: unknown): boolean {
  return typeof text === "string" && (parseDurationMs(text) !== undefined || !Number.isNaN(Date.parse(text)));
}

/** Completes a token with a value. One that has ended before stays as it is, and the reply says `isFirst: false`. */
export async function completeToken<T>(
  token: TokenReference,
  data: T,
  requestOptions?: RequestOptions,
): Promise<CompleteTokenReply> {
  const id = tokenId(token, "wait.completeToken");
  const encoded = encodeValue(data);
  return onceInRun({
    label: "wait.completeToken",
    fingerprint: () => fingerprintOf("complete", id, encoded.data),
    perform: () =>
      ApiClient.forCall(requestOptions).completeToken(id, {
        data: encoded.data,
        dataType: encoded.dataType as DataType,
      }),
  });
}

export async function retrieveToken<T>(
  token: TokenReference,
  requestOptions?: RequestOptions,
): Promise<RetrievedTokenItem<T>> {
  const id = tokenId(token, "wait.retrieveToken");
  const { output, outputType, outputIsError, ...item } = await ApiClient.forCall(requestOptions).retrieveToken(id);
  if (outputIsError) return { ...item, error: new WaitpointTimeoutError(timeoutMessage(output, outputType)) };
  return output === undefined ? item : { ...item, output: decodeValue(output, outputType) as T };
}

function timeoutMessage(output: string | undefined, outputType: string | undefined): string {
  const value = decodeValue(output, outputType);
  const message = typeof value === "object" && value !== null && "message" in value ? value.message : value;
  return typeof message === "string" ? message : "The token was not completed in its time.";
}

/** Tokens, newest first; `for await (const token of wait.listTokens({ status: "WAITING" }))` goes through all pages. */
export function listTokens(params?: ListTokensParams, requestOptions?: RequestOptions): PagePromise<TokenItem> {
  return ApiClient.forCall(requestOptions).listTokens(params);
}

/** Error: TypeError where it is no token and no id. */
export function tokenId(token: TokenReference, what: string): string {
  const id: unknown = typeof token === "object" && token !== null ? token.id : token;
  if (typeof id === "string" && id !== "") return id;
  const error = new TypeError(`${what} needs a token or its id, and got ${id === "" ? '""' : String(id)}.`);
  throw Object.assign(error, { code: "INVALID_WAIT" });
}
