/** How an error travels between processes: plain data, the cause chain kept. */
export interface WireError {
  name: string;
  message: string;
  stack?: string;
  /** The error's own `code` (`ECONNREFUSED`) or one of Gantry's (`PAYLOAD_TOO_LARGE`). */
  code?: string;
  cause?: WireError;
}

const MAX_CAUSES = 8;
const MAX_MESSAGE = 64 * 1024;

/** Turns anything thrown into its wire form; never throws, and cuts what is too long. */
export function toWireError(thrown: unknown, depth = 0): WireError {
  if (!(thrown instanceof Error)) {
    return { name: "Error", message: cut(describe(thrown)) };
  }
  const code = (thrown as { code?: unknown }).code;
  return {
    name: thrown.name,
    message: cut(thrown.message),
    ...(thrown.stack === undefined ? {} : { stack: cut(thrown.stack) }),
    ...(typeof code === "string" || typeof code === "number" ? { code: String(code) } : {}),
    ...(thrown.cause === undefined || depth >= MAX_CAUSES
      ? {}
      : { cause: toWireError(thrown.cause, depth + 1) }),
  };
}

function describe(value: unknown): string {
  if (typeof value === "string") return value;
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return String(value);
  }
}

function cut(text: string): string {
  return text.length > MAX_MESSAGE ? `${text.slice(0, MAX_MESSAGE)}… (cut)` : text;
}
