import { Gauge, type Registry } from "prom-client";
import { ChunkGate } from "./chunk-gate.ts";

/** What may be in memory at once, in each direction; Postgres takes no more than a few at a time anyway. */
const CHUNKS_AT_ONCE = 4;
/** Each has a connection, and what fits into its buffers: 64 KB. */
const MAX_WAITING = 512;

interface ChunkGates {
  put: ChunkGate;
  get: ChunkGate;
}

const gatesOf = new WeakMap<Registry, ChunkGates>();

/** A replica's, with their gauge: the same however often its routes are listed. */
export function chunkGates(metrics: Registry): ChunkGates {
  const known = gatesOf.get(metrics);
  if (known) return known;
  const gates = { put: new ChunkGate(CHUNKS_AT_ONCE, MAX_WAITING), get: new ChunkGate(CHUNKS_AT_ONCE, MAX_WAITING) };
  gatesOf.set(metrics, gates);
  new Gauge({
    name: "gantry_checkpoint_chunks_waiting",
    help: "Requests with a chunk of a stored process that wait for their turn on this replica.",
    labelNames: ["method"],
    registers: [metrics],
    collect() {
      for (const [method, gate] of Object.entries(gates)) this.set({ method }, gate.waiting);
    },
  });
  return gates;
}
