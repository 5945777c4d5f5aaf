import { randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { decodeId } from "../../../platform/src/ids.ts";
import { copyWaitingRun } from "../../../platform/test/support/copy-waiting-run.ts";
import type { Bench } from "../bench.ts";
import type { Gantry } from "../gantry/gantry.ts";
import { median, ratePerSecond } from "../measure.ts";
import { samplePayload } from "../peers/peer.ts";
import { times } from "../rounds.ts";
import type { Row, RowResult } from "../row.ts";
import { gantryRate } from "./throughput-warm.ts";

const MB = 2 ** 20;
/** As a process of 30 MB is stored: two chunks and a rest. */
const CHUNKS = [2 * MB, 1.5 * MB];

const OPTIONS = { processKeepAlive: true, concurrency: 100 };

interface Figures {
  triggers: number[];
  claims: number[];
  memory: number[];
}

/**
 * Beside a platform that has none, round by round, as rates of one platform differ by a third from one minute to the next.
 * Rows as a runner and `park` leave them: storing a thousand processes takes minutes and ends in the same.
 */
export const storedProcesses: Row = {
  id: "stored",
  what: "1,000 runs whose processes are stored: triggers/s and claims/s against none; platform memory",
  goal: "within 10 %; no growth",
  measure: (bench) =>
    bench.withGantry(OPTIONS, (without) =>
      bench.withGantry(OPTIONS, (having) => compared(bench, without, having), "gantry_stored"),
    ),
};

async function compared(bench: Bench, without: Gantry, having: Gantry): Promise<RowResult> {
  const { effort } = bench;
  const stored = Math.max(100, Math.round(1_000 * effort.scale));
  bench.log(`  storing ${stored}`);
  await store(having, stored);
  const figures = new Map(
    [without, having].map((gantry) => [gantry, { triggers: [], claims: [], memory: [] } as Figures]),
  );
  for (let round = 0; round <= effort.rounds + 1; round++) {
    for (const gantry of round % 2 === 0 ? [without, having] : [having, without]) {
      const triggers = await triggerRate(gantry, effort);
      const claims = await gantryRate(gantry, Math.round(5_000 * effort.scale));
      const memory = ((await gantry.memory())?.rss ?? Number.NaN) / MB;
      // The first warms up.
      if (round === 0) continue;
      figures.get(gantry)?.triggers.push(triggers);
      figures.get(gantry)?.claims.push(claims);
      figures.get(gantry)?.memory.push(memory);
      bench.log(
        `  round ${round}, ${gantry === having ? stored : 0} stored: ${Math.round(triggers)}, ${Math.round(claims)}`,
      );
    }
  }
  const [none, all] = [figures.get(without) as Figures, figures.get(having) as Figures];
  const ratios = (which: "triggers" | "claims") =>
    all[which].map((rate, round) => rate / (none[which][round] as number));
  const [triggers, claims] = [median(ratios("triggers")), median(ratios("claims"))];
  const grown = median(all.memory) - median(none.memory);
  const beside = (which: keyof Figures) => `${median(none[which]).toFixed(0)} beside ${median(all[which]).toFixed(0)}`;
  return {
    figures: [{ system: "Gantry", value: claims, rounds: ratios("claims") }],
    unit: "×",
    isMet: triggers >= 0.9 && claims >= 0.9 && grown < 10,
    verdict: `${times(triggers)} the triggers, ${times(claims)} the claims; ${grown.toFixed(0)} MB of memory`,
    notes: [
      `${beside("triggers")} triggers/s, ${beside("claims")} no-op runs/s end to end, ${beside("memory")} MB resident; ` +
        `${stored} × 3.5 MB in Postgres; pairs of rounds in turns, medians of ${all.claims.length} ratios ` +
        `(triggers ${ratios("triggers")
          .map((ratio) => ratio.toFixed(2))
          .join(", ")}).`,
    ],
  };
}

/** Triggered into a paused environment, then let run. */
async function triggerRate(gantry: Gantry, effort: { roundMs: number; warmUpMs: number }): Promise<number> {
  await gantry.api.pauseEnvironment(true);
  const { roundMs: durationMs, warmUpMs } = effort;
  const startedAt = Date.now();
  let count = 0;
  const trigger = (number: number) => {
    count++;
    return gantry.trigger(samplePayload(number));
  };
  const rate = await ratePerSecond(trigger, { inFlight: 50, durationMs, warmUpMs });
  await gantry.api.pauseEnvironment(false);
  await gantry.endOfRuns(startedAt, count);
  return rate;
}

async function store(gantry: Gantry, count: number): Promise<void> {
  const { database } = gantry;
  const first = await gantry.begin("nap-replay", { ms: 3_600_000 });
  for (let onWorker = true; onWorker; await delay(50)) {
    const { rows } = await database.query("select from run where status = 'WAITING' and execution_id is null");
    onWorker = rows.length !== 1;
  }
  await copyWaitingRun(database, decodeId("run", first) ?? "", count - 1);
  const storedBytes = CHUNKS.reduce((sum, bytes) => sum + bytes, 0);
  await database.query(
    `insert into checkpoint (id, environment_id, run_id, execution_id, state, key_encrypted, chunks, bytes, stored_bytes, sha256,
        features, memo_encrypted, if_lost, stored_at)
      select gen_random_uuid(), environment_id, id, gen_random_uuid(), 'stored', $1, $2, 30e6, $3, $4, '{}', $1, '{"then": "fail"}', now()
      from run where status = 'WAITING'`,
    [randomBytes(60), CHUNKS.length, storedBytes, randomBytes(32)],
  );
  await database.query("update run r set checkpoint_id = c.id from checkpoint c where c.run_id = r.id");
  for (const [number, bytes] of CHUNKS.entries())
    await database.query(
      "insert into checkpoint_chunk (checkpoint_id, number, data) select id, $1, $2 from checkpoint",
      [number, randomBytes(bytes)],
    );
  for (const table of ["run", "checkpoint", "checkpoint_chunk"]) await database.query(`vacuum analyze ${table}`);
  await database.query("checkpoint");
}
