import type { RunError } from "@gantry/sdk";

/** An error in one line. */
export function failsWith(error: Pick<RunError, "name" | "message"> | undefined): string | undefined {
  if (error === undefined) return undefined;
  const firstLine = error.message.split("\n", 1)[0] ?? "";
  return error.name === undefined || error.name === "" ? firstLine : `${error.name}: ${firstLine}`;
}
