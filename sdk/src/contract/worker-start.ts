/**
 * How a worker that was launched for one execution (a Kubernetes Job) gets its credentials: one HTTP request before the
 * channel of worker-protocol.ts is opened. The Job's spec carries nothing but the platform's URL and a bootstrap token.
 */
import { z } from "zod";
import type { MachinePreset } from "./machine-presets.ts";

/** `POST`, with `Authorization: Bearer <bootstrap token>`. */
export const WORKER_START_PATH = "/worker/v1/start";

/**
 * The nonce is made in the pod and binds the token to it: the same nonce may ask again (its answer was lost), another is
 * refused with 409 BOOTSTRAP_TOKEN_USED. A run that has ended, or was given to another, is 409 EXECUTION_FENCED; a token
 * past its start deadline is 401 TOKEN_EXPIRED. On each of the three the pod ends.
 */
export const workerStartBodySchema = z.strictObject({
  protocol: z.int(),
  nonce: z.string().min(22).max(128),
  host: z.string().max(255),
});
export type WorkerStartBody = z.infer<typeof workerStartBodySchema>;

/** What only lives in the pod's memory from here on. */
export interface WorkerStart {
  workerId: string;
  /** For the worker channel; good for this execution only, and worth nothing once it has ended. */
  workerToken: string;
  executionId: string;
  machine: MachinePreset;
  /** The bundle's entry module, relative to IMAGE_LAYOUT.bundleDir. */
  entry: string;
  /** The environment's variables, for the task process alone. */
  variables: Record<string, string>;
}

/** What a Job's container is started with; nothing here is a secret but the token. */
export const WORKER_POD_ENV = {
  url: "GANTRY_WORKER_URL",
  bootstrapToken: "GANTRY_WORKER_BOOTSTRAP_TOKEN",
  /** `name:cpu:memory`, so that the task process can be booted before the answer has come. */
  machine: "GANTRY_WORKER_MACHINE",
  /** Milliseconds: the pod's termination grace less a few seconds for saying good-bye. */
  drainGraceMs: "GANTRY_WORKER_DRAIN_GRACE_MS",
  /** A folder that can be written: the root is read-only. */
  runsDir: "GANTRY_RUNS_DIR",
  bundleDir: "GANTRY_BUNDLE_DIR",
  bundleEntry: "GANTRY_BUNDLE_ENTRY",
} as const;
