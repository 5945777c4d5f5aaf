import type { Session } from "./session.ts";
import type { User } from "./user.ts";

export interface SessionTimes {
  /** A session nobody used for so long is over; milliseconds. */
  idleMs: number;
  /** And one this old, however busy; milliseconds. */
  maxMs: number;
}

/** REVOKED: by its user, an admin or a change of password. EXPIRED: it reached its end. IDLE: nobody used it. DISABLED: its user may not. */
export type SessionDecision = { live: true } | { live: false; reason: "REVOKED" | "EXPIRED" | "IDLE" | "DISABLED" };

export function decideSession(
  session: Pick<Session, "revokedAt" | "expiresAt" | "lastSeenAt">,
  user: Pick<User, "disabledAt">,
  { idleMs }: Pick<SessionTimes, "idleMs">,
  nowMs: number,
): SessionDecision {
  if (session.revokedAt !== undefined) return { live: false, reason: "REVOKED" };
  if (user.disabledAt !== undefined) return { live: false, reason: "DISABLED" };
  if (session.expiresAt.getTime() <= nowMs) return { live: false, reason: "EXPIRED" };
  if (session.lastSeenAt.getTime() + idleMs <= nowMs) return { live: false, reason: "IDLE" };
  return { live: true };
}
