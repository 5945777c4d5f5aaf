import type { TokenStatus } from "@gantry/sdk/contract";
import type { IconName } from "../../ui/icon.tsx";
import type { Tone } from "../../ui/tone.ts";

export const TOKEN_LOOK: Record<TokenStatus, { text: string; tone: Tone; icon: IconName }> = {
  WAITING: { text: "Waiting", tone: "wait", icon: "hourglass" },
  COMPLETED: { text: "Completed", tone: "success", icon: "check-circle" },
  TIMED_OUT: { text: "Timed out", tone: "warning", icon: "clock" },
};

export const TOKEN_STATUSES = Object.keys(TOKEN_LOOK) as TokenStatus[];

export function asTokenStatus(text: string | undefined): TokenStatus | undefined {
  return TOKEN_STATUSES.find((status) => status === text);
}

/** What a person typed as a completion: JSON, or nothing at all. */
export type TypedData = { ok: true; data: unknown } | { ok: false; problem: string };

export function readTypedData(text: string): TypedData {
  if (text.trim() === "") return { ok: true, data: undefined };
  try {
    return { ok: true, data: JSON.parse(text) };
  } catch (error) {
    return { ok: false, problem: `This is no JSON: ${(error as Error).message}` };
  }
}

/** The output as a value to look at: JSON where it is some, else the text itself. */
export function shownOutput(output: string | undefined, type: string | undefined): unknown {
  if (output === undefined) return undefined;
  if (type === "text/plain") return output;
  try {
    const value: unknown = JSON.parse(output);
    // superjson keeps the plain value beside what it says of types.
    if (type === "application/super+json" && typeof value === "object" && value !== null && "json" in value)
      return value.json;
    return value;
  } catch {
    return output;
  }
}
