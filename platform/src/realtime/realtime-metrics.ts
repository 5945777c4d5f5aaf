import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import type { LiveMetrics } from "./live-metrics.ts";

/** LiveMetrics for Prometheus. A registry is asked once. */
export function createRealtimeMetrics(registry: Registry): LiveMetrics {
  const registers = [registry];
  const subscriptions = new Gauge({
    name: "gantry_realtime_subscriptions",
    help: "Subscriptions of the sockets that are connected here, by what they are to.",
    labelNames: ["target"],
    registers,
  });
  const messages = new Counter({
    name: "gantry_realtime_messages_total",
    help: "Messages about runs that were sent to sockets.",
    labelNames: ["kind"],
    registers,
  });
  const runs = new Counter({
    name: "gantry_realtime_runs_total",
    help: "Runs in the messages that were sent to sockets.",
    labelNames: ["kind"],
    registers,
  });
  const heldBack = new Counter({
    name: "gantry_realtime_held_back_total",
    help: "Changes not sent at once, as the client had not taken what came before; it is sent the last value later.",
    registers,
  });
  const overflowed = new Counter({
    name: "gantry_realtime_overflowed_total",
    help: "Times a client had missed too much and was told to look at the REST API, or given a new snapshot.",
    registers,
  });
  const repaired = new Counter({
    name: "gantry_realtime_repaired_runs_total",
    help: "Changes of runs that were found by looking, as no hint of them had come.",
    registers,
  });
  const queries = new Histogram({
    name: "gantry_realtime_query_seconds",
    help: "How long reads for sockets took, by what was read.",
    labelNames: ["what"],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 2],
    registers,
  });
  const rows = new Counter({
    name: "gantry_realtime_read_rows_total",
    help: "Rows asked for by reads for sockets, by what was read.",
    labelNames: ["what"],
    registers,
  });
  return {
    subscribed: (target, change) => subscriptions.inc({ target }, change),
    sent(kind, count) {
      messages.inc({ kind });
      runs.inc({ kind }, count);
    },
    heldBack: () => heldBack.inc(),
    overflowed: () => overflowed.inc(),
    repaired: (count) => repaired.inc(count),
    queried(what, count, ms) {
      queries.observe({ what }, ms / 1000);
      rows.inc({ what }, count);
    },
  };
}
