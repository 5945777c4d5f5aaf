import type { Role } from "@gantry/sdk/contract";
import type { Session, SignInMethod } from "../../accounts/session.ts";
import type { User } from "../../accounts/user.ts";
import { encodeId } from "../../ids.ts";

export const USER_COLUMNS = `u.id as user_id, u.email, u.name, u.role, u.password_hash, u.oidc_issuer, u.oidc_subject,
  u.created_at as user_created_at, u.last_sign_in_at, u.disabled_at`;
export const SESSION_COLUMNS = `s.id as session_id, s.user_id, s.method, s.address, s.user_agent, s.created_at, s.last_seen_at,
  s.expires_at, s.revoked_at`;

export interface UserRow {
  user_id: string;
  email: string;
  name: string;
  role: Role;
  password_hash: string | null;
  oidc_issuer: string | null;
  oidc_subject: string | null;
  user_created_at: Date;
  last_sign_in_at: Date | null;
  disabled_at: Date | null;
}

export interface SessionRow {
  session_id: string;
  user_id: string;
  method: SignInMethod;
  address: string | null;
  user_agent: string | null;
  created_at: Date;
  last_seen_at: Date;
  expires_at: Date;
  revoked_at: Date | null;
}

export function toUser(row: UserRow): User {
  const { oidc_issuer: issuer, oidc_subject: subject } = row;
  return {
    id: encodeId("user", row.user_id),
    email: row.email,
    name: row.name,
    role: row.role,
    passwordHash: row.password_hash ?? undefined,
    subject: issuer === null || subject === null ? undefined : { issuer, subject },
    createdAt: row.user_created_at,
    lastSignInAt: row.last_sign_in_at ?? undefined,
    disabledAt: row.disabled_at ?? undefined,
  };
}

export function toSession(row: SessionRow): Session {
  return {
    id: encodeId("session", row.session_id),
    userId: encodeId("user", row.user_id),
    method: row.method,
    address: row.address ?? undefined,
    userAgent: row.user_agent ?? undefined,
    createdAt: row.created_at,
    lastSeenAt: row.last_seen_at,
    expiresAt: row.expires_at,
    revokedAt: row.revoked_at ?? undefined,
  };
}
