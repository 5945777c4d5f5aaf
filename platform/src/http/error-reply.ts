import { type ErrorReply, MetadataKeyError } from "@gantry/sdk/contract";
import type { Response } from "express";
import { AppError, ERRORS, type ErrorCode } from "../errors.ts";
import { storeError } from "./store-errors.ts";

/** Any error as one of the registry's. Only INTERNAL hides what it was; the log has it under the request's id. */
export function toAppError(error: unknown, requestId: string): AppError {
  if (error instanceof AppError) return error;
  const store = storeError(error);
  if (store !== undefined) return store;
  if (error instanceof MetadataKeyError) return new AppError("VALIDATION_FAILED", error.message, { cause: error });
  const status = (error as { status?: unknown } | undefined)?.status;
  if (error instanceof URIError || (typeof status === "number" && status >= 400 && status < 500)) {
    return new AppError("BAD_REQUEST", "The path or the query is not valid.", { cause: error });
  }
  return new AppError("INTERNAL", `Something went wrong inside Gantry; the request's id is ${requestId}.`, {
    details: { requestId },
    cause: error,
  });
}

/** `{ error, code, details? }`. `error` says what is wrong and, from the registry, what to do. */
export function errorBody(error: AppError): ErrorReply {
  const { remedy } = ERRORS[error.code];
  const message = error.message.includes(remedy) ? error.message : `${error.message} ${remedy}`;
  return { error: message, code: error.code, ...(error.details === undefined ? {} : { details: error.details }) };
}

/** Seconds after which a new try is worth it, where the error itself does not know better. */
const RETRY_AFTER: Partial<Record<ErrorCode, number>> = {
  QUEUE_FULL: 5,
  STORE_UNAVAILABLE: 1,
  CHECKPOINTS_BUSY: 1,
  STORAGE_FULL: 30,
  SHUTTING_DOWN: 1,
};

/** `x-should-retry` keeps Trigger.dev's clients from trying a 409 or a 501 again, which they would otherwise do. */
export function sendError(res: Response, error: AppError): void {
  const { status, retryable } = ERRORS[error.code];
  const retryAfter = error.retryAfterSeconds ?? RETRY_AFTER[error.code];
  if (retryAfter !== undefined) res.setHeader("retry-after", String(Math.ceil(retryAfter)));
  if (status === 401) res.setHeader("www-authenticate", "Bearer");
  if (status === 409 || status >= 500) res.setHeader("x-should-retry", String(retryable));
  sendJson(res, status, errorBody(error));
}

/** No ETag, no content negotiation: one buffer, one write. */
export function sendJson(res: Response, status: number, value: unknown): void {
  const bytes = Buffer.from(JSON.stringify(value), "utf8");
  res.statusCode = status;
  res.setHeader("content-type", "application/json; charset=utf-8");
  res.setHeader("content-length", bytes.length);
  res.end(bytes);
}
