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

/** Turns anything thrown into its wire form; never throws, whatever was thrown, and cuts what is too long. */
export function toWireError(thrown: unknown, depth = 0): WireError {
  if (!isErrorLike(thrown)) return { name: "Error", message: cut(describe(thrown)) };
  const stack = readErrorMember(thrown, "stack");
  const code = readErrorMember(thrown, "code");
  const cause = readErrorMember(thrown, "cause");
  return {
    name: cut(textOf(readErrorMember(thrown, "name")) ?? "Error"),
    message: cut(textOf(readErrorMember(thrown, "message")) ?? ""),
    ...(typeof stack === "string" ? { stack: cut(stack) } : {}),
    ...(typeof code === "string" || typeof code === "number" ? { code: String(code) } : {}),
    ...(cause === undefined || depth >= MAX_CAUSES ? {} : { cause: toWireError(cause, depth + 1) }),
  };
}

/** An Error that looks like the one that was. */
export function fromWireError({ name, message, stack, code, cause }: WireError): Error {
  const error = new Error(message, cause === undefined ? undefined : { cause: fromWireError(cause) });
  error.name = name;
  if (stack !== undefined) error.stack = stack;
  return code === undefined ? error : Object.assign(error, { code });
}

/** Errors of another realm (vm, a worker) are no instances of this one's Error. */
function isErrorLike(thrown: unknown): thrown is object {
  if (typeof thrown !== "object" || thrown === null) return false;
  if (isInstance(thrown)) return true;
  return typeof readErrorMember(thrown, "message") === "string" && readErrorMember(thrown, "stack") !== undefined;
}

function isInstance(thrown: object): boolean {
  try {
    return thrown instanceof Error;
  } catch {
    return false;
  }
}

/** A member of anything thrown: a getter may throw, and a revoked Proxy throws at everything. */
export function readErrorMember(value: object, member: string): unknown {
  try {
    return (value as Record<string, unknown>)[member];
  } catch {
    return undefined;
  }
}

function textOf(value: unknown): string | undefined {
  return value === undefined ? undefined : describe(value);
}

function describe(value: unknown): string {
  if (typeof value === "string") return value;
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return describeType(value);
  }
}

function describeType(value: unknown): string {
  try {
    return String(value);
  } catch {
    return "a value that cannot be shown";
  }
}

function cut(text: string): string {
  return text.length > MAX_MESSAGE ? `${text.slice(0, MAX_MESSAGE)}… (cut)` : text;
}
