import { DEFAULT_LIMITS } from "@gantry/sdk/contract";
import { AppError } from "../errors.ts";
import type { Identity } from "./authenticate.ts";
import type { Edge } from "./edge.ts";

/** Runs and dev environments are their owner's own load: they get so many times a key's rate. */
const TRUSTED_RATE = 400;

/** Takes one of what a credential may ask over sockets; counted apart from its requests. Errors: RATE_LIMITED. */
export async function takeSocketRate(edge: Edge, { bucket, principal, environment }: Identity): Promise<void> {
  const limits = environment === undefined ? DEFAULT_LIMITS : await edge.limits.get(environment);
  const factor = principal.kind === "run" || environment?.type === "DEVELOPMENT" ? TRUSTED_RATE : 1;
  const rate = { burst: limits.apiBurst * factor, refillPerSecond: limits.apiRefillPerSecond * factor };
  const { allowed, retryAfterMs } = edge.rateLimiter.take(`socket:${bucket}`, rate, edge.deps.clock.now());
  if (allowed) return;
  edge.metrics.refused("rate");
  throw new AppError(
    "RATE_LIMITED",
    `This credential has used up its rate of ${rate.burst} at once and ${rate.refillPerSecond} a second over sockets.`,
    { details: { limit: "apiBurst", ...rate }, retryAfterSeconds: Math.max(1, retryAfterMs / 1000) },
  );
}
