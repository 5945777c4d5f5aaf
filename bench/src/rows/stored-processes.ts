import { randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { decodeId } from "../../../platform/src/ids.ts";
import { copyWaitingRun } from "../../../platform/test/support/copy-waiting-run.ts";
import type { Gantry } from "../gantry/gantry.ts";
import { median, ratePerSecond } from "../measure.ts";
import { samplePayload } from "../peers/peer.ts";
import { times } from "../rounds.ts";
import type { Row } from "../row.ts";
import { gantryRate } from "./throughput-warm.ts";

const MB = 2 ** 20;
/** As a process of 30 MB is stored: two chunks and a rest. */
const CHUNKS = [2 * MB, 1.5 * MB];

interface Rates {
  triggers: number[];
  claims: number[];
  memory: number[];
}

/** Rows as a runner and `park` leave them: storing a thousand processes takes minutes and ends in the same. */
export const storedProcesses: Row = {
  id: "stored",
  what: "1,000 runs whose processes are stored: triggers/s and claims/s against before; platform memory",
  goal: "within 10 %; no growth",
  async measure(bench) {
    const stored = Math.max(100, Math.round(1_000 * bench.effort.scale));
    const { before, after } = await bench.withGantry({ processKeepAlive: true, concurrency: 100 }, async (gantry) => {
      const measured = async (): Promise<Rates> => {
        const rates: Rates = { triggers: [], claims: [], memory: [] };
        for (let round = 0; round < bench.effort.rounds; round++) {
          rates.triggers.push(await triggerRate(gantry, bench.effort));
          rates.claims.push(await gantryRate(gantry, Math.round(5_000 * bench.effort.scale)));
          rates.memory.push(((await gantry.memory())?.rss ?? Number.NaN) / MB);
        }
        return rates;
      };
      await measured();
      const earlier = await measured();
      bench.log(`  storing ${stored}`);
      await store(gantry, stored);
      return { before: earlier, after: await measured() };
    });
    const ratio = (which: "triggers" | "claims") => median(after[which]) / median(before[which]);
    const grown = median(after.memory) - median(before.memory);
    return {
      figures: [{ system: "Gantry", value: ratio("claims"), rounds: [ratio("triggers"), ratio("claims"), grown] }],
      unit: "×",
      isMet: ratio("triggers") >= 0.9 && ratio("claims") >= 0.9 && grown < 10,
      verdict: `${times(ratio("triggers"))} the triggers, ${times(ratio("claims"))} the claims; ${grown.toFixed(0)} MB of memory`,
      notes: [
        `${median(before.triggers).toFixed(0)} → ${median(after.triggers).toFixed(0)} triggers/s, ` +
          `${median(before.claims).toFixed(0)} → ${median(after.claims).toFixed(0)} no-op runs/s end to end, ` +
          `${median(before.memory).toFixed(0)} → ${median(after.memory).toFixed(0)} MB resident; ${stored} × 3.5 MB in Postgres.`,
      ],
    };
  },
};

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
