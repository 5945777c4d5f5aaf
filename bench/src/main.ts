import { parseArgs } from "node:util";
import { Bench, type Effort } from "./bench.ts";
import { describeMachine } from "./machine.ts";
import type { Row } from "./row.ts";
import { admissionBacklog } from "./rows/admission-backlog.ts";
import { batchTriggers } from "./rows/batch-triggers.ts";
import { childRoundTrip } from "./rows/child-round-trip.ts";
import { dashboardOpens } from "./rows/dashboard-opens.ts";
import { dueToGoesOn } from "./rows/due-to-goes-on.ts";
import { liveUpdates } from "./rows/live-updates.ts";
import { platformMemory } from "./rows/memory.ts";
import { metadataLatency } from "./rows/metadata-latency.ts";
import { scheduleAccuracy } from "./rows/schedule-accuracy.ts";
import { singleTriggers } from "./rows/single-triggers.ts";
import { sleepingRuns } from "./rows/sleeping-runs.ts";
import { startLatency } from "./rows/start-latency.ts";
import { storedProcesses } from "./rows/stored-processes.ts";
import { threeSteps } from "./rows/three-steps.ts";
import { throughputFresh } from "./rows/throughput-fresh.ts";
import { throughputWarm } from "./rows/throughput-warm.ts";
import { type Report, renderReport } from "./table.ts";

const ROWS: Row[] = [
  singleTriggers,
  batchTriggers,
  startLatency,
  throughputWarm,
  throughputFresh,
  admissionBacklog,
  platformMemory,
  threeSteps,
  dueToGoesOn,
  childRoundTrip,
  sleepingRuns,
  storedProcesses,
  scheduleAccuracy,
  metadataLatency,
  liveUpdates,
  dashboardOpens,
];
/** A row that takes this long has met a fault and not a slow machine. */
const ROW_DEADLINE_MS = 240_000;
const FULL: Effort = { rounds: 3, roundMs: 4000, warmUpMs: 1000, scale: 1, snapshotMs: 60_000 };
const QUICK: Effort = { rounds: 1, roundMs: 1500, warmUpMs: 500, scale: 0.1, snapshotMs: 5000 };

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: "boolean" },
    quick: { type: "boolean" },
    help: { type: "boolean" },
    "snapshot-seconds": { type: "string" },
  },
});

if (values.help) {
  console.log(
    `node bench/src/main.ts [--quick] [--json] [--snapshot-seconds <n>] [row…]\nRows: ${ROWS.map(({ id }) => id).join(", ")}`,
  );
} else {
  process.exitCode = await main();
}

async function main(): Promise<number> {
  const unknown = positionals.filter((id) => !ROWS.some((row) => row.id === id));
  if (unknown.length > 0) {
    console.error(`There is no row ${unknown.join(", ")}; the rows are ${ROWS.map(({ id }) => id).join(", ")}.`);
    return 2;
  }
  const start = performance.now();
  const effort = { ...(values.quick ? QUICK : FULL) };
  if (values["snapshot-seconds"] !== undefined) effort.snapshotMs = Number(values["snapshot-seconds"]) * 1000;
  const bench = new Bench(effort, (text) => console.error(text));
  // Postgres and the platforms are detached: an interrupted benchmark must not leave them behind.
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => void bench.close().finally(() => process.exit(130)));
  }
  const report: Report = {
    machine: { ...describeMachine(), postgres: await bench.postgresVersion() },
    rows: [],
    remarks: [],
    seconds: 0,
  };
  try {
    for (const row of ROWS.filter(({ id }) => positionals.length === 0 || positionals.includes(id))) {
      bench.log(`${row.id}: ${row.what}`);
      report.rows.push({ row: { id: row.id, what: row.what, goal: row.goal }, ...(await measured(row, bench)) });
    }
  } finally {
    await bench.close();
  }
  report.remarks.push(...bench.remarks);
  report.seconds = (performance.now() - start) / 1000;
  console.log(values.json ? JSON.stringify(report, null, 2) : renderReport(report));
  return report.rows.some(({ failure }) => failure !== undefined) ? 1 : 0;
}

/** A row that fails is shown as failed, and the others are measured all the same. */
async function measured(row: Row, bench: Bench): Promise<Pick<Report["rows"][number], "result" | "failure">> {
  try {
    return { result: await withDeadline(row.measure(bench), ROW_DEADLINE_MS + bench.effort.snapshotMs) };
  } catch (error) {
    bench.log(error instanceof Error ? (error.stack ?? error.message) : String(error));
    return { result: undefined, failure: error instanceof Error ? error.message : String(error) };
  }
}

async function withDeadline<T>(work: Promise<T>, ms: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`It had not ended after ${ms / 1000} s.`)), ms);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}
