import type { User } from "./user.ts";

export type SignInMethod = "password" | "sso" | "setup" | "invitation";

export interface Session {
  /** session_… */
  id: string;
  userId: string;
  method: SignInMethod;
  address: string | undefined;
  userAgent: string | undefined;
  createdAt: Date;
  /** To the minute. */
  lastSeenAt: Date;
  /** The end, however busy it is. */
  expiresAt: Date;
  revokedAt: Date | undefined;
}

/** Whence a request came, as far as it can be told. */
export interface Origin {
  address: string | undefined;
  userAgent: string | undefined;
}

export interface SessionStore {
  create(
    session: { userId: string; method: SignInMethod; tokenHash: Buffer; createdAt: Date; expiresAt: Date } & Origin,
  ): Promise<Session>;
  /** Also those that are over: who asks decides by session-policy.ts. */
  byTokenHash(tokenHash: Buffer): Promise<{ session: Session; user: User } | undefined>;
  byId(sessionId: string): Promise<{ session: Session; user: User } | undefined>;
  /** Those that were neither revoked nor have reached their end, the last seen first. */
  list(userId: string): Promise<Session[]>;
  seen(sessionId: string, at: Date): Promise<void>;
  /** Ends this one, or all but one, or all of the user's; answers with the ids of those that it ended. */
  revoke(userId: string, which: { only?: string; except?: string }, at: Date): Promise<string[]>;
}
