import { ApiConnectionError, ApiError, AuthenticationError } from "../client/api-error.ts";
import { CliError, EXIT, type ExitCode } from "./cli-error.ts";
import { type Connection, isAccessToken } from "./connection.ts";
import type { Terminal } from "./terminal.ts";

/** Any error as one that a person can act on. */
export function toCliError(error: unknown, connection: Connection | undefined): CliError {
  if (error instanceof CliError) return error;
  if (error instanceof ApiConnectionError) {
    return new CliError("PLATFORM_UNREACHABLE", `Gantry does not answer at ${connection?.baseUrl ?? "its address"}.`, {
      remedy: "Start it with `gantry dev`, or set GANTRY_API_URL to where it runs.",
      exitCode: EXIT.unreachable,
      cause: error,
    });
  }
  if (error instanceof AuthenticationError && connection !== undefined) {
    return new CliError(error.code, `${connection.baseUrl} does not accept the key from ${connection.source}.`, {
      remedy: isAccessToken(connection.token)
        ? "It may have expired or been revoked: run `gantry login` with another, or set GANTRY_ACCESS_TOKEN."
        : "Set GANTRY_SECRET_KEY to a key of that platform (`gantry dev` prints its own).",
      cause: error,
    });
  }
  if (error instanceof ApiError) {
    const remedy = error.remedy !== undefined && !error.message.includes(error.remedy) ? { remedy: error.remedy } : {};
    const exitCode = error.status !== undefined && error.status >= 500 ? EXIT.unreachable : EXIT.usage;
    return new CliError(error.code, error.message, { ...remedy, exitCode, cause: error });
  }
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return new CliError("UNEXPECTED", `Something went wrong in the CLI itself: ${message}`, {
    remedy: "Please report this, with the command you ran.",
    exitCode: EXIT.failed,
  });
}

/** Prints the error to standard error; returns the exit code. */
export function reportError(error: CliError, terminal: Terminal, json: boolean): ExitCode {
  if (json) {
    terminal.err(JSON.stringify({ error: error.message, code: error.code, remedy: error.remedy }));
  } else {
    const { red, bold, dim } = terminal.colors;
    terminal.err(`${red(bold("error"))} ${error.message} ${dim(`[${error.code}]`)}`);
    if (error.remedy !== undefined) terminal.err(`${dim("→")} ${error.remedy}`);
  }
  return error.exitCode;
}
