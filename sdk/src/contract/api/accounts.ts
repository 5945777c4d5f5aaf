import { z } from "zod";
import { instantSchema, text } from "./scalars.ts";

/** What people sign in to, with a browser: `/api/v1/auth/*` speaks with the session's cookie, all else with its tokens. */

/** The header that repeats `csrfToken` of the session in every request with the cookie that changes something. */
export const CSRF_HEADER = "x-gantry-csrf";
export const PASSWORD_CHARACTERS = { min: 12, max: 256 } as const;

/** viewer looks; developer triggers, cancels, deploys, sets variables; admin also handles keys, limits and members. */
export const roleSchema = z.enum(["viewer", "developer", "admin"]).meta({ id: "Role" });
export type Role = z.infer<typeof roleSchema>;

const emailSchema = z.email().max(254).describe("Compared without regard to case.");
const nameSchema = text(100, 1).describe("For people.");
const newPasswordSchema = text(PASSWORD_CHARACTERS.max, 1).describe("12 to 256 characters.");
const oldPasswordSchema = text(1024, 1);

export const userSchema = z
  .object({
    id: z.string().describe("user_…"),
    email: z.string(),
    name: z.string(),
    role: roleSchema,
    hasPassword: z.boolean(),
    hasSingleSignOn: z.boolean(),
    createdAt: instantSchema,
    lastSignInAt: instantSchema.nullable(),
    disabledAt: instantSchema.nullable(),
  })
  .meta({ id: "User" });
export type UserReply = z.infer<typeof userSchema>;

/**
 * `setup`: there is no user yet. `local`: a platform of `gantry dev` asked from its own machine, where everybody is admin.
 * Environments are listed once somebody is signed in.
 */
export const sessionReplySchema = z
  .object({
    state: z.enum(["setup", "signedOut", "signedIn", "local"]),
    user: userSchema.optional(),
    role: roleSchema.optional(),
    oidc: z.object({ label: z.string() }).optional(),
    hasPasswordSignIn: z.boolean(),
    environments: z.array(
      z.object({
        project: z.string().describe("The project's ref."),
        projectName: z.string(),
        environment: z.string().describe("The environment's slug."),
        type: z.enum(["DEVELOPMENT", "STAGING", "PREVIEW", "PRODUCTION"]),
      }),
    ),
    csrfToken: z.string().describe(`Goes into the header ${CSRF_HEADER} of requests that change something.`),
  })
  .meta({ id: "Session" });
export type SessionReply = z.infer<typeof sessionReplySchema>;

export const setupBodySchema = z.strictObject({
  setupSecret: text(200, 1).describe("As the platform's log says it, or as GANTRY_PLATFORM_SETUP_SECRET sets it."),
  email: emailSchema,
  name: nameSchema,
  password: newPasswordSchema,
});
export const loginBodySchema = z.strictObject({ email: text(254, 1), password: oldPasswordSchema });
export const acceptInvitationBodySchema = z.strictObject({
  token: text(200, 1).describe("What stands behind # in the link."),
  name: nameSchema.optional(),
  password: newPasswordSchema,
});
export const invitationBodySchema = z.strictObject({ token: text(200, 1) });
export const invitationReplySchema = z.object({ email: z.string(), name: z.string(), expiresAt: instantSchema });
export const changePasswordBodySchema = z.strictObject({
  currentPassword: oldPasswordSchema,
  newPassword: newPasswordSchema,
});

/** Without project and environment the token is for what is outside of environments: members, the audit log. */
export const sessionTokenBodySchema = z.strictObject({
  project: text(200, 1).optional(),
  environment: text(64, 1).optional(),
});
export const sessionTokenReplySchema = z.object({
  token: z.string().describe("A bearer token that works for five minutes, and no longer than its session."),
  expiresAt: instantSchema,
});
export type SessionTokenReply = z.infer<typeof sessionTokenReplySchema>;

export const signedInSessionSchema = z.object({
  id: z.string().describe("session_…"),
  isCurrent: z.boolean(),
  method: z.enum(["password", "sso", "setup", "invitation"]),
  address: z.string().nullable(),
  userAgent: z.string().nullable(),
  createdAt: instantSchema,
  lastSeenAt: instantSchema,
  expiresAt: instantSchema,
});
export type SignedInSession = z.infer<typeof signedInSessionSchema>;
export const signedInSessionListReplySchema = z.object({ data: z.array(signedInSessionSchema) });
export const revokedSessionsReplySchema = z.object({ revoked: z.int() });

export const userListReplySchema = z.object({ data: z.array(userSchema) });
/** With `password` they can sign in at once; without it the reply has a link by which they choose one. */
export const createUserBodySchema = z.strictObject({
  email: emailSchema,
  name: nameSchema,
  role: roleSchema.default("viewer"),
  password: newPasswordSchema.optional(),
});
export const updateUserBodySchema = z.strictObject({
  name: nameSchema.optional(),
  role: roleSchema.optional(),
  isDisabled: z.boolean().optional().describe("Signs them out everywhere; their personal access tokens stop."),
});
export const invitationLinkSchema = z.object({
  url: z.string().describe("Shown this once; works once, for seven days."),
  expiresAt: instantSchema,
});
export const createUserReplySchema = z.object({ user: userSchema, invitation: invitationLinkSchema.optional() });
export type CreateUserReply = z.infer<typeof createUserReplySchema>;

/** `actor.kind`: a person who signed in, their personal access token, a key, the operator's command line, or nobody known. */
export const auditEntrySchema = z
  .object({
    id: z.string(),
    at: instantSchema,
    actor: z.object({
      kind: z.enum(["user", "access", "key", "local", "operator", "anonymous"]),
      id: z.string().nullable(),
      name: z.string().nullable(),
    }),
    action: z.string().describe("What was asked for, such as `runs.cancel`, `users.update`, `auth.login`."),
    target: z.string().nullable().describe("Id or name of what it was about."),
    environment: z.object({ project: z.string(), environment: z.string() }).nullable(),
    outcome: z.string().describe("`ok`, or the error's code."),
    address: z.string().nullable(),
    requestId: z.string().nullable(),
    details: z.record(z.string(), z.unknown()),
  })
  .meta({ id: "AuditEntry" });
export type AuditEntryReply = z.infer<typeof auditEntrySchema>;
export const auditQuerySchema = z.strictObject({
  "page[size]": z.coerce.number().int().min(1).max(200).default(50),
  "page[after]": text(100).optional().describe("`next` of the page before."),
  "filter[actor]": text(254).optional().describe("Id, or a part of the name or e-mail."),
  "filter[action]": text(100).optional().describe("An action, or its beginning: `runs.`"),
  "filter[target]": text(200).optional(),
  "filter[outcome]": z.enum(["ok", "refused"]).optional(),
  "filter[from]": instantSchema.optional(),
  "filter[to]": instantSchema.optional(),
});
export const auditReplySchema = z.object({ data: z.array(auditEntrySchema), next: z.string().nullable() });
