import { setTimeout as delay } from "node:timers/promises";
import { percentile, ratePerSecond } from "../measure.ts";
import { samplePayload } from "../peers/peer.ts";
import type { Row } from "../row.ts";

const SCHEDULES = 50;

/** Fifty schedules of every two seconds while triggers come in and runs execute: when each due time had its run. */
export const scheduleAccuracy: Row = {
  id: "schedule",
  what: "a schedule's due time → its run is there, under load",
  goal: "p99 ≤ 250 ms late, never early",
  async measure(bench) {
    const durationMs = bench.effort.roundMs * 5;
    const late = await bench.withGantry({ processKeepAlive: true, concurrency: 25 }, async (gantry) => {
      await gantry.schedule("tick", "*/2 * * * * *", SCHEDULES);
      await delay(2500);
      const from = Date.now();
      const load = { inFlight: 10, durationMs, warmUpMs: 0 };
      const rate = await ratePerSecond((number) => gantry.trigger(samplePayload(number)), load);
      bench.log(`  ${rate.toFixed(0)} triggers/s beside`);
      const { rows } = await gantry.database.query<{ late: number }>(
        `select extract(epoch from r.created_at - d.due_at)::float8 * 1000 as late from schedule_due d
         join (select id, created_at from run union all select id, created_at from run_history) r on r.id = d.run_id
         where d.due_at between to_timestamp($1 / 1000.0) and to_timestamp($2 / 1000.0)`,
        [from, Date.now() - 1000],
      );
      return rows.map((row) => row.late);
    });
    const [p50, p99] = [percentile(late, 50), percentile(late, 99)];
    const early = late.filter((ms) => ms < 0).length;
    return {
      figures: [{ system: "Gantry", value: p99, rounds: late }],
      unit: "ms",
      isMet: p99 <= 250 && early === 0 && late.length > 0,
      verdict: `p50 ${p50.toFixed(0)} ms, p99 ${p99.toFixed(0)} ms late, ${early} early`,
      notes: [
        `${late.length} due times of ${SCHEDULES} schedules, all due at the same moments, 10 triggers in flight.`,
      ],
    };
  },
};
