import type { WireError } from "@gantry/sdk/contract";

/** What a run gets that waits for a token which timed out. The name is Trigger.dev's. */
export function timeoutError(at: Date): WireError {
  return {
    name: "WaitpointTimeoutError",
    message: `The token timed out at ${at.toISOString()}.`,
    code: "WAITPOINT_TIMEOUT",
  };
}
