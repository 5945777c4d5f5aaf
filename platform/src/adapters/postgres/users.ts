import type pg from "pg";
import type { NewUser, User, UserChange, UserStore } from "../../accounts/user.ts";
import { decodeId, newUuid } from "../../ids.ts";
import { toUser, USER_COLUMNS, type UserRow } from "./account-rows.ts";
import { storableText } from "./storable-text.ts";
import { inTransaction } from "./transaction.ts";

/** Held by whoever makes the first user or changes who is an admin: such changes come one after another. */
const USERS_LOCK = 7_236_540_011;

export function createUserStore(pool: pg.Pool): UserStore {
  const find = async (condition: string, values: unknown[]) => {
    const { rows } = await pool.query<UserRow>(`select ${USER_COLUMNS} from gantry_user u where ${condition}`, values);
    return rows[0] && toUser(rows[0]);
  };
  return {
    async isAny() {
      const { rows } = await pool.query<{ any: boolean }>("select exists (select 1 from gantry_user) as any");
      return rows[0]?.any === true;
    },

    create: (user, { first } = { first: false }) =>
      inTransaction(pool, async (client) => {
        await client.query("select pg_advisory_xact_lock($1)", [USERS_LOCK]);
        if (first && (await client.query("select 1 from gantry_user limit 1")).rowCount !== 0) return "notFirst";
        return (await insert(client, user)) ?? "exists";
      }),

    async byId(id) {
      const uuid = decodeId("user", id);
      return uuid === undefined ? undefined : find("u.id = $1", [uuid]);
    },
    byEmail: (email) => find("u.email = $1", [storableText(email).toLowerCase()]),
    bySubject: (issuer, subject) => find("u.oidc_issuer = $1 and u.oidc_subject = $2", [issuer, storableText(subject)]),

    async list() {
      const { rows } = await pool.query<UserRow>(`select ${USER_COLUMNS} from gantry_user u order by u.email`);
      return rows.map(toUser);
    },

    update: (id, change) =>
      inTransaction(pool, async (client) => {
        const uuid = decodeId("user", id);
        if (uuid === undefined) return undefined;
        await client.query("select pg_advisory_xact_lock($1)", [USERS_LOCK]);
        if (takesAdmin(change) && (await isLastAdmin(client, uuid))) return "lastAdmin";
        return write(client, uuid, change);
      }),

    async signedIn(id) {
      await pool.query("update gantry_user set last_sign_in_at = now() where id = $1", [decodeId("user", id)]);
    },
  };
}

async function insert(client: pg.PoolClient, user: NewUser): Promise<User | undefined> {
  const { rows } = await client.query<UserRow>(
    `insert into gantry_user as u (id, email, name, role, password_hash, oidc_issuer, oidc_subject)
     values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing returning ${USER_COLUMNS}`,
    [
      newUuid(),
      storableText(user.email).toLowerCase(),
      storableText(user.name),
      user.role,
      user.passwordHash,
      user.subject?.issuer,
      user.subject && storableText(user.subject.subject),
    ],
  );
  return rows[0] && toUser(rows[0]);
}

async function write(client: pg.PoolClient, uuid: string, change: UserChange): Promise<User | undefined> {
  const { rows } = await client.query<UserRow>(
    `update gantry_user u set name = coalesce($2, u.name), role = coalesce($3::user_role, u.role),
       disabled_at = case when $4::boolean is null then u.disabled_at when $4 then coalesce(u.disabled_at, now()) end,
       password_hash = coalesce($5, u.password_hash),
       oidc_issuer = coalesce($6, u.oidc_issuer), oidc_subject = coalesce($7, u.oidc_subject)
     where u.id = $1 returning ${USER_COLUMNS}`,
    [
      uuid,
      change.name && storableText(change.name),
      change.role,
      change.isDisabled,
      change.passwordHash,
      change.subject?.issuer,
      change.subject && storableText(change.subject.subject),
    ],
  );
  return rows[0] && toUser(rows[0]);
}

function takesAdmin({ role, isDisabled }: UserChange): boolean {
  return isDisabled === true || (role !== undefined && role !== "admin");
}

/** One who was invited, and never came, is no admin who could help. */
async function isLastAdmin(client: pg.PoolClient, uuid: string): Promise<boolean> {
  const { rows } = await client.query<{ id: string }>(
    `select id from gantry_user where role = 'admin' and disabled_at is null
       and (password_hash is not null or oidc_subject is not null)`,
  );
  return rows.length === 1 && rows[0]?.id === uuid;
}
