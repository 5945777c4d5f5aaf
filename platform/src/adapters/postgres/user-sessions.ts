import type pg from "pg";
import type { Session, SessionStore } from "../../accounts/session.ts";
import { decodeId, encodeId, newUuid } from "../../ids.ts";
import { SESSION_COLUMNS, type SessionRow, toSession, toUser, USER_COLUMNS, type UserRow } from "./account-rows.ts";
import { storableText } from "./storable-text.ts";

export function createSessionStore(pool: pg.Pool): SessionStore {
  const find = async (condition: string, value: unknown) => {
    const { rows } = await pool.query<SessionRow & UserRow>(
      `select ${SESSION_COLUMNS}, ${USER_COLUMNS} from user_session s join gantry_user u on u.id = s.user_id where ${condition}`,
      [value],
    );
    return rows[0] && { session: toSession(rows[0]), user: toUser(rows[0]) };
  };
  return {
    async create({ userId, method, tokenHash, address, userAgent, createdAt, expiresAt }): Promise<Session> {
      const { rows } = await pool.query<SessionRow>(
        `insert into user_session as s
           (id, user_id, method, token_hash, address, user_agent, created_at, last_seen_at, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7, $7, $8) returning ${SESSION_COLUMNS}`,
        [
          newUuid(),
          decodeId("user", userId),
          method,
          tokenHash,
          address,
          userAgent && storableText(userAgent),
          createdAt,
          expiresAt,
        ],
      );
      return toSession(rows[0] as SessionRow);
    },

    byTokenHash: (tokenHash) => find("s.token_hash = $1", tokenHash),

    async byId(sessionId) {
      const uuid = decodeId("session", sessionId);
      return uuid === undefined ? undefined : find("s.id = $1", uuid);
    },

    async list(userId) {
      const { rows } = await pool.query<SessionRow>(
        `select ${SESSION_COLUMNS} from user_session s
         where s.user_id = $1 and s.revoked_at is null and s.expires_at > now() order by s.last_seen_at desc limit 200`,
        [decodeId("user", userId)],
      );
      return rows.map(toSession);
    },

    async seen(sessionId, at) {
      await pool.query("update user_session set last_seen_at = greatest(last_seen_at, $2) where id = $1", [
        decodeId("session", sessionId),
        at,
      ]);
    },

    async revoke(userId, { only, except }, at) {
      const id = only === undefined ? undefined : decodeId("session", only);
      if (only !== undefined && id === undefined) return [];
      const { rows } = await pool.query<{ id: string }>(
        `update user_session set revoked_at = $2
         where user_id = $1 and revoked_at is null and ($3::uuid is null or id = $3) and ($4::uuid is null or id <> $4)
         returning id`,
        [decodeId("user", userId), at, id, except === undefined ? undefined : decodeId("session", except)],
      );
      return rows.map((row) => encodeId("session", row.id));
    },
  };
}
