import type { StoredCheckpoint } from "@gantry/sdk/contract";
import { Counter, Histogram, type Registry } from "prom-client";
import { figureGauges } from "../figure-gauges.ts";
import type { CheckpointStore } from "./checkpoint-store.ts";

const SECONDS = [0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 1, 2, 5, 10, 30];
const MB = 1024 * 1024;

export interface CheckpointMetrics {
  stored(checkpoint: Pick<StoredCheckpoint, "storedBytes" | "dumpMs" | "storeMs">): void;
  restored(took: { fetchMs: number; restoreMs: number }): void;
  /** A worker said why it could not store, or what followed where it could not bring back. */
  failed(step: "store" | "restore", reason: string): void;
}

/** How stored processes fare. A registry is asked once. */
export function createCheckpointMetrics(
  registry: Registry,
  store: Pick<CheckpointStore, "figures">,
  now: () => number = Date.now,
): CheckpointMetrics {
  registerFigures(registry, store, now);
  const registers = [registry];
  const stored = new Counter({
    name: "gantry_checkpoints_stored_total",
    help: "Processes of waiting runs that were stored and ended.",
    registers,
  });
  const restored = new Counter({
    name: "gantry_checkpoints_restored_total",
    help: "Stored processes that went on.",
    registers,
  });
  const failed = new Counter({
    name: "gantry_checkpoint_failures_total",
    help: "Processes that were not stored, or not brought back, by reason.",
    labelNames: ["step", "reason"],
    registers,
  });
  const seconds = new Histogram({
    name: "gantry_checkpoint_step_seconds",
    help: "How long a process was stopped for its dump, and how long storing, fetching and restoring it took.",
    labelNames: ["step"],
    buckets: SECONDS,
    registers,
  });
  const bytes = new Histogram({
    name: "gantry_checkpoint_stored_size_bytes",
    help: "Size of a stored process, compressed.",
    buckets: [1, 2, 4, 8, 16, 32, 64, 128, 256].map((size) => size * MB),
    registers,
  });
  return {
    stored({ storedBytes, dumpMs, storeMs }) {
      stored.inc();
      bytes.observe(storedBytes);
      seconds.observe({ step: "dump" }, dumpMs / 1000);
      seconds.observe({ step: "store" }, storeMs / 1000);
    },
    restored({ fetchMs, restoreMs }) {
      restored.inc();
      seconds.observe({ step: "fetch" }, fetchMs / 1000);
      seconds.observe({ step: "restore" }, restoreMs / 1000);
    },
    failed: (step, reason) => failed.inc({ step, reason }),
  };
}

/** What is in the database now, the same on each replica. A figure that cannot be had is left out of the answer. */
function registerFigures(registry: Registry, store: Pick<CheckpointStore, "figures">, now: () => number): void {
  const gauge = figureGauges(registry, () => store.figures(), now);
  gauge("gantry_checkpoints", "Processes of waiting runs in the database.", (read) => read.stored);
  gauge("gantry_checkpoint_bytes", "What they take there.", (read) => read.storedBytes);
  gauge("gantry_checkpoints_staged", "Processes that are being stored, or were not in the end.", (read) => read.staged);
}
