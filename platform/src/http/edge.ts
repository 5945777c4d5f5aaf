import { randomBytes } from "node:crypto";
import { MACHINE_PRESETS } from "@gantry/sdk/contract";
import { type Browser, createBrowser } from "./browser.ts";
import { type CallbackUrls, createCallbackUrls } from "./callback-urls.ts";
import type { HttpDeps } from "./deps.ts";
import { createHttpMetrics, type HttpMetrics } from "./http-metrics.ts";
import { LimitsCache } from "./limits-cache.ts";
import { createPublicTokens, type PublicTokens } from "./public-tokens.ts";
import { RateLimiter } from "./rate-limiter.ts";
import { RecentRequests } from "./recent-requests.ts";
import { createSignOnCookie, type SignOnCookie } from "./sign-on-cookie.ts";
import { createSignedUrls, type SignedUrls } from "./signed-urls.ts";

/** What the routes share: the ports, and what the edge makes of them once. */
export interface Edge {
  deps: HttpDeps;
  browser: Browser;
  signOnCookie: SignOnCookie;
  tokens: PublicTokens;
  urls: SignedUrls;
  callbacks: CallbackUrls;
  limits: LimitsCache;
  rateLimiter: RateLimiter;
  metrics: HttpMetrics;
  recentTriggers: RecentRequests;
  machines: ReadonlySet<string>;
  nextRequestId(): string;
}

export function createEdge(deps: HttpDeps): Edge {
  const boot = randomBytes(4).toString("hex");
  let requests = 0;
  const limits = new LimitsCache(deps.projects, deps.clock);
  deps.onChange?.((environmentId) => limits.forget(environmentId));
  const { tokenSecrets: secrets, publicUrl } = deps.config;
  return {
    deps,
    browser: createBrowser({
      accounts: deps.accounts,
      secret: secrets[0],
      publicUrl,
      proxyHops: deps.config.proxyHops ?? 0,
      sessionMaxMs: deps.config.sessionMaxMs ?? 30 * 86_400_000,
    }),
    signOnCookie: createSignOnCookie({
      secrets,
      clock: deps.clock,
      isSecure: publicUrl?.startsWith("https:") === true,
    }),
    tokens: createPublicTokens({ secrets, clock: deps.clock, projects: deps.projects }),
    urls: createSignedUrls({ secrets, clock: deps.clock, publicUrl }),
    callbacks: createCallbackUrls({ secrets, publicUrl }),
    limits,
    rateLimiter: new RateLimiter(),
    metrics: createHttpMetrics(deps.metrics),
    recentTriggers: new RecentRequests(deps.clock),
    machines: new Set([...Object.keys(MACHINE_PRESETS), ...(deps.config.extraMachines ?? [])]),
    nextRequestId: () => `${boot}-${(requests++).toString(36)}`,
  };
}
