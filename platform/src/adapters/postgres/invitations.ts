import type pg from "pg";
import type { InvitationStore } from "../../accounts/invitations.ts";
import { decodeId, encodeId } from "../../ids.ts";

interface InvitationRow {
  user_id: string;
  expires_at: Date;
}

export function createInvitationStore(pool: pg.Pool): InvitationStore {
  return {
    async put(userId, tokenHash, expiresAt) {
      await pool.query(
        `insert into user_invitation (user_id, token_hash, expires_at) values ($1, $2, $3)
         on conflict (user_id) do update set token_hash = excluded.token_hash, expires_at = excluded.expires_at,
           created_at = now()`,
        [decodeId("user", userId), tokenHash, expiresAt],
      );
    },
    async find(tokenHash) {
      const { rows } = await pool.query<InvitationRow>(
        "select user_id, expires_at from user_invitation where token_hash = $1 and expires_at > now()",
        [tokenHash],
      );
      return rows[0] && { userId: encodeId("user", rows[0].user_id), expiresAt: rows[0].expires_at };
    },
    async take(tokenHash) {
      const { rows } = await pool.query<InvitationRow>(
        "delete from user_invitation where token_hash = $1 and expires_at > now() returning user_id, expires_at",
        [tokenHash],
      );
      return rows[0] && { userId: encodeId("user", rows[0].user_id) };
    },
  };
}
