import { describe, expect, test } from "vitest";
import { type ClaimRules, type Claims, decideClaims } from "./claims-policy.ts";
import type { User } from "./user.ts";

const claims: Claims = {
  issuer: "https://idp.example",
  subject: "1",
  email: "ada@example.com",
  isEmailVerified: true,
  name: "Ada",
  all: { groups: ["eng", "ops"], realm_access: { roles: ["eng"] }, "https://x.example/role": "ops" },
};
const rules: ClaimRules = {
  roleClaim: undefined,
  roleMap: { ops: "admin", eng: "developer" },
  defaultRole: "viewer",
  isProvisioning: true,
  needsVerifiedEmail: true,
};
const user = { id: "user_1", email: "ada@example.com", role: "viewer", subject: undefined } as User;
const nobody = { bySubject: undefined, byEmail: undefined };

describe("whom an identity provider vouches for", () => {
  test.each<[string, Partial<Claims>, Partial<ClaimRules>, { bySubject?: User; byEmail?: User }, object]>([
    ["gets an account of the default role", {}, {}, {}, { enter: "new", role: "viewer", email: "ada@example.com" }],
    ["gets the highest role of its groups", {}, { roleClaim: "groups" }, {}, { enter: "new", role: "admin" }],
    ["has roles in a claim within a claim", {}, { roleClaim: "realm_access.roles" }, {}, { role: "developer" }],
    ["has one role in a claim whose name has dots", {}, { roleClaim: "https://x.example/role" }, {}, { role: "admin" }],
    ["is not let in without an invitation", {}, { isProvisioning: false }, {}, { reason: "NO_ACCOUNT" }],
    ["is let in with one", {}, { isProvisioning: false }, { byEmail: user }, { enter: "existing", link: true }],
    [
      "is linked only by a verified address",
      { isEmailVerified: false },
      {},
      { byEmail: user },
      { reason: "EMAIL_UNVERIFIED" },
    ],
    [
      "is linked by any address where the operator trusts the provider",
      { isEmailVerified: false },
      { needsVerifiedEmail: false },
      { byEmail: user },
      { enter: "existing", link: true },
    ],
    [
      "is known by its subject without any address",
      { email: undefined },
      {},
      { bySubject: user },
      { enter: "existing", link: false },
    ],
    ["keeps its role where roles are given here", {}, {}, { bySubject: user }, { role: undefined }],
    [
      "gets its role anew where the provider gives roles",
      {},
      { roleClaim: "groups" },
      { bySubject: user },
      { role: "admin" },
    ],
    [
      "is refused without a role where none is the default",
      { all: { groups: ["x"] } },
      { roleClaim: "groups", defaultRole: "none" },
      { bySubject: user },
      { reason: "NO_ROLE" },
    ],
    [
      "is refused where its account is closed",
      {},
      {},
      { bySubject: { ...user, disabledAt: new Date(0) } as User },
      { reason: "DISABLED" },
    ],
    [
      "does not take over somebody else's account of the same provider",
      {},
      {},
      { byEmail: { ...user, subject: { issuer: "https://idp.example", subject: "2" } } as User },
      { reason: "OTHER_SUBJECT" },
    ],
    [
      "has no role by a claim of prototypes",
      { all: {} },
      { roleClaim: "constructor.name", defaultRole: "none" },
      {},
      { reason: "NO_ROLE" },
    ],
  ])("%s", (_, claim, rule, known, want) => {
    const decision = decideClaims({ ...claims, ...claim }, { ...nobody, ...known }, { ...rules, ...rule });
    expect({ role: undefined, ...decision }).toMatchObject(want);
  });
});
