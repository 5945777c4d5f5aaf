/** Checkpoints of a process's memory: what runner and platform say of them. See docs/process-checkpoints.md. */
import { z } from "zod";

/** The HTTP path of one chunk of a checkpoint, PUT and GET with the worker token; the body is the chunk's bytes. */
export const WORKER_CHECKPOINT_CHUNK_PATH = "/worker/v1/checkpoints/:checkpointId/chunks/:number";

/** A chunk as it is stored, at most; the last one is what is left. */
export const CHECKPOINT_CHUNK_BYTES = 2 * 1024 * 1024;

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

/** Why a process stored on `from` must not be restored on `to`, in words; undefined where it may. Pure. */
export function whyNotRestorableOn(from: NodeFeatures, to: NodeFeatures): string | undefined {
  if (from.arch !== to.arch) return `it was stored on ${from.arch}, and ${to.node} is ${to.arch}`;
  const [wanted, has] = [kernelOf(from.kernel), kernelOf(to.kernel)];
  if (has[0] < wanted[0] || (has[0] === wanted[0] && has[1] < wanted[1]))
    return `it was stored on Linux ${from.kernel}, and ${to.node} has the older ${to.kernel}`;
  const there = new Set(to.cpuFlags);
  const missing = from.cpuFlags.filter((flag) => !there.has(flag));
  if (missing.length === 0) return undefined;
  const named = missing.slice(0, 5).join(", ");
  return `the processor of ${to.node} lacks ${named}${missing.length > 5 ? ` and ${missing.length - 5} more` : ""}`;
}

function kernelOf(release: string): [number, number] {
  const [, major = "0", minor = "0"] = /^(\d+)\.(\d+)/.exec(release) ?? [];
  return [Number(major), Number(minor)];
}

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
