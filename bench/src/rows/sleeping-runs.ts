import { setTimeout as delay } from "node:timers/promises";
import { decodeId } from "../../../platform/src/ids.ts";
import { copyWaitingRun } from "../../../platform/test/support/copy-waiting-run.ts";
import type { Bench } from "../bench.ts";
import { cpuMs } from "../cpu-time.ts";
import type { Gantry } from "../gantry/gantry.ts";
import { times } from "../rounds.ts";
import type { Row } from "../row.ts";

const WOKEN = 1000;

interface Sleep {
  /** Share of a core that platform and Postgres use while all sleep, in percent. */
  idlePercent: number;
  /** CPU of both to wake a thousand, and how long it took from their time on. */
  wakeCpuMs: number;
  wakeMs: number;
}

/** The environment is paused: what is woken queues up, and no run takes the time that is measured. */
export const sleepingRuns: Row = {
  id: "sleeping",
  what: "1 M sleeping runs: timers' share of a core; waking 1,000 of them against 1,000 of 1,000",
  goal: "≤ 1 % of a core; the same (≤ 1.5×)",
  async measure(bench) {
    const many = Math.max(10_000, Math.round(1_000_000 * bench.effort.scale));
    const few = await measured(bench, WOKEN);
    const large = await measured(bench, many);
    const share = Math.max(0, large.idlePercent - few.idlePercent);
    const [cost, time] = [large.wakeCpuMs / few.wakeCpuMs, large.wakeMs / few.wakeMs];
    return {
      figures: [
        { system: "Gantry", value: share, rounds: [few.idlePercent, large.idlePercent] },
        { system: "Gantry, waking", value: cost, rounds: [few.wakeCpuMs, large.wakeCpuMs] },
      ],
      unit: "",
      isMet: share <= 1 && cost <= 1.5,
      verdict: `${share.toFixed(2)} % of a core more with ${many} asleep; waking costs ${times(cost)} the CPU and ${times(time)} the time`,
      notes: [
        `platform and Postgres together: ${few.idlePercent.toFixed(2)} % of a core with ${WOKEN} asleep, ${large.idlePercent.toFixed(2)} % with ${many}; ` +
          `${WOKEN} woken in ${few.wakeMs.toFixed(0)} / ${large.wakeMs.toFixed(0)} ms after their time for ${few.wakeCpuMs.toFixed(0)} / ${large.wakeCpuMs.toFixed(0)} ms of CPU.`,
      ],
    };
  },
};

function measured(bench: Bench, asleep: number): Promise<Sleep> {
  return bench.withGantry({ poolSize: 1 }, async (gantry) => {
    bench.log(`  ${asleep} asleep`);
    await putToSleep(gantry, asleep);
    const used = async () => cpuMs([gantry.pid(), await bench.postgresPid()]);
    const overMs = bench.effort.roundMs * 4;
    const from = await used();
    await delay(overMs);
    const idlePercent = (100 * ((await used()) - from)) / overMs;
    const beforeWake = await used();
    const wakeMs = await wake(gantry);
    return { idlePercent, wakeCpuMs: (await used()) - beforeWake, wakeMs };
  });
}

async function putToSleep(gantry: Gantry, count: number): Promise<void> {
  const first = await gantry.begin("nap-replay", { ms: 3_600_000 });
  for (let onWorker = true; onWorker; await delay(50)) {
    const { rows } = await gantry.database.query<{ n: number }>(
      "select count(*)::int as n from run where status = 'WAITING' and execution_id is null",
    );
    onWorker = rows[0]?.n !== 1;
  }
  await gantry.api.pauseEnvironment(true);
  await copyWaitingRun(gantry.database, decodeId("run", first) ?? "", count - 1);
  for (const table of ["run", "run_journal", "journal_entry"]) await gantry.database.query(`vacuum analyze ${table}`);
  await gantry.database.query("checkpoint");
}

/** Lets a thousand be due in a moment; milliseconds from then until all of them wait for their slot. */
async function wake({ database }: Gantry): Promise<number> {
  const { rows } = await database.query<{ due: number }>(
    `with due as (update journal_entry set due_at = clock_timestamp() + interval '2 seconds'
       where (run_id, entry) in (select run_id, entry from journal_entry where completed_at is null limit ${WOKEN}) returning due_at)
     select extract(epoch from max(due_at))::float8 * 1000 as due from due`,
  );
  const due = rows[0]?.due ?? Number.NaN;
  for (;;) {
    await delay(5);
    const queued = await database.query<{ n: number; now: number }>(
      "select count(*)::int as n, extract(epoch from clock_timestamp())::float8 * 1000 as now from ready",
    );
    const { n, now } = queued.rows[0] ?? { n: 0, now: 0 };
    if (n >= WOKEN) return now - due;
    if (now > due + 60_000) throw new Error(`of ${WOKEN} runs ${n} were woken within a minute`);
  }
}
