import type { Limits } from "@gantry/sdk/contract";
import { concurrencyLimitName } from "../projects/limits-policy.ts";
import type { EnvironmentRef } from "../projects/principal.ts";

/** How many workers an environment may keep for runs that wait: its own bound, else as many runs as may execute. */
export function maxHeldOf(
  environment: Pick<EnvironmentRef, "type">,
  limits: Pick<Limits, "maxHeld" | "environmentConcurrency" | "devConcurrency">,
): number {
  if (limits.maxHeld >= 0) return limits.maxHeld;
  return limits[concurrencyLimitName(environment.type)];
}
