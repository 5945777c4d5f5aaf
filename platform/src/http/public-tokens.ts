import { randomUUID } from "node:crypto";
import { createDecoder, createSigner, createVerifier, TokenError } from "fast-jwt";
import type { Clock } from "../clock.ts";
import { AppError } from "../errors.ts";
import type { EnvironmentRef, Principal } from "../projects/principal.ts";
import type { ProjectService } from "../projects/project-service.ts";

/** Trigger.dev's issuer and audience: its clients put them into the tokens that they sign themselves. */
const ISSUER = "https://id.trigger.dev";
const AUDIENCE = "https://api.trigger.dev";
/** Marks tokens that the platform signed, with its own secret. */
const KEY_ID = "gantry";
const MAX_TOKEN_CHARACTERS = 8192;

export const HANDLE_TOKEN_SECONDS = 3600;
export const PUBLIC_TOKEN_SECONDS = 900;
export const MAX_TOKEN_SECONDS = 365 * 86_400;

export interface NewPublicToken {
  scopes: readonly string[];
  expiresInSeconds: number;
  oneTimeUse?: boolean;
}

export interface PublicTokens {
  /** Synchronous, because every trigger's reply carries one. */
  issue(environment: EnvironmentRef, token: NewPublicToken): string;
  /** Errors: UNAUTHORIZED, TOKEN_EXPIRED. */
  verify(token: string): Promise<Extract<Principal, { kind: "public" }>>;
}

interface Claims {
  sub?: unknown;
  pub?: unknown;
  scopes?: unknown;
  otu?: unknown;
  jti?: unknown;
  exp?: unknown;
}

const decode = createDecoder({ complete: true });

/** Whether a bearer token looks like a public one: a JWT whose payload says `pub`. Says nothing of its signature. */
export function looksPublic(token: string): boolean {
  return decodeClaims(token)?.payload.pub === true;
}

function decodeClaims(token: string): { header: { kid?: unknown }; payload: Claims } | undefined {
  if (token.length > MAX_TOKEN_CHARACTERS) return undefined;
  try {
    const decoded = decode(token) as { header: { kid?: unknown }; payload: unknown };
    return typeof decoded.payload === "object" && decoded.payload !== null ? (decoded as never) : undefined;
  } catch {
    return undefined;
  }
}

export function createPublicTokens(deps: {
  secrets: readonly [string | Buffer, ...(string | Buffer)[]];
  clock: Clock;
  projects: Pick<ProjectService, "signingKeys" | "environmentById">;
}): PublicTokens {
  const sign = createSigner({
    key: deps.secrets[0],
    algorithm: "HS256",
    kid: KEY_ID,
    iss: ISSUER,
    aud: AUDIENCE,
    noTimestamp: true,
  });
  const check = (key: string | Buffer, token: string): Claims =>
    createVerifier({
      key,
      algorithms: ["HS256"],
      allowedIss: ISSUER,
      allowedAud: AUDIENCE,
      clockTimestamp: deps.clock.now(),
    })(token);

  async function claimsOf(token: string, keys: readonly (string | Buffer)[]): Promise<Claims> {
    for (const key of keys) {
      try {
        return check(key, token);
      } catch (error) {
        const code = (error as Partial<TokenError>).code;
        if (code === TokenError.codes.invalidSignature) continue;
        if (code === TokenError.codes.expired) throw new AppError("TOKEN_EXPIRED", "The public token has expired.");
        break;
      }
    }
    throw unauthorized();
  }

  return {
    issue(environment, token) {
      const nowSeconds = Math.floor(deps.clock.now() / 1000);
      return sign({
        sub: environment.publicId,
        pub: true,
        scopes: token.scopes,
        iat: nowSeconds,
        exp: nowSeconds + token.expiresInSeconds,
        ...(token.oneTimeUse === true ? { otu: true, jti: randomUUID() } : {}),
      });
    },

    async verify(token) {
      const decoded = decodeClaims(token);
      const environmentId = /^env_(\d{1,9})$/.exec(String(decoded?.payload.sub))?.[1];
      if (decoded === undefined || environmentId === undefined) throw unauthorized();
      const keys =
        decoded.header.kid === KEY_ID ? deps.secrets : await deps.projects.signingKeys(Number(environmentId));
      const claims = await claimsOf(token, keys);
      const environment = await deps.projects.environmentById(Number(environmentId));
      if (environment === undefined || claims.pub !== true || typeof claims.exp !== "number") throw unauthorized();
      return {
        kind: "public",
        environment,
        scopes: Array.isArray(claims.scopes) ? claims.scopes.filter((scope) => typeof scope === "string") : [],
        // A client's own one-time token has no id of its own: its signature is as unique.
        tokenId: typeof claims.jti === "string" ? claims.jti.slice(0, 100) : token.slice(token.lastIndexOf(".") + 1),
        oneTimeUse: claims.otu === true,
        expiresAt: claims.exp * 1000,
      };
    },
  };
}

function unauthorized(): AppError {
  return new AppError("UNAUTHORIZED", "The public token is not valid for any environment of this platform.");
}
