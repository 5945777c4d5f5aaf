import type {
  AccessTokenItemReply,
  AuditEntryReply,
  CreateUserReply,
  NewAccessTokenReply,
  Role,
  UserReply,
} from "../contract/api/index.ts";
import type { ApiClient } from "./api-client.ts";
import { type Revived, reviveDates } from "./dates.ts";

export type UserItem = Revived<UserReply>;
export type AuditItem = Revived<AuditEntryReply>;
export type AccessTokenItem = Revived<AccessTokenItemReply>;

/** A user who was added or gets a new link, which is never shown again. */
export interface InvitedUser {
  user: UserItem;
  invitation: { url: string; expiresAt: Date } | undefined;
}

export interface NewUserFields {
  email: string;
  name: string;
  role?: Role;
  /** Without it the answer has a link by which they choose one. */
  password?: string;
}

/** Users of the installation; for admins. */
export function usersApi(api: ApiClient) {
  return {
    async list(): Promise<UserItem[]> {
      const request = { method: "GET", path: USERS, repeatable: "always" } as const;
      return (await api.request<{ data: UserReply[] }>(request)).data.data.map((user) => reviveDates(user));
    },
    async create(user: NewUserFields): Promise<InvitedUser> {
      const request = { method: "POST", path: USERS, json: user, repeatable: "undelivered" } as const;
      return invited((await api.request<CreateUserReply>(request)).data);
    },
    async update(userId: string, change: { name?: string; role?: Role; isDisabled?: boolean }): Promise<UserItem> {
      const request = { method: "PUT", path: userPath(userId), json: change, repeatable: "always" } as const;
      return reviveDates((await api.request<UserReply>(request)).data);
    },
    /** A link to choose a new password; the one before works no more. */
    async invite(userId: string): Promise<InvitedUser> {
      const path = `${userPath(userId)}/invite`;
      return invited((await api.request<CreateUserReply>({ method: "POST", path, repeatable: "undelivered" })).data);
    },
    /** Ends all their sessions. */
    async signOut(userId: string): Promise<void> {
      await api.request({ method: "POST", path: `${userPath(userId)}/sign-out`, repeatable: "always" });
    },
  };
}

export interface ListAuditParams {
  /** Entries a page, default 50. */
  limit?: number;
  /** `next` of the page before. */
  after?: string | undefined;
  actor?: string | undefined;
  /** An action, or its beginning: `runs.` */
  action?: string | undefined;
  target?: string | undefined;
  outcome?: "ok" | "refused" | undefined;
  from?: Date | undefined;
  to?: Date | undefined;
}

/** Who did what, the newest first; for admins. */
export function auditApi(api: ApiClient) {
  return {
    async list(params: ListAuditParams = {}): Promise<{ entries: AuditItem[]; next: string | undefined }> {
      const query = {
        "page[size]": params.limit,
        "page[after]": params.after,
        "filter[actor]": params.actor,
        "filter[action]": params.action,
        "filter[target]": params.target,
        "filter[outcome]": params.outcome,
        "filter[from]": params.from?.toISOString(),
        "filter[to]": params.to?.toISOString(),
      };
      const request = { method: "GET", path: "/api/v1/audit", query, repeatable: "always" } as const;
      const { data, next } = (await api.request<{ data: AuditEntryReply[]; next: string | null }>(request)).data;
      return { entries: data.map((entry) => reviveDates(entry)), next: next ?? undefined };
    },
  };
}

/** Personal access tokens: a user's own; an admin's list has all. */
export function accessTokensApi(api: ApiClient) {
  return {
    async list(): Promise<AccessTokenItem[]> {
      const request = { method: "GET", path: TOKENS, repeatable: "always" } as const;
      return (await api.request<{ data: AccessTokenItemReply[] }>(request)).data.data.map((token) =>
        reviveDates(token),
      );
    },
    /** The token itself is in this answer and never again. */
    async create(token: {
      name: string;
      scopes: AccessTokenItemReply["scopes"];
      expiresAt?: Date | undefined;
    }): Promise<NewAccessTokenReply> {
      const json = { ...token, expiresAt: token.expiresAt?.toISOString() };
      const request = { method: "POST", path: TOKENS, json, repeatable: "undelivered" } as const;
      return (await api.request<NewAccessTokenReply>(request)).data;
    },
    async revoke(tokenId: string): Promise<void> {
      const path = `${TOKENS}/${encodeURIComponent(tokenId)}/revoke`;
      await api.request({ method: "POST", path, repeatable: "always" });
    },
  };
}

const USERS = "/api/v1/users";
const TOKENS = "/api/v1/access-tokens";
const userPath = (userId: string) => `${USERS}/${encodeURIComponent(userId)}`;

function invited({ user, invitation }: CreateUserReply): InvitedUser {
  return {
    user: reviveDates(user),
    invitation: invitation && { url: invitation.url, expiresAt: new Date(invitation.expiresAt) },
  };
}
