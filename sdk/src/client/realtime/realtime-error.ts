import { type ApiError, errorFromReply } from "../api-error.ts";

const STATUS: Record<string, number> = {
  UNAUTHORIZED: 401,
  TOKEN_EXPIRED: 401,
  FORBIDDEN: 403,
  RUN_NOT_FOUND: 404,
  BATCH_NOT_FOUND: 404,
  STREAM_NOT_FOUND: 404,
  MALFORMED_ID: 400,
  BAD_REQUEST: 400,
  NOT_FOUND: 404,
  TOO_MANY_SUBSCRIPTIONS: 429,
};

/** The platform is there, and busy: the same may work later. */
export function isTemporary({ code }: { code: string }): boolean {
  return STATUS[code] === undefined;
}

/** What the platform said over the socket, as the error that the REST API gives for the same. */
export function errorFromSocket(error: { code: string; message: string }): ApiError {
  const { code, message } = error;
  return errorFromReply(STATUS[code] ?? 500, JSON.stringify({ error: message, code }), new Headers());
}

/** `connect_error` carries the code in `data` where the platform refused; else it is the transport's. */
export function refusalOf(error: Error & { data?: unknown }): { code: string; message: string } | undefined {
  const { data } = error;
  if (typeof data !== "object" || data === null || !("code" in data)) return undefined;
  const said = "message" in data && typeof data.message === "string" ? data.message : error.message;
  return { code: String(data.code), message: said };
}
