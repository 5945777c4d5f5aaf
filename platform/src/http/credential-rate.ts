import { DEFAULT_LIMITS, type Limits } from "@gantry/sdk/contract";
import { AppError } from "../errors.ts";
import type { Identity } from "./authenticate.ts";
import type { Edge } from "./edge.ts";
import type { Rate } from "./rate-limiter.ts";

/** Runs and dev environments are their owner's own load: they get so many times a key's rate. */
const TRUSTED_RATE = 400;

/** How often a credential may ask. */
export function rateOf({ principal, environment }: Identity, limits: Limits): Rate {
  const factor = principal.kind === "run" || environment?.type === "DEVELOPMENT" ? TRUSTED_RATE : 1;
  return { burst: limits.apiBurst * factor, refillPerSecond: limits.apiRefillPerSecond * factor };
}

/** Takes one of what a credential may ask over sockets; counted apart from its requests. Errors: RATE_LIMITED. */
export async function takeSocketRate(edge: Edge, identity: Identity): Promise<void> {
  const { bucket, environment } = identity;
  const limits = environment === undefined ? DEFAULT_LIMITS : await edge.limits.get(environment);
  const rate = rateOf(identity, limits);
  const { allowed, retryAfterMs } = edge.rateLimiter.take(`socket:${bucket}`, rate, edge.deps.clock.now());
  if (allowed) return;
  edge.metrics.refused("rate");
  throw new AppError(
    "RATE_LIMITED",
    `This credential has used up its rate of ${rate.burst} at once and ${rate.refillPerSecond} a second over sockets.`,
    { details: { limit: "apiBurst", ...rate }, retryAfterSeconds: Math.max(1, retryAfterMs / 1000) },
  );
}
