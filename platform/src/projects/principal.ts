import type { Role } from "@gantry/sdk/contract";

/** The environment a request is for: everything is looked up by (environment, id). */
export interface EnvironmentRef {
  /** Database id. */
  id: number;
  /** Public id, `env_<id>`. */
  publicId: string;
  slug: string;
  type: "DEVELOPMENT" | "STAGING" | "PREVIEW" | "PRODUCTION";
  projectId: string;
  projectRef: string;
  projectName: string;
}

export const TOKEN_SCOPES = ["full", "trigger", "read", "deploy"] as const;
/** Of keys and of personal access tokens alike. */
export type KeyScope = (typeof TOKEN_SCOPES)[number];
export function isTokenScope(text: string): text is KeyScope {
  return (TOKEN_SCOPES as readonly string[]).includes(text);
}

/** Who asks, and what they may do. */
export type Principal =
  | { kind: "key"; environment: EnvironmentRef; keyId: string; scope: KeyScope }
  /** A public access token: `scopes` like `read:runs:run_x`, `trigger:tasks:x`. */
  | {
      kind: "public";
      environment: EnvironmentRef;
      scopes: string[];
      tokenId: string | undefined;
      oneTimeUse: boolean;
      expiresAt: number;
    }
  /** The SDK inside a run, for the lifetime of one execution. Its writes check the fence. */
  | { kind: "run"; environment: EnvironmentRef; runId: string; executionId: string; fence: string }
  /** A personal access token of the CLI: all projects. One that belongs to a user does no more than the user may. */
  | { kind: "access"; tokenId: string; scopes: string[]; owner?: { userId: string; email: string; role: Role } }
  /** Somebody who signed in: a short-lived token of their session. */
  | {
      kind: "user";
      userId: string;
      email: string;
      role: Role;
      /** Undefined in `gantry dev`, where nobody signs in. */
      sessionId: string | undefined;
      /** Undefined where the token is for what is outside of environments. */
      environment: EnvironmentRef | undefined;
      expiresAt: number;
    };

export type UserPrincipal = Extract<Principal, { kind: "user" }>;
