/** Checkpoints of a process's memory: what runner and platform say of them. See docs/process-checkpoints.md. */
import { z } from "zod";

/** What a process that was stored on one node relies upon on another. As the runner found it. */
export const nodeFeaturesSchema = z.object({
  /** The node's name in the cluster. */
  node: z.string().max(253),
  /** Node's `process.arch`. */
  arch: z.string().max(32),
  /** `6.18.44-…`: `uname -r`. */
  kernel: z.string().max(128),
  /** Sorted names of what the processor can do, as the kernel gives them. */
  cpuFlags: z.array(z.string().max(64)).max(512),
});
export type NodeFeatures = z.infer<typeof nodeFeaturesSchema>;

/** A checkpoint whose chunks are all stored, as the runner describes it. */
export const storedCheckpointSchema = z.object({
  checkpointId: z.string(),
  chunks: z.int().min(1).max(100_000),
  /** Before and after compression and encryption. */
  bytes: z.number().min(0),
  storedBytes: z.number().min(1),
  /** Of all stored chunks in their order; hex. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  features: nodeFeaturesSchema,
  /** What the next runner needs to know; the platform keeps it and does not look inside. */
  memo: z.string().max(16_384),
  /** Milliseconds that the process was stopped, and that compressing and sending took. */
  dumpMs: z.number().min(0),
  storeMs: z.number().min(0),
});
export type StoredCheckpoint = z.infer<typeof storedCheckpointSchema>;

/** A grant's: the run goes on in the memory of its process. */
export interface RestoreGrant extends Omit<StoredCheckpoint, "dumpMs" | "storeMs"> {
  /** Of AES-256-GCM; base64. Made for this checkpoint alone. */
  key: string;
  /** The last completion of its journal that the process knows. */
  known: number;
}
