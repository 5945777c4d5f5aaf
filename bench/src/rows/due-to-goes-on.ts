import { decodeId } from "../../../platform/src/ids.ts";
import type { Gantry } from "../gantry/gantry.ts";
import { percentile } from "../measure.ts";
import type { Row } from "../row.ts";

/** From the moment a wait is due, by the database, to the next line of user code, by the machine's clock. */
export const dueToGoesOn: Row = {
  id: "due",
  what: "wait is due → user code goes on: held / replayed in a booted process",
  goal: "p50 ≤ 20 ms / ≤ 60 ms",
  async measure(bench) {
    const samples = Math.max(10, Math.round(60 * bench.effort.scale));
    const [held, replayed] = await bench.withGantry({ poolSize: 4 }, async (gantry) => [
      await lateness(gantry, "nap-hold", samples),
      await lateness(gantry, "nap-replay", samples),
    ]);
    const [heldP50, replayedP50] = [percentile(held ?? [], 50), percentile(replayed ?? [], 50)];
    const early = [...(held ?? []), ...(replayed ?? [])].filter((ms) => ms < 0).length;
    return {
      figures: [
        { system: "Gantry", value: heldP50, rounds: held ?? [] },
        { system: "Gantry, replayed", value: replayedP50, rounds: replayed ?? [] },
      ],
      unit: "ms",
      isMet: heldP50 <= 20 && replayedP50 <= 60 && early === 0,
      verdict: `p50 ${heldP50.toFixed(1)} ms held, ${replayedP50.toFixed(1)} ms replayed; p99 ${percentile(held ?? [], 99).toFixed(0)} / ${percentile(replayed ?? [], 99).toFixed(0)} ms; ${early} early`,
      notes: [`${samples} waits of 700 ms each way, one at a time.`],
    };
  },
};

async function lateness(gantry: Gantry, task: string, samples: number): Promise<number[]> {
  const measured: number[] = [];
  for (let n = -2; n < samples; n++) {
    const run = await gantry.begin(task, { ms: 700 });
    const wentOnAt = await gantry.output<number>(run);
    const dueAt = await dueOf(gantry, run);
    if (n >= 0) measured.push(wentOnAt - dueAt);
  }
  return measured;
}

/** The journal of a run that has ended moves to history a moment later. */
async function dueOf({ database }: Gantry, run: string): Promise<number> {
  const { rows } = await database.query<{ due: number }>(
    `select extract(epoch from due_at)::float8 * 1000 as due from journal_history where run_id = $1 and kind = 'time'
     union all
     select extract(epoch from due_at)::float8 * 1000 from journal_entry where run_id = $1 and kind = 'time'`,
    [decodeId("run", run)],
  );
  return rows[0]?.due ?? Number.NaN;
}
