/**
 * How a worker that was launched for one execution (a Kubernetes Job) gets its credentials: one HTTP request before the
 * channel of worker-protocol.ts is opened. The Job's spec carries nothing but the platform's URL and a bootstrap token.
 */
import { z } from "zod";
import type { MachinePreset } from "./machine-presets.ts";

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
