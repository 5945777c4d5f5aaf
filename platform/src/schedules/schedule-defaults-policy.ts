import { type CatchUp, DEFAULT_CATCH_UP_MS, type Overlap, type ScheduleDeclaration } from "@gantry/sdk/contract";
import type { EnvironmentRef } from "../projects/principal.ts";
import type { ScheduleTiming } from "./schedule.ts";

/** What was asked for; what is left out has a default. */
export interface WantedTiming {
  cron: string;
  timezone?: string | undefined;
  overlap?: Overlap | undefined;
  catchUp?: { policy: CatchUp; windowMs?: number | undefined } | undefined;
  jitter?: string | undefined;
}

/**
 * Runs may overlap, and the last missed one of a day is made up for; but nobody wants the mornings' jobs of a laptop to
 * start when it is opened at noon.
 */
export function timingOf(wanted: WantedTiming, environment: Pick<EnvironmentRef, "type">): ScheduleTiming {
  return {
    cron: wanted.cron.trim(),
    timezone: wanted.timezone ?? "UTC",
    overlap: wanted.overlap ?? "allow",
    catchUp: wanted.catchUp?.policy ?? (environment.type === "DEVELOPMENT" ? "none" : "last"),
    catchUpWindowMs: wanted.catchUp?.windowMs ?? DEFAULT_CATCH_UP_MS,
    jitter: wanted.jitter,
  };
}

/** Whether a declared schedule is meant for environments of this kind. */
export function isMeantFor({ environments }: ScheduleDeclaration, { type }: Pick<EnvironmentRef, "type">): boolean {
  return environments === undefined || environments.includes(type);
}
