import type pg from "pg";
import type { Accounts } from "./accounts/accounts.ts";
import { createMemberService } from "./accounts/members.ts";
import { createSessionTokens } from "./accounts/session-tokens.ts";
import { createSessionService } from "./accounts/sessions.ts";
import { sessionsEnded } from "./accounts/sessions-ended.ts";
import { createSignInService } from "./accounts/sign-in.ts";
import { createSingleSignOn, type SingleSignOn } from "./accounts/single-sign-on.ts";
import { Argon2Passwords } from "./adapters/hash-wasm/argon2-passwords.ts";
import { createAuditLog } from "./adapters/postgres/audit-log.ts";
import { createInvitationStore } from "./adapters/postgres/invitations.ts";
import { createAttemptStore } from "./adapters/postgres/sign-in-attempts.ts";
import { createSessionStore } from "./adapters/postgres/user-sessions.ts";
import { createUserStore } from "./adapters/postgres/users.ts";
import { systemClock } from "./clock.ts";
import type { Bus } from "./cluster/bus.ts";
import type { Config } from "./config.ts";
import type { ProjectService } from "./projects/project-service.ts";
import type { MasterKey } from "./secrets/master-key.ts";

const HOUR_MS = 3_600_000;

interface AccountsOptions {
  config: Config;
  pool: pg.Pool;
  master: MasterKey;
  bus: Bus;
  projects: ProjectService;
  stops: (() => Promise<unknown>)[];
}

/** Sign-in, from its settings: part of the composition root. */
export async function composeAccounts(options: AccountsOptions): Promise<Accounts> {
  const { config, pool, master, bus, projects, stops } = options;
  const isLocal = isLocalPlatform(config);
  const hasPasswordSignIn = config.passwordSignIn;
  const users = createUserStore(pool);
  const hasher = new Argon2Passwords();
  stops.push(() => hasher.close());
  const sessions = createSessionService({
    store: createSessionStore(pool),
    ended: sessionsEnded(bus),
    clock: systemClock,
    times: { idleMs: config.sessionIdleHours * HOUR_MS, maxMs: config.sessionMaxHours * HOUR_MS },
  });
  sessions.onEnded(({ sessionIds }) => {
    if (sessionIds === undefined) projects.forgetAccessTokens();
  });
  const signIn = createSignInService({
    users,
    attempts: createAttemptStore(pool),
    sessions,
    hasher,
    setupSecret: setupSecretOf(config, master),
    hasPasswordSignIn,
  });
  const secrets = master.deriveAll("session-tokens");
  return {
    signIn,
    sessions,
    hasPasswordSignIn,
    isLocal,
    tokens: createSessionTokens({ secrets, clock: systemClock, sessions, projects, isLocal }),
    members: createMemberService({
      users,
      invitations: createInvitationStore(pool),
      sessions,
      signIn,
      clock: systemClock,
      hasPasswordSignIn,
    }),
    audit: createAuditLog(pool),
    singleSignOn: await singleSignOn(config, { users, sessions, needsSetup: () => signIn.needsSetup() }),
  };
}

/** Without sign-in: only what `gantry dev` starts, and only where nobody but this machine reaches it. */
export function isLocalPlatform({ devProject, host, publicUrl }: Pick<Config, "devProject" | "host" | "publicUrl">) {
  const isLoopback = /^(127\.\d{1,3}\.\d{1,3}\.\d{1,3}|::1|localhost)$/.test(host);
  return devProject !== undefined && isLoopback && publicUrl === undefined;
}

/** The same on every replica and at every start, so that any of their logs will do. */
export function setupSecretOf({ setupSecret }: Pick<Config, "setupSecret">, master: MasterKey): string {
  return setupSecret ?? master.derive("setup-secret").toString("hex").slice(0, 32);
}

async function singleSignOn(
  config: Config,
  deps: Pick<Parameters<typeof createSingleSignOn>[0], "users" | "sessions" | "needsSetup">,
): Promise<SingleSignOn | undefined> {
  const { oidcIssuer: issuer, oidcClientId: clientId } = config;
  if (issuer === undefined || clientId === undefined) return undefined;
  // Loaded only where it is used.
  const { OpenIdProvider } = await import("./adapters/openid-client/openid-provider.ts");
  const provider = new OpenIdProvider({
    issuer,
    clientId,
    clientSecret: config.oidcClientSecret,
    scopes: config.oidcScopes,
    label: config.oidcLabel,
    allowHttp: issuer.startsWith("http:"),
  });
  const rules = {
    roleClaim: config.oidcRoleClaim,
    roleMap: config.oidcRoleMap ?? {},
    defaultRole: config.oidcDefaultRole,
    isProvisioning: config.oidcAutoProvision,
    needsVerifiedEmail: config.oidcRequireVerifiedEmail,
  };
  return createSingleSignOn({ provider, rules, ...deps });
}
