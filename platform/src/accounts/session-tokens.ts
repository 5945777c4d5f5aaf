import { createSigner, createVerifier, TokenError } from "fast-jwt";
import type { Clock } from "../clock.ts";
import { AppError } from "../errors.ts";
import type { EnvironmentRef, UserPrincipal } from "../projects/principal.ts";
import type { ProjectService } from "../projects/project-service.ts";
import type { SessionService, SignedIn } from "./sessions.ts";

/** What tells these tokens from all others. */
const PREFIX = "gt_usr_";
const AUDIENCE = "gantry:session";
const MAX_CHARACTERS = 2_048;
export const SESSION_TOKEN_MS = 5 * 60_000;
/** Who asks a platform of `gantry dev` on its own machine. */
export const LOCAL_USER = { userId: "local", email: "local@gantry.invalid", role: "admin" } as const;

export interface SessionTokens {
  /** For whoever is signed in, or (undefined) for the one who sits at this machine. */
  issue(of: SignedIn | undefined, environment: EnvironmentRef | undefined): { token: string; expiresAt: Date };
  /** Asked again for each request: the token ends with its session. Errors: UNAUTHORIZED, TOKEN_EXPIRED. */
  verify(token: string): Promise<UserPrincipal>;
}

interface Claims {
  sub?: unknown;
  sid?: unknown;
  env?: unknown;
  exp?: unknown;
}

export function isSessionToken(token: string): boolean {
  return token.startsWith(PREFIX);
}

export function createSessionTokens(deps: {
  secrets: readonly [string | Buffer, ...(string | Buffer)[]];
  clock: Clock;
  sessions: Pick<SessionService, "byId">;
  projects: Pick<ProjectService, "environmentById">;
  /** Whether tokens without a session are made and accepted: a platform of `gantry dev`. */
  isLocal: boolean;
}): SessionTokens {
  const { clock, sessions, projects, secrets } = deps;
  const sign = createSigner({ key: secrets[0], algorithm: "HS256", aud: AUDIENCE, noTimestamp: true });

  function claimsOf(token: string): Claims {
    if (token.length > MAX_CHARACTERS) throw unauthorized();
    for (const key of secrets) {
      try {
        const options = { key, algorithms: ["HS256" as const], allowedAud: AUDIENCE, clockTimestamp: clock.now() };
        return createVerifier(options)(token.slice(PREFIX.length)) as Claims;
      } catch (error) {
        if ((error as Partial<TokenError>).code === TokenError.codes.expired)
          throw new AppError("TOKEN_EXPIRED", "The session's token has expired.");
      }
    }
    throw unauthorized();
  }

  return {
    issue(of, environment) {
      const end = Math.min(clock.now() + SESSION_TOKEN_MS, of?.session.expiresAt.getTime() ?? Number.POSITIVE_INFINITY);
      const exp = Math.floor(end / 1000);
      const claims = { sub: of?.user.id ?? LOCAL_USER.userId, sid: of?.session.id, env: environment?.id, exp };
      return { token: PREFIX + sign(claims), expiresAt: new Date(exp * 1000) };
    },

    async verify(token) {
      const { sub, sid, env, exp } = claimsOf(token);
      const who = typeof sid === "string" ? await ofSession(sid, sub) : local(sub);
      const environment = typeof env === "number" ? await projects.environmentById(env) : undefined;
      if (who === undefined || typeof exp !== "number" || (env !== undefined && environment === undefined))
        throw unauthorized();
      return { kind: "user", ...who, environment, expiresAt: exp * 1000 };
    },
  };

  async function ofSession(sessionId: string, userId: unknown) {
    const found = await sessions.byId(sessionId);
    if (found === undefined || found.user.id !== userId) return undefined;
    const { id, email, role } = found.user;
    return { userId: id, email, role, sessionId };
  }

  function local(userId: unknown) {
    return deps.isLocal && userId === LOCAL_USER.userId ? { ...LOCAL_USER, sessionId: undefined } : undefined;
  }
}

function unauthorized(): AppError {
  return new AppError("UNAUTHORIZED", "The session has ended, or the token is not one of this platform.");
}
