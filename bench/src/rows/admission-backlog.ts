import { setTimeout as delay } from "node:timers/promises";
import type { AdmittedRun, LaneAnnouncement } from "../../../platform/src/runs/run-store.ts";
import { type ExecutingRun, finishAll, holdSnapshot, refill, Triggering } from "../admission/load.ts";
import { type Scene, type Shape, setScene } from "../admission/scene.ts";
import type { Bench } from "../bench.ts";
import { median, percentile } from "../measure.ts";
import { times } from "../rounds.ts";
import type { Row, RowResult } from "../row.ts";

const N = 100;
const ITERATIONS = 40;
const TRIGGERS_PER_SECOND = 500;

/** The store alone, with its real SQL: what an admission of 100 runs costs, whatever lies around them. */
export const admissionBacklog: Row = {
  id: "admission",
  what: "admit 100 runs: backlog of 100 → 1 M in 10,000 lanes (9,900 full), 1 M finished, triggers going on, an old snapshot",
  goal: "within 1.5×, latency and buffers",
  async measure(bench) {
    const { scale, snapshotMs } = bench.effort;
    const small = await measureSmall(bench);
    const lanes = Math.max(200, Math.round(10_000 * scale));
    const rows = Math.round(1_000_000 * scale);
    const large = await measureLarge(
      bench,
      { lanes, fullLanes: lanes - 100, queued: rows, finished: rows },
      snapshotMs,
    );
    return compare(small, large);
  },
};

interface Admissions {
  ms: number[];
  buffers: number[];
  note: string;
}

async function measureSmall(bench: Bench): Promise<Admissions> {
  bench.log("  a backlog of 100 in 32 lanes");
  const shape: Shape = { lanes: 32, fullLanes: 0, queued: 0, finished: 0 };
  const scene = await setScene(await bench.database("admission_small"), shape);
  try {
    const admissions = await admitAgainAndAgain(scene, () => refill(scene, N));
    return { ...admissions, note: "nothing else in the database" };
  } finally {
    await scene.close();
  }
}

async function measureLarge(bench: Bench, shape: Shape, snapshotMs: number): Promise<Admissions> {
  bench.log(`  filling: ${shape.queued} queued in ${shape.lanes} lanes, ${shape.finished} finished`);
  const url = await bench.database("admission_large");
  const scene = await setScene(url, shape);
  const snapshot = await holdSnapshot(url);
  const triggering = new Triggering(scene, TRIGGERS_PER_SECOND);
  try {
    bench.log(`  holding a snapshot for ${snapshotMs / 1000} s while runs come and go`);
    const churned = await churn(scene, triggering, snapshot.since + snapshotMs);
    const admissions = await admitAgainAndAgain(scene, async () => triggering.announcements.splice(0));
    const age = Math.round((performance.now() - snapshot.since) / 1000);
    return {
      ...admissions,
      note: `the snapshot was ${age} s old and ${churned} runs had come and gone under it; ${triggering.triggered} were triggered meanwhile`,
    };
  } finally {
    await triggering.stop();
    await snapshot.release();
    await scene.close();
  }
}

/** Lives as the platform does: admits, ends, announces, without a pause, so that dead rows pile up behind the snapshot. */
async function churn(scene: Scene, triggering: Triggering, until: number): Promise<number> {
  let count = 0;
  let announcements: LaneAnnouncement[] = [];
  while (performance.now() < until) {
    const runs = await admit(scene, [...announcements, ...triggering.announcements.splice(0)]);
    announcements = await finishAll(scene, runs);
    count += runs.length;
    // As fast as a busy environment, and no faster: the measurement is of age, not of exhaustion.
    await delay(50);
  }
  return count;
}

async function admitAgainAndAgain(
  scene: Scene,
  prepare: () => Promise<LaneAnnouncement[]>,
): Promise<{ ms: number[]; buffers: number[] }> {
  const ms: number[] = [];
  const buffers: number[] = [];
  let freed: LaneAnnouncement[] = [];
  for (let iteration = 0; iteration < ITERATIONS; iteration++) {
    const announcements = [...freed, ...(await prepare())];
    const isExplained = iteration % 4 === 3;
    const start = performance.now();
    const admission = isExplained
      ? await explainAdmit(scene, announcements)
      : { runs: await admit(scene, announcements) };
    const took = performance.now() - start;
    if (admission.runs.length === N) {
      if ("buffers" in admission) buffers.push(admission.buffers);
      else ms.push(took);
    }
    freed = await finishAll(scene, admission.runs);
  }
  if (ms.length < ITERATIONS / 2) throw new Error(`Only ${ms.length} of ${ITERATIONS} admissions took all ${N} runs.`);
  return { ms, buffers };
}

async function admit(scene: Scene, announcements: LaneAnnouncement[]): Promise<AdmittedRun[]> {
  const runs = await scene.store.admit(scene.environmentId, N, announcements, new Map([[scene.deploymentId, 1000]]));
  if (runs === "busy") throw new Error("Another admission holds the environment.");
  return runs;
}

/** The same call under EXPLAIN: pages touched, those of the statements inside the function included. */
async function explainAdmit(
  scene: Scene,
  announcements: LaneAnnouncement[],
): Promise<{ runs: ExecutingRun[]; buffers: number }> {
  const { rows } = await scene.pool.query<{ "QUERY PLAN": [{ Plan: Record<string, number> }] }>(
    `explain (analyze, buffers, timing off, format json)
     select * from admit($1, $2, $3::bigint[], $4::timestamptz[], $5::jsonb, 3600000, 60000)`,
    [
      scene.environmentId,
      N,
      announcements.map(({ laneId }) => laneId),
      announcements.map(({ orderAt }) => orderAt ?? "infinity"),
      JSON.stringify({ [scene.deploymentId]: 1000 }),
    ],
  );
  const plan = rows[0]?.["QUERY PLAN"][0].Plan ?? {};
  const buffers = (plan["Shared Hit Blocks"] ?? 0) + (plan["Shared Read Blocks"] ?? 0);
  // Only admissions of this row have executions: those that the scene was set with have none.
  const executing = await scene.pool.query<ExecutingRun>(
    `select e.run_id as "runId", e.id as "executionId", e.fence::text as fence from execution e where e.state = 'RUNNING'`,
  );
  return { runs: executing.rows, buffers };
}

function compare(small: Admissions, large: Admissions): RowResult {
  const latency = median(large.ms) / median(small.ms);
  const buffers = median(large.buffers) / median(small.buffers);
  const buffersOf = (admissions: Admissions) => Math.round(median(admissions.buffers)).toLocaleString("en-US");
  const p95Of = (admissions: Admissions) => percentile(admissions.ms, 95).toFixed(1);
  return {
    figures: [{ system: "Gantry", value: median(large.ms), rounds: large.ms }],
    unit: "ms",
    isMet: latency <= 1.5 && buffers <= 1.5,
    verdict: `${times(latency)} the latency and ${times(buffers)} the buffers of a backlog of 100`,
    notes: [
      `backlog of 100, ${small.note}: p50 ${median(small.ms).toFixed(1)} ms, p95 ${p95Of(small)} ms, ${buffersOf(small)} buffers.`,
      `backlog of 1 M: p50 ${median(large.ms).toFixed(1)} ms, p95 ${p95Of(large)} ms, ${buffersOf(large)} buffers; ${large.note}.`,
    ],
  };
}
