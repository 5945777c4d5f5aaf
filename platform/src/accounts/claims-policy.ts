import type { Role } from "@gantry/sdk/contract";
import { normalEmail } from "./email-ref.ts";
import type { User } from "./user.ts";

/** What an identity provider says of whoever signed in there. */
export interface Claims {
  issuer: string;
  subject: string;
  email: string | undefined;
  isEmailVerified: boolean;
  name: string | undefined;
  /** All claims, for the one that carries roles. */
  all: Readonly<Record<string, unknown>>;
}

export interface ClaimRules {
  /** The claim that carries roles or groups, by its path: `groups`, `realm_access.roles`. Undefined: roles are given here. */
  roleClaim: string | undefined;
  /** Value of that claim → role; of several the highest counts. */
  roleMap: Readonly<Record<string, Role>>;
  /** For whoever no value of the map fits; `none` lets nobody in without one. */
  defaultRole: Role | "none";
  /** Makes an account for whoever has none. */
  isProvisioning: boolean;
  /** Whether an address counts that the provider does not say it has verified. */
  needsVerifiedEmail: boolean;
}

/**
 * NO_EMAIL: the provider told none. EMAIL_UNVERIFIED: anybody could have claimed it. NO_ACCOUNT: nobody invited them.
 * NO_ROLE: none of their groups has one. DISABLED: an admin has closed the account. OTHER_SUBJECT: the address is another
 * person's at the same provider.
 */
export type ClaimsReason = "NO_EMAIL" | "EMAIL_UNVERIFIED" | "NO_ACCOUNT" | "NO_ROLE" | "DISABLED" | "OTHER_SUBJECT";
export type ClaimsDecision =
  /** `role` and `link`: what is to be written first. */
  | { enter: "existing"; user: User; role?: Role; link: boolean }
  | { enter: "new"; email: string; name: string; role: Role }
  | { enter: false; reason: ClaimsReason; message: string };

/** Who `claims` are here. `bySubject` was linked before; `byEmail` has the same address. */
export function decideClaims(
  claims: Claims,
  known: { bySubject: User | undefined; byEmail: User | undefined },
  rules: ClaimRules,
): ClaimsDecision {
  const mapped = mappedRole(claims, rules);
  if (mapped === "none") return refuse("NO_ROLE", "None of your groups may use this platform.");
  if (known.bySubject !== undefined) return existing(known.bySubject, mapped, false);
  if (claims.email === undefined) return refuse("NO_EMAIL", "The identity provider did not tell an e-mail address.");
  if (rules.needsVerifiedEmail && !claims.isEmailVerified)
    return refuse("EMAIL_UNVERIFIED", "The identity provider has not verified your e-mail address.");
  if (known.byEmail?.subject?.issuer === claims.issuer)
    return refuse("OTHER_SUBJECT", "This e-mail address is of somebody else at the identity provider.");
  if (known.byEmail !== undefined) return existing(known.byEmail, mapped, true);
  const role = mapped ?? rules.defaultRole;
  if (!rules.isProvisioning) return refuse("NO_ACCOUNT", "You have no account here; ask an admin to invite you.");
  if (role === "none") return refuse("NO_ROLE", "No role is set for new accounts.");
  return { enter: "new", email: normalEmail(claims.email), name: claims.name ?? claims.email, role };
}

function existing(user: User, role: Role | undefined, link: boolean): ClaimsDecision {
  if (user.disabledAt !== undefined) return refuse("DISABLED", "An admin has closed your account.");
  return { enter: "existing", user, link, ...(role === undefined || role === user.role ? {} : { role }) };
}

const RANK: Record<Role, number> = { viewer: 1, developer: 2, admin: 3 };

/** Undefined where roles are not the provider's to give. */
function mappedRole(claims: Claims, { roleClaim, roleMap, defaultRole }: ClaimRules): Role | "none" | undefined {
  if (roleClaim === undefined) return undefined;
  const roles = claimValues(claims.all, roleClaim).flatMap((value) =>
    Object.hasOwn(roleMap, value) ? [roleMap[value] as Role] : [],
  );
  return roles.sort((a, b) => RANK[b] - RANK[a])[0] ?? defaultRole;
}

/** A claim may be named as it is, dots and all (`https://example.com/roles`), or by a path. */
function claimValues(all: Readonly<Record<string, unknown>>, path: string): string[] {
  const value = Object.hasOwn(all, path) ? all[path] : path.split(".").reduce<unknown>(step, all);
  const values = Array.isArray(value) ? value : [value];
  return values.filter((each) => typeof each === "string");
}

function step(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null && Object.hasOwn(value, name)
    ? (value as Record<string, unknown>)[name]
    : undefined;
}

function refuse(reason: ClaimsReason, message: string): ClaimsDecision {
  return { enter: false, reason, message };
}
