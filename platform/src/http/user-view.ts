import type { AuditEntryReply, SignedInSession, UserReply } from "@gantry/sdk/contract";
import type { StoredAuditEntry } from "../accounts/audit-log.ts";
import type { Session } from "../accounts/session.ts";
import type { User } from "../accounts/user.ts";

/** Never the password's hash. */
export function userView(user: User): UserReply {
  return {
    id: user.id,
    email: user.email,
    name: user.name,
    role: user.role,
    hasPassword: user.passwordHash !== undefined,
    hasSingleSignOn: user.subject !== undefined,
    createdAt: user.createdAt.toISOString(),
    lastSignInAt: user.lastSignInAt?.toISOString() ?? null,
    disabledAt: user.disabledAt?.toISOString() ?? null,
  };
}

export function sessionView(session: Session, currentId: string): SignedInSession {
  return {
    id: session.id,
    isCurrent: session.id === currentId,
    method: session.method,
    address: session.address ?? null,
    userAgent: session.userAgent ?? null,
    createdAt: session.createdAt.toISOString(),
    lastSeenAt: session.lastSeenAt.toISOString(),
    expiresAt: session.expiresAt.toISOString(),
  };
}

export function auditView(entry: StoredAuditEntry): AuditEntryReply {
  const { id, at, actor, action, target, environment, outcome, address, requestId, details } = entry;
  return {
    id,
    at: at.toISOString(),
    actor: { kind: actor.kind, id: actor.id ?? null, name: actor.name ?? null },
    action,
    target: target ?? null,
    environment: environment ?? null,
    outcome,
    address: address ?? null,
    requestId: requestId ?? null,
    details,
  };
}
