import { DEFAULT_LIMITS, type Limits } from "@gantry/sdk/contract";
import { AppError } from "../errors.ts";
import type { EnvironmentRef } from "./principal.ts";

/** Which limit says how many runs may execute at once in an environment of this type. */
export function concurrencyLimitName(type: EnvironmentRef["type"]): "devConcurrency" | "environmentConcurrency" {
  return type === "DEVELOPMENT" ? "devConcurrency" : "environmentConcurrency";
}

/** The defaults with an environment's own values over them; `concurrency` is the one that admission reads. */
export function effectiveLimits(overrides: Partial<Limits>, type: EnvironmentRef["type"], concurrency: number): Limits {
  return { ...DEFAULT_LIMITS, ...overrides, [concurrencyLimitName(type)]: concurrency };
}

/** Errors: VALIDATION_FAILED where a name is no limit, or a value no whole number from 0. */
export function refuseBadLimits(limits: Partial<Limits>): void {
  for (const [name, value] of Object.entries(limits)) {
    if (!(name in DEFAULT_LIMITS))
      throw new AppError("VALIDATION_FAILED", `${name} is not a limit.`, { details: { limit: name } });
    // Where -1 is the default, the limit follows another.
    const least = Math.min(0, DEFAULT_LIMITS[name as keyof Limits]);
    if (!Number.isSafeInteger(value) || value < least) {
      throw new AppError("VALIDATION_FAILED", `The limit ${name} must be a whole number from ${least}.`, {
        details: { limit: name, value },
      });
    }
  }
}
