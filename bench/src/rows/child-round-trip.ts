import { percentile } from "../measure.ts";
import type { Row } from "../row.ts";

/** Measured in the parent, around the call: triggered, admitted, run, ended, told. */
export const childRoundTrip: Row = {
  id: "child",
  what: "triggerAndWait of a no-op child, processes kept alive",
  goal: "p50 ≤ 25 ms",
  async measure(bench) {
    const count = Math.max(50, Math.round(300 * bench.effort.scale));
    const took = await bench.withGantry({ processKeepAlive: true }, async (gantry) => {
      await gantry.output<number[]>(await gantry.begin("parent", { count: 20 }));
      return gantry.output<number[]>(await gantry.begin("parent", { count }));
    });
    const [p50, p99] = [percentile(took, 50), percentile(took, 99)];
    return {
      figures: [{ system: "Gantry", value: p50, rounds: took }],
      unit: "ms",
      isMet: p50 <= 25,
      verdict: `p50 ${p50.toFixed(0)} ms, p99 ${p99.toFixed(0)} ms`,
      notes: [`${count} children, one after another, in whole milliseconds.`],
    };
  },
};
