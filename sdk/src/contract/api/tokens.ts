import { z } from "zod";
import { text } from "./scalars.ts";

const expirationSchema = z
  .union([z.number(), text(64, 1)])
  .describe('An instant in seconds since the epoch, or a duration such as "15m". Default 15 minutes.');
const scopeSchema = text(512, 1).describe(
  "`read:runs:run_…`, `read:tags:t`, `read:batch:batch_…`, `trigger:tasks:t`, `batchTrigger:tasks:t`, `write:runs:run_…`",
);

export const publicTokenBodySchema = z.strictObject({
  scopes: z.array(scopeSchema).min(1).max(100),
  expirationTime: expirationSchema.optional(),
  oneTimeUse: z.boolean().optional(),
  realtime: z.unknown().optional(),
});
export const jwtBodySchema = z.strictObject({
  claims: z.strictObject({ scopes: z.array(scopeSchema).max(100).default([]) }).optional(),
  expirationTime: expirationSchema.optional(),
});
export const tokenReplySchema = z.object({ token: z.string(), environmentId: z.string().optional() });
/** What a client that signs a token with its own key must put into it. */
export const jwtClaimsReplySchema = z.object({ sub: z.string(), pub: z.literal(true) });
