import type { Role } from "@gantry/sdk/contract";
import type { Accounts } from "../../src/accounts/accounts.ts";
import type { AuditEntry } from "../../src/accounts/audit-log.ts";
import { AppError } from "../../src/errors.ts";
import type { EnvironmentRef } from "../../src/projects/principal.ts";

/** A token that `fakeAccounts` takes for one of a user with this role. */
export const userToken = (role: Role) => `gt_usr_${role}`;

/** Users by their tokens alone: nobody signs in here (the real services are tested on Postgres). `entries` is the audit log. */
export function fakeAccounts(environment?: EnvironmentRef): Accounts & { entries: AuditEntry[] } {
  const entries: AuditEntry[] = [];
  const refuse = async (): Promise<never> => {
    throw new AppError("BAD_CREDENTIALS", "Nobody signs in here.");
  };
  const missing = async (): Promise<never> => {
    throw new AppError("USER_NOT_FOUND", "There is no user of this id.");
  };
  return {
    entries,
    hasPasswordSignIn: true,
    isLocal: false,
    singleSignOn: undefined,
    signIn: {
      needsSetup: async () => false,
      setUp: refuse,
      logIn: refuse,
      changePassword: refuse,
      hashNew: refuse,
      countSecret: async () => undefined,
    },
    sessions: {
      begin: refuse,
      byCookie: async () => undefined,
      byId: async () => undefined,
      list: async () => [],
      end: async () => [],
      changed: () => undefined,
      onEnded: () => () => undefined,
    },
    tokens: {
      issue: () => ({ token: userToken("viewer"), expiresAt: new Date(0) }),
      verify: async (token) => {
        const role = /^gt_usr_(viewer|developer|admin)$/.exec(token)?.[1] as Role | undefined;
        if (role === undefined) throw new AppError("UNAUTHORIZED", "The session has ended.");
        const expiresAt = Number.MAX_SAFE_INTEGER;
        return {
          kind: "user",
          userId: `user_${role}`,
          email: `${role}@x.test`,
          role,
          sessionId: "s",
          environment,
          expiresAt,
        };
      },
    },
    members: {
      list: async () => [],
      create: refuse,
      update: missing,
      invite: missing,
      invited: refuse,
      accept: refuse,
    },
    audit: {
      record: async (entry) => void entries.push(entry),
      list: async () => ({ entries: [], next: undefined }),
    },
  };
}
