import { z } from "zod";
import { manifestSchema } from "../manifest.ts";
import { instantSchema, text } from "./scalars.ts";

export const deploymentSourceSchema = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("local"),
    bundleDir: text(4096, 1),
    projectDir: text(4096, 1),
    envFiles: z.array(text(4096, 1)).max(20).default([]),
  }),
  z.strictObject({ kind: z.literal("image"), digest: z.string().regex(/^[^\s@]+@sha256:[a-f0-9]{64}$/) }),
]);

/** Registers a version: its tasks, its queues, and where its workers find the code. */
export const registerDeploymentBodySchema = z.strictObject({
  manifest: manifestSchema,
  source: deploymentSourceSchema,
  promote: z.boolean().default(true),
  contentHash: text(128, 1).optional(),
});
export type RegisterDeploymentBody = z.input<typeof registerDeploymentBodySchema>;

export const deploymentSchema = z
  .object({
    id: z.string(),
    createdAt: instantSchema,
    shortCode: z.string(),
    version: z.string(),
    runtime: z.string().nullable(),
    runtimeVersion: z.string().nullable(),
    status: z.enum(["PENDING", "DEPLOYED", "FAILED", "CANCELED"]),
    deployedAt: instantSchema.optional(),
    isCurrent: z.boolean(),
  })
  .meta({ id: "Deployment" });
export type Deployment = z.infer<typeof deploymentSchema>;

export const deploymentDetailSchema = deploymentSchema
  .extend({
    contentHash: z.string(),
    imagePlatform: z.string(),
    imageReference: z.string().nullable(),
    worker: z.object({
      id: z.string(),
      version: z.string(),
      tasks: z.array(
        z.object({ id: z.string(), slug: z.string(), filePath: z.string(), exportName: z.string().optional() }),
      ),
    }),
    queues: z.array(z.string()),
  })
  .meta({ id: "DeploymentDetail" });
export type DeploymentDetail = z.infer<typeof deploymentDetailSchema>;

export const deploymentListQuerySchema = z.strictObject({
  "page[after]": text(64).optional(),
  "page[size]": z.coerce.number().int().min(1).max(100).default(20),
  status: z.enum(["PENDING", "BUILDING", "DEPLOYING", "DEPLOYED", "FAILED", "CANCELED", "TIMED_OUT"]).optional(),
  from: text(64).optional(),
  to: text(64).optional(),
  period: text(64).optional(),
});
export const deploymentListReplySchema = z.object({
  data: z.array(deploymentSchema),
  pagination: z.object({ next: z.string().optional(), previous: z.string().optional() }),
});
export const promoteReplySchema = z.object({ id: z.string(), version: z.string(), shortCode: z.string() });
