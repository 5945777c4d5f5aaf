import { AppError } from "../errors.ts";
import { type ClaimRules, type Claims, decideClaims } from "./claims-policy.ts";
import type { IdentityProvider, SignOnTransaction } from "./identity-provider.ts";
import type { Origin } from "./session.ts";
import type { SessionService } from "./sessions.ts";
import { type Entered, enter } from "./sign-in.ts";
import type { User, UserStore } from "./user.ts";

export interface SingleSignOn {
  readonly label: string;
  begin(redirectUri: string): ReturnType<IdentityProvider["begin"]>;
  /** Errors: SINGLE_SIGN_ON_FAILED; SIGN_IN_REFUSED with the policy's reason. */
  finish(url: string, transaction: SignOnTransaction, origin: Origin): Promise<Entered>;
}

export interface SingleSignOnDeps {
  provider: IdentityProvider;
  rules: ClaimRules;
  users: UserStore;
  sessions: SessionService;
  /** Before the first user is there, nobody enters: whoever sets the platform up is its admin. */
  needsSetup(): Promise<boolean>;
}

export function createSingleSignOn(deps: SingleSignOnDeps): SingleSignOn {
  const { provider, rules, users, sessions } = deps;
  return {
    label: provider.label,
    begin: (redirectUri) => provider.begin(redirectUri),
    async finish(url, transaction, origin) {
      const claims = await provider.finish(url, transaction);
      if (await deps.needsSetup()) throw refused("NO_ACCOUNT", "The platform has to be set up first.");
      const user = await userOf(claims);
      return enter(deps, user, "sso", origin);
    },
  };

  async function userOf(claims: Claims): Promise<User> {
    const { issuer, subject, email } = claims;
    const bySubject = await users.bySubject(issuer, subject);
    const byEmail = bySubject === undefined && email !== undefined ? await users.byEmail(email) : undefined;
    const decision = decideClaims(claims, { bySubject, byEmail }, rules);
    if (decision.enter === false) throw refused(decision.reason, decision.message);
    if (decision.enter === "existing") return updated(decision.user, claims, decision);
    const { email: address, name, role } = decision;
    const made = await users.create({ email: address, name: name.slice(0, 100), role, subject: { issuer, subject } });
    // Two sign-ins at once: the other has made it.
    const user = typeof made === "string" ? await users.bySubject(issuer, subject) : made;
    if (user === undefined) throw refused("OTHER_SUBJECT", "This e-mail address is taken.");
    return user;
  }

  /** The last admin stays one, whatever the provider says: somebody must be able to repair its settings. */
  async function updated(
    user: User,
    { issuer, subject }: Claims,
    { role, link }: { role?: User["role"]; link: boolean },
  ) {
    if (role === undefined && !link) return user;
    const linked = link ? { subject: { issuer, subject } } : {};
    const changed = await users.update(user.id, { role, ...linked });
    const kept = changed === "lastAdmin" ? await users.update(user.id, linked) : changed;
    if (role !== undefined) sessions.changed(user.id);
    return kept === undefined || kept === "lastAdmin" ? user : kept;
  }
}

function refused(reason: string, message: string): AppError {
  return new AppError("SIGN_IN_REFUSED", message, { details: { reason } });
}
