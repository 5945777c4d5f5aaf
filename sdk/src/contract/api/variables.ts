import { z } from "zod";
import { instantSchema, text } from "./scalars.ts";

export const VARIABLE_LIMITS = { nameCharacters: 256, valueBytes: 64 * 1024, totalBytes: 512 * 1024 } as const;
/** What stands in for a value that is not shown. */
export const REDACTED = "<redacted>";

/** Characters, not bytes: the platform checks bytes and names what is too long. */
const valueSchema = text(VARIABLE_LIMITS.valueBytes);
const nameSchema = text(VARIABLE_LIMITS.nameCharacters, 1).describe(
  "Letters, digits and underscores; no digit first; neither GANTRY_PLATFORM_… nor GANTRY_WORKER_….",
);

export const variablesPathSchema = z.object({
  projectRef: text(64, 1),
  environment: text(64, 1).describe("The environment's slug: dev, staging, preview, prod, or one of your own."),
});
export const variablePathSchema = variablesPathSchema.extend({ name: text(VARIABLE_LIMITS.nameCharacters, 1) });

export const variableSchema = z
  .object({
    name: z.string(),
    value: z.string().describe(`${REDACTED} where it is a secret, or the credential may not change variables.`),
    isSecret: z.boolean().describe("Its value is never shown again; workers get it."),
    updatedAt: instantSchema,
  })
  .meta({ id: "EnvironmentVariable" });
export type VariableReply = z.infer<typeof variableSchema>;
export const variableListReplySchema = z.array(variableSchema);

export const createVariableBodySchema = z.strictObject({
  name: nameSchema,
  value: valueSchema,
  isSecret: z.boolean().optional(),
});
export const updateVariableBodySchema = z.strictObject({ value: valueSchema, isSecret: z.boolean().optional() });
export const importVariablesBodySchema = z.strictObject({
  variables: z.record(nameSchema, valueSchema),
  override: z.boolean().default(false).describe("Replaces what is there; else one that is there refuses all."),
  isSecret: z.boolean().optional().describe("Of all that are imported; left out, one that is there stays what it is."),
  parentVariables: z
    .record(z.string(), z.string())
    .optional()
    .describe("Trigger.dev's, for branches of previews; refused unless empty."),
  source: z.unknown().optional().describe("Trigger.dev's; not kept."),
});
