import type { Bench } from "../bench.ts";
import { median, percentile } from "../measure.ts";
import { dbosThreeSteps } from "../peers/dbos.ts";
import { inTurn, valueOf } from "../rounds.ts";
import type { Row } from "../row.ts";

/** From the call that triggers it to its end in the database, one run at a time: three steps, each recorded before the next. */
export const threeSteps: Row = {
  id: "steps",
  what: "a run of three sequential steps, end to end, warm (DBOS: a workflow in the caller's process)",
  goal: "p50 ≤ 10 ms",
  async measure(bench) {
    const dbos = await dbosThreeSteps(await bench.database("dbos"));
    try {
      return await measure(bench, dbos);
    } finally {
      await dbos.close();
    }
  },
};

async function measure(bench: Bench, dbos: Awaited<ReturnType<typeof dbosThreeSteps>>) {
  const samples = Math.max(50, Math.round(300 * bench.effort.scale));
  const all: number[] = [];
  const figures = await bench.withGantry({ processKeepAlive: true }, async (gantry) => {
    const gantryRun = async () => gantry.end(await gantry.begin("three-steps", { n: 1 }));
    await timed(gantryRun, 30);
    await timed(() => dbos.run(1), 30);
    const contenders = [
      {
        system: "Gantry",
        note: "over HTTP, in a task process behind a runner",
        measure: async () => {
          const took = await timed(gantryRun, samples);
          all.push(...took);
          return median(took);
        },
      },
      { system: "DBOS", note: dbos.note, measure: async () => median(await timed(() => dbos.run(1), samples)) },
    ];
    return inTurn(bench.effort, contenders, bench.log);
  });
  const p50 = valueOf(figures, "Gantry");
  return {
    figures,
    unit: "ms",
    isMet: p50 <= 10,
    verdict: `p50 ${p50.toFixed(1)} ms, p99 ${percentile(all, 99).toFixed(1)} ms; DBOS ${valueOf(figures, "DBOS").toFixed(1)} ms`,
    notes: [
      `${samples} runs a round, one after another; Gantry's end is seen by a look into the database each millisecond.`,
    ],
  };
}

/** Milliseconds that each of `count` calls took, one after another. */
async function timed(work: () => Promise<unknown>, count: number): Promise<number[]> {
  const took: number[] = [];
  for (let n = 0; n < count; n++) {
    const from = performance.now();
    await work();
    took.push(performance.now() - from);
  }
  return took;
}
