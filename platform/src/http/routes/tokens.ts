import { jwtBodySchema, jwtClaimsReplySchema, publicTokenBodySchema, tokenReplySchema } from "@gantry/sdk/contract";
import { z } from "zod";
import { AppError } from "../../errors.ts";
import type { Principal } from "../../projects/principal.ts";
import { mayGrantScope } from "../access-policy.ts";
import type { Identity } from "../authenticate.ts";
import { parseDurationMs } from "../duration.ts";
import type { Edge } from "../edge.ts";
import { MAX_TOKEN_SECONDS, PUBLIC_TOKEN_SECONDS } from "../public-tokens.ts";
import { type Route, route, SMALL_BODY } from "../route.ts";

export function tokenRoutes(edge: Edge): Route[] {
  const { clock } = edge.deps;
  return [
    route({
      method: "post",
      path: "/api/v1/auth/public-tokens",
      tag: "tokens",
      summary: "Make a public access token; it can do no more than the credential that asks",
      access: { by: "identity" },
      body: { schema: publicTokenBodySchema, limit: SMALL_BODY },
      reply: tokenReplySchema,
      handle({ body, identity, environment }) {
        refuseScopes(identity, body.scopes);
        const expiresInSeconds = toSeconds(body.expirationTime, clock.now());
        const oneTimeUse = body.oneTimeUse === true;
        return {
          token: edge.tokens.issue(environment, { scopes: body.scopes, expiresInSeconds, oneTimeUse }),
          environmentId: environment.publicId,
        };
      },
    }),
    route({
      method: "post",
      path: "/api/v1/auth/jwt",
      tag: "tokens",
      summary: "Make a public access token (older path)",
      access: { by: "identity" },
      body: { schema: jwtBodySchema, limit: SMALL_BODY },
      reply: tokenReplySchema,
      handle({ body, identity, environment }) {
        const scopes = body.claims?.scopes ?? [];
        refuseScopes(identity, scopes);
        return {
          token: edge.tokens.issue(environment, {
            scopes,
            expiresInSeconds: toSeconds(body.expirationTime, clock.now()),
          }),
          environmentId: environment.publicId,
        };
      },
    }),
    route({
      method: "post",
      path: "/api/v1/auth/jwt/claims",
      tag: "tokens",
      summary: "What a client that signs a token with its own key must put into it",
      access: { by: "identity" },
      body: { schema: z.unknown(), limit: SMALL_BODY },
      reply: jwtClaimsReplySchema,
      handle({ environment, identity }) {
        refuseDeployOnly(identity.principal);
        return { sub: environment.publicId, pub: true };
      },
    }),
  ];
}

/** A token for deploys is kept where others build: it is good for that and nothing else. */
function refuseDeployOnly(principal: Principal): void {
  const scopes = principal.kind === "key" ? [principal.scope] : principal.kind === "access" ? principal.scopes : [];
  if (scopes.length === 0 || scopes.some((scope) => scope !== "deploy")) return;
  throw new AppError("FORBIDDEN", "A credential of scope deploy makes no other tokens.");
}

function refuseScopes({ principal }: Identity, scopes: readonly string[]): void {
  if (principal.kind === "public") throw new AppError("FORBIDDEN", "A public token cannot make other tokens.");
  refuseDeployOnly(principal);
  const refused = scopes.find((scope) => !mayGrantScope(principal, scope));
  if (refused === undefined) return;
  throw new AppError("FORBIDDEN", `The scope "${refused}" is unknown, or more than this credential has itself.`, {
    details: { scope: refused },
  });
}

/** Seconds from now. A number is an instant in seconds, as in a JWT's `exp`. Errors: VALIDATION_FAILED. */
function toSeconds(expiration: number | string | undefined, nowMs: number): number {
  if (expiration === undefined) return PUBLIC_TOKEN_SECONDS;
  const seconds = typeof expiration === "number" ? Math.floor(expiration - nowMs / 1000) : wordsToSeconds(expiration);
  if (seconds !== undefined && seconds > 0 && seconds <= MAX_TOKEN_SECONDS) return seconds;
  throw new AppError("VALIDATION_FAILED", `expirationTime: "${expiration}" is not within the coming year.`, {
    details: { issues: [{ path: "expirationTime", message: "is not within the coming year" }] },
  });
}

const WORDS: Record<string, string> = {
  second: "s",
  sec: "s",
  minute: "m",
  min: "m",
  hour: "h",
  hr: "h",
  day: "d",
  week: "w",
};

/** "15m" and also "15 minutes", as the library that Trigger.dev's clients use would read it. */
function wordsToSeconds(text: string): number | undefined {
  const [, count, word] = /^(\d+) ?([a-z]+?)s?$/i.exec(text.trim()) ?? [];
  const unit = word === undefined ? undefined : WORDS[word.toLowerCase()];
  const ms = parseDurationMs(unit === undefined ? text.trim().replace(" ", "") : `${count}${unit}`);
  return ms === undefined ? undefined : ms / 1000;
}
