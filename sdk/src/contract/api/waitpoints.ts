import { z } from "zod";
import {
  delaySchema,
  durationSchema,
  idempotencyKeyOptionsSchema,
  idempotencyKeySchema,
  instantSchema,
  payloadTypeSchema,
  runIdSchema,
  tagsSchema,
  text,
} from "./scalars.ts";

export const TOKEN_STATUSES = ["WAITING", "COMPLETED", "TIMED_OUT"] as const;
export type TokenStatus = (typeof TOKEN_STATUSES)[number];
export const waitpointIdSchema = text(64, 1).describe("waitpoint_…");

export const createTokenBodySchema = z
  .strictObject({
    timeout: delaySchema
      .optional()
      .describe("A duration from now, or an ISO date; then it is TIMED_OUT. Default: never."),
    idempotencyKey: idempotencyKeySchema
      .optional()
      .describe("The same key answers with the first token until the key's time is over."),
    idempotencyKeyTTL: durationSchema.optional(),
    idempotencyKeyOptions: idempotencyKeyOptionsSchema.optional(),
    tags: tagsSchema.optional(),
  })
  .meta({ id: "CreateToken" });
export type CreateTokenBody = z.infer<typeof createTokenBodySchema>;

/** `x-trigger-jwt` beside it is a public token that may complete this token for a day. */
export const createTokenReplySchema = z.object({
  id: waitpointIdSchema,
  isCached: z.boolean(),
  url: z.string().describe("A POST there completes the token with the body; whoever has the address may."),
});
export type CreateTokenReply = z.infer<typeof createTokenReplySchema>;

export const tokenSchema = z
  .object({
    id: waitpointIdSchema,
    url: z.string(),
    status: z.enum(TOKEN_STATUSES),
    completedAt: instantSchema.optional(),
    timeoutAt: instantSchema.optional(),
    idempotencyKey: z.string().optional(),
    idempotencyKeyExpiresAt: instantSchema.optional(),
    tags: z.array(z.string()),
    createdAt: instantSchema,
    waitingRuns: z
      .array(z.object({ id: runIdSchema, taskIdentifier: z.string() }))
      .optional()
      .describe("Runs that wait for it now, the oldest 20; for credentials that may read runs."),
  })
  .meta({ id: "WaitpointToken" });
export type Token = z.infer<typeof tokenSchema>;

export const retrievedTokenSchema = tokenSchema.extend({
  output: z.string().optional().describe("Text in the encoding that `outputType` names."),
  outputType: z.string().optional(),
  outputIsError: z.boolean().optional().describe("True where it timed out; the output is then `{ code, message }`."),
});
export type RetrievedToken = z.infer<typeof retrievedTokenSchema>;

const commaList = (what: string) => text(4096).optional().describe(`${what}; several are separated by commas.`);
export const tokenListQuerySchema = z.strictObject({
  "page[size]": z.coerce.number().int().min(1).max(100).default(25),
  "page[after]": text(64).optional().describe("The page of older tokens after this one."),
  "page[before]": text(64).optional().describe("The page of newer tokens before this one."),
  "filter[status]": commaList("Statuses"),
  "filter[idempotencyKey]": text(2048).optional(),
  "filter[tags]": commaList("Tags: tokens that have any of them"),
  "filter[createdAt][from]": text(64).optional().describe("Milliseconds since the epoch, or an ISO date."),
  "filter[createdAt][to]": text(64).optional(),
  "filter[createdAt][period]": durationSchema.optional(),
});
export const tokenListReplySchema = z.object({
  data: z.array(tokenSchema),
  pagination: z.object({ next: z.string().optional(), previous: z.string().optional() }),
});
export type TokenListReply = z.infer<typeof tokenListReplySchema>;

export const completeTokenBodySchema = z.strictObject({
  data: z.unknown().optional(),
  dataType: payloadTypeSchema
    .exclude(["application/store"])
    .optional()
    .describe("How `data` is encoded, which is then text; without it, data is a JSON value."),
});
export type CompleteTokenBody = z.infer<typeof completeTokenBodySchema>;
/** The first completion wins: one that comes later, or after the timeout, changes nothing and says what the token is. */
export const completeTokenReplySchema = z.object({
  success: z.literal(true),
  status: z.enum(["COMPLETED", "TIMED_OUT"]),
  isFirst: z.boolean().describe("False: the token had ended before, and nothing was changed."),
});
export type CompleteTokenReply = z.infer<typeof completeTokenReplySchema>;
