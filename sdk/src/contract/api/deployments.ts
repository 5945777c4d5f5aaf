import { z } from "zod";
import { IMAGE_PLATFORMS } from "../image-layout.ts";
import { manifestSchema, taskDeclarationSchema } from "../manifest.ts";
import { instantSchema, text } from "./scalars.ts";

/** A content address. */
export const digestSchema = z.string().regex(/^sha256:[a-f0-9]{64}$/, "must be sha256: and 64 hexadecimal digits");
const repositorySchema = z
  .string()
  .max(255)
  .regex(/^[a-z0-9]+(?:[._/-]+[a-z0-9]+)*$/, "must be an image repository");

export const deploymentSourceSchema = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("local"),
    bundleDir: text(4096, 1),
    projectDir: text(4096, 1),
    envFiles: z.array(text(4096, 1)).max(20).default([]),
  }),
  z.strictObject({
    kind: z.literal("image"),
    /** Within the platform's registry, without its host. */
    repository: repositorySchema,
    digest: digestSchema,
  }),
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
        z.object({
          id: z.string(),
          slug: z.string(),
          filePath: z.string(),
          exportName: z.string().optional(),
          declaration: taskDeclarationSchema.optional().describe("All that the version's code says of the task."),
        }),
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

/** What a deploy must know of the platform before it builds anything. */
export const deployTargetSchema = z
  .object({
    /** `process` runs bundles of this machine; `kubernetes` needs an image. */
    executor: z.enum(["process", "kubernetes", "none"]),
    /** Builders the platform has; the first is its default. */
    builders: z.array(z.enum(["oci-registry", "docker"])),
    /** What images are built for, and on which base. */
    platforms: z.array(z.enum(IMAGE_PLATFORMS)),
    baseImage: z.string(),
    /** The base for versions with tasks whose processes may be stored; absent where this platform stores none. */
    checkpointBaseImage: z.string().optional(),
    /** The environment's own repository, without the registry's host. */
    repository: z.string(),
    maxLayerBytes: z.number(),
  })
  .meta({ id: "DeployTarget" });
export type DeployTarget = z.infer<typeof deployTargetSchema>;

export const layerSchema = z.strictObject({
  /** Of the compressed bytes, as they are uploaded. */
  digest: digestSchema,
  /** Of the tar inside. */
  diffId: digestSchema,
  bytes: z.int().min(1),
  /** Bottom first: externals seldom change. */
  kind: z.enum(["externals", "files", "bundle"]),
  /** Undefined: for every platform. */
  platform: z.enum(IMAGE_PLATFORMS).optional(),
});
export type Layer = z.infer<typeof layerSchema>;

/** Which of these layers the registry lacks: only those are uploaded. */
export const missingLayersBodySchema = z.strictObject({ digests: z.array(digestSchema).max(32) });
export const missingLayersReplySchema = z.object({ missing: z.array(z.string()) });

/** Builds an image from uploaded layers, verifies that the registry has it, registers the version, promotes it. */
export const buildDeploymentBodySchema = z.strictObject({
  manifest: manifestSchema,
  /** Of everything that goes into the version; the same as the current version's makes no new one. */
  contentHash: text(128, 1),
  layers: z.array(layerSchema).min(1).max(32),
  platforms: z.array(z.enum(IMAGE_PLATFORMS)).min(1),
  builder: z.enum(["oci-registry", "docker"]).optional(),
  /** Instead of the platform's worker image; must be made from it. */
  baseImage: text(512, 1).optional(),
  /** Dockerfile lines of build extensions, run as root before the layers are added; only the docker builder takes them. */
  instructions: z.array(text(4096, 1)).max(100).default([]),
  promote: z.boolean().default(true),
});
export type BuildDeploymentBody = z.input<typeof buildDeploymentBodySchema>;

/** The reply is NDJSON, a line each; the last is `done` or `error`. Blank lines keep the connection open. */
export type BuildEvent =
  | { type: "step"; step: "wait" | "base" | "build" | "push" | "verify" | "register" | "promote"; message: string }
  | { type: "log"; line: string }
  | { type: "done"; deployment: DeploymentDetail; isNew: boolean; platformMs: number }
  | { type: "error"; error: { code: string; message: string; remedy?: string } };

export const prunedReplySchema = z.object({ versions: z.array(z.string()) });

/** Where `--local-build` may push: credentials for the environment's repository alone. */
export const pushAccessSchema = z
  .object({
    registry: z.string(),
    repository: z.string(),
    username: z.string().optional(),
    password: z.string().optional(),
    /** A bearer token for the registry (`registrytoken` in Docker's config), in place of the two. None at all: the person's own. */
    token: z.string().optional(),
  })
  .meta({ id: "PushAccess" });
export type PushAccess = z.infer<typeof pushAccessSchema>;
