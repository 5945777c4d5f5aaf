import { parseArgs } from "node:util";
import { kubeTools } from "../../../.make/kube-tools.mjs";
import { describeMachine } from "../machine.ts";
import type { Row } from "../row.ts";
import { type Report, renderReport } from "../table.ts";
import { type ClusterBench, openClusterBench } from "./cluster-bench.ts";
import { deploys } from "./rows/deploys.ts";
import { fiftyAtOnce } from "./rows/fifty-at-once.ts";
import { firstLine } from "./rows/first-line.ts";
import { imageSize } from "./rows/image-size.ts";
import { podMemory } from "./rows/pod-memory.ts";
import { processGoesOn, processSize, processStored } from "./rows/process-stored.ts";

const ROWS: Row<ClusterBench>[] = [
  firstLine,
  fiftyAtOnce,
  deploys,
  imageSize,
  podMemory,
  processStored,
  processSize,
  processGoesOn,
];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: "boolean" }, quick: { type: "boolean" }, rounds: { type: "string" } },
});

/** `make bench-cluster`: what a run costs as a Job, on the cluster that KUBECONFIG names. */
async function main(): Promise<number> {
  const unknown = positionals.filter((id) => !ROWS.some((row) => row.id === id));
  if (unknown.length > 0) {
    console.error(`There is no row ${unknown.join(", ")}; the rows are ${ROWS.map(({ id }) => id).join(", ")}.`);
    return 2;
  }
  if (process.env.KUBECONFIG === undefined) {
    console.error("No cluster: make cluster-up, then export the KUBECONFIG that it prints.");
    return 2;
  }
  process.env.PATH = `${kubeTools()}:${process.env.PATH}`;
  const startedAt = performance.now();
  const bench = await openClusterBench(Number(values.rounds ?? (values.quick ? 5 : 15)));
  const machine = { ...describeMachine(), postgres: "in the cluster" };
  const report: Report = { machine, rows: [], remarks: [], seconds: 0 };
  try {
    for (const row of ROWS.filter(({ id }) => positionals.length === 0 || positionals.includes(id))) {
      console.error(`${row.id}: ${row.what}`);
      const shown = { row: { id: row.id, what: row.what, goal: row.goal } };
      report.rows.push({ ...shown, ...(await measured(row, bench)) });
    }
  } finally {
    await bench.close();
  }
  report.seconds = (performance.now() - startedAt) / 1000;
  console.log(values.json ? JSON.stringify(report, null, 2) : renderReport(report));
  return report.rows.some(({ failure }) => failure !== undefined) ? 1 : 0;
}

async function measured(
  row: Row<ClusterBench>,
  bench: ClusterBench,
): Promise<Pick<Report["rows"][number], "result" | "failure">> {
  try {
    return { result: await row.measure(bench) };
  } catch (error) {
    return { result: undefined, failure: String((error as Error).stack ?? error) };
  }
}

process.exitCode = await main();
