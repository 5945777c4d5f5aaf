import type { Limits, Role } from "@gantry/sdk/contract";
import type { EnvironmentRef, KeyScope } from "./principal.ts";

export interface ApiKeyInfo {
  id: string;
  scope: KeyScope;
  /** Last four characters, for display. */
  hint: string;
  createdAt: Date;
  expiresAt: Date | undefined;
}

export interface AccessTokenInfo {
  id: string;
  name: string;
  /** Of KeyScope; none means all. */
  scopes: string[];
  /** Last four characters, for display. */
  hint: string;
  createdAt: Date;
  expiresAt: Date | undefined;
  /** Undefined where the operator made it. */
  owner?: { userId: string; email: string } | undefined;
}

/** Whose a personal access token is; their role, as it is now. */
export interface TokenOwner {
  userId: string;
  email: string;
  role: Role;
}

export interface NewProject {
  ref: string;
  name: string;
  environments: { slug: string; type: EnvironmentRef["type"] }[];
}

/** Projects, environments and their keys. */
export interface ProjectService {
  /** Makes what is missing, changes nothing that is there. `keys` pins an environment's key (the stable dev key). */
  ensureProject(project: NewProject): Promise<EnvironmentRef[]>;
  environment(projectRef: string, slug: string): Promise<EnvironmentRef | undefined>;
  environmentById(id: number): Promise<EnvironmentRef | undefined>;
  environments(): Promise<EnvironmentRef[]>;
  limits(environment: EnvironmentRef): Promise<Limits>;
  setLimits(environment: EnvironmentRef, limits: Partial<Limits>): Promise<void>;
  /** The raw key is returned once and never again. `secret` pins the 24 characters (dev key). */
  createKey(environment: EnvironmentRef, scope: KeyScope, secret?: string): Promise<{ key: string; info: ApiKeyInfo }>;
  listKeys(environment: EnvironmentRef): Promise<ApiKeyInfo[]>;
  revokeKey(environment: EnvironmentRef, keyId: string, graceMs: number): Promise<void>;
  /** Looks a key up by its hash (`gt_<env>_sk_…`, or the alias `tr_<env>_sk_…`); cached; undefined where it is unknown, expired or revoked. */
  authenticateKey(key: string): Promise<{ environment: EnvironmentRef; keyId: string; scope: KeyScope } | undefined>;
  /** A personal access token of the CLI (`gt_pat_…`), by its hash; cached; undefined where it is unknown, expired or revoked. */
  authenticateAccessToken(
    token: string,
  ): Promise<{ tokenId: string; scopes: string[]; owner?: TokenOwner } | undefined>;
  /** Makes a personal access token; it is returned once and never again. No scopes means all. `userId`: whose it is. */
  createAccessToken(
    name: string,
    scopes: string[],
    expiresAt?: Date,
    userId?: string,
  ): Promise<{ token: string; tokenId: string }>;
  /** Those that work now, oldest first; of one user, or all. */
  listAccessTokens(userId?: string): Promise<AccessTokenInfo[]>;
  /** False where there is none of this id that works (of this user's). Another replica accepts it for three seconds more. */
  revokeAccessToken(tokenId: string, userId?: string): Promise<boolean>;
  /** Somebody's role changed, or they were disabled: whose a token is is asked again. */
  forgetAccessTokens(): void;
  /** Marks a one-time token as used: true for the first caller of all replicas, false for every later one. Forgotten after `expiresAt` (ms). */
  spendToken(tokenId: string, expiresAt: number): Promise<boolean>;
  /**
   * The raw keys of an environment that work now, to verify tokens that a client signed with its key; cached. Only keys of
   * scope `full`: a limited key must not be able to sign itself a wider token.
   */
  signingKeys(environmentId: number): Promise<string[]>;
  /** Another replica changed the environment's limits or keys: what is remembered of them is asked again. */
  forget(environmentId: number): void;
  pause(environment: EnvironmentRef, paused: boolean): Promise<void>;
}
