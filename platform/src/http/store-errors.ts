import { AppError } from "../errors.ts";

const NETWORK = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "EPIPE",
  "ETIMEDOUT",
  "ENOTFOUND",
  "EHOSTUNREACH",
  "ENOENT",
  "EAI_AGAIN",
]);
const PRISMA_AWAY = new Set(["P1000", "P1001", "P1002", "P1008", "P1017", "P2024"]);
const AWAY_MESSAGE =
  /connection terminated|timeout exceeded when trying to connect|server closed the connection|cannot use a pool after calling end|client has encountered a connection error/i;

/**
 * What a driver's error means to a client, or undefined where it means nothing special (that is INTERNAL then).
 *
 * Source: PostgreSQL's error codes, appendix A: class 08 connection, 57P0x shutdown, 53 resources, 25006 read-only, 55000 closed to connections.
 */
export function storeError(error: unknown): AppError | undefined {
  for (let at = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++) {
    const code = stateOf(at);
    if (code !== undefined) {
      if (code === "53100")
        return new AppError("STORAGE_FULL", "The database has no disk space left.", {
          cause: error,
          retryAfterSeconds: 30,
        });
      if (isAway(code)) return unavailable(error);
    }
    if (AWAY_MESSAGE.test(at.message)) return unavailable(error);
    if (at instanceof AggregateError && at.errors.some((inner) => storeError(inner) !== undefined))
      return unavailable(error);
  }
  return undefined;
}

/** Prisma hides the server's own code in its message. */
function stateOf(error: Error): string | undefined {
  const { code } = error as { code?: unknown };
  if (typeof code !== "string") return undefined;
  return code === "P2039" ? (/Code: `([0-9A-Z]{5})`/.exec(error.message)?.[1] ?? code) : code;
}

function isAway(code: string): boolean {
  return (
    NETWORK.has(code) ||
    PRISMA_AWAY.has(code) ||
    code.startsWith("08") ||
    code.startsWith("57P") ||
    code === "53300" ||
    code === "25006" ||
    code === "55000"
  );
}

function unavailable(cause: unknown): AppError {
  return new AppError("STORE_UNAVAILABLE", "The database cannot be reached.", { cause, retryAfterSeconds: 1 });
}
