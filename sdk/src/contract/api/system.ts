import { z } from "zod";
import { DEFAULT_LIMITS } from "../limits.ts";
import { instantSchema, text } from "./scalars.ts";

export const whoamiReplySchema = z.object({
  userId: z.string(),
  email: z.string(),
  dashboardUrl: z.string(),
  project: z.object({ name: z.string(), url: z.string(), orgTitle: z.string(), ref: z.string() }).optional(),
  environment: z.object({ id: z.string(), slug: z.string(), type: z.string() }).optional(),
  credential: z.object({ kind: z.enum(["key", "public", "run", "access", "user"]), scopes: z.array(z.string()) }),
  platformVersion: z.string(),
});
export type WhoamiReply = z.infer<typeof whoamiReplySchema>;

const limitShape = Object.fromEntries(
  // Where -1 is the default (it follows another limit), it may be set again.
  Object.entries(DEFAULT_LIMITS).map(([name, value]) => [
    name,
    z.number().min(Math.min(value, 0)).max(Number.MAX_SAFE_INTEGER),
  ]),
) as Record<keyof typeof DEFAULT_LIMITS, z.ZodNumber>;
/** Every limit of the environment as it is now; units are in the names. */
export const limitsReplySchema = z.object(limitShape);
export const limitsBodySchema = z.strictObject(limitShape).partial();

export const keySchema = z.object({
  id: z.string(),
  scope: z.enum(["full", "trigger", "read", "deploy"]),
  hint: z.string().describe("Its last four characters."),
  createdAt: instantSchema,
  expiresAt: instantSchema.nullable(),
});
export type ApiKey = z.infer<typeof keySchema>;
export const keyListReplySchema = z.object({ data: z.array(keySchema) });
export const createKeyBodySchema = z.strictObject({
  scope: z.enum(["full", "trigger", "read", "deploy"]).default("full"),
});
/** The only time that the key itself is shown. */
export const createKeyReplySchema = keySchema.extend({ key: z.string() });
export type CreatedKey = z.infer<typeof createKeyReplySchema>;
export const revokeKeyBodySchema = z.strictObject({
  graceSeconds: z.int().min(0).max(2_592_000).default(0).describe("How long the key still works, for a rotation."),
});
export const accessTokenSchema = z.object({
  id: z.string(),
  name: z.string(),
  scopes: z.array(z.string()).describe("full, deploy, trigger or read; full may do everything in every project."),
  hint: z.string().describe("Its last four characters."),
  createdAt: instantSchema,
  expiresAt: instantSchema.nullable(),
  owner: z.object({ id: z.string(), email: z.string() }).nullable().describe("Null where the operator made it."),
});
export type AccessTokenItemReply = z.infer<typeof accessTokenSchema>;
export const accessTokenListReplySchema = z.object({ data: z.array(accessTokenSchema) });
export const createAccessTokenBodySchema = z.strictObject({
  name: text(100, 1).describe("For people: who or what has it."),
  scopes: z.array(keySchema.shape.scope).min(1).max(4).default(["full"]),
  expiresAt: instantSchema.optional(),
});
/** The only time that the token itself is shown. */
export const createAccessTokenReplySchema = z.object({ id: z.string(), token: z.string() });
export type NewAccessTokenReply = z.infer<typeof createAccessTokenReplySchema>;
export const okReplySchema = z.object({ success: z.literal(true) });
export const healthReplySchema = z.object({
  status: z.enum(["ok", "unavailable"]),
  checks: z.record(z.string(), z.string()).optional(),
});

/** Every error has this body; docs/errors.md lists the codes. */
export const errorReplySchema = z
  .object({
    error: z.string().describe("What is wrong, and what to do."),
    code: z.string(),
    details: z.record(z.string(), z.unknown()).optional(),
  })
  .meta({ id: "Error" });
export type ErrorReply = z.infer<typeof errorReplySchema>;
