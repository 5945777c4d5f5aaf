import { median } from "../../measure.ts";
import type { Row } from "../../row.ts";
import type { ClusterBench } from "../cluster-bench.ts";

/** Trigger to first line beside a bare Job's create to first line, in turns, so that both meet the same weather. */
export const firstLine: Row<ClusterBench> = {
  id: "first-line",
  what: "to the first line of user code in a new pod, image present",
  goal: "≤ 1.25 × a bare Job of the same image, requests and limits",
  async measure({ rounds, api, bare }) {
    const ours: number[] = [];
    const theirs: number[] = [];
    for (let round = 0; round < rounds; round++) {
      theirs.push(await bareRound());
      ours.push(await gantryRound());
    }
    const ratio = median(ours) / median(theirs);
    return {
      figures: [
        { system: "Gantry", value: median(ours), rounds: ours },
        { system: "bare Job", value: median(theirs), rounds: theirs },
      ],
      unit: "ms",
      isMet: ratio <= 1.25,
      verdict: `${ratio.toFixed(2)} × a bare Job`,
      notes: [`medians of ${rounds} in turns; machine small-1x; from before the request to the line's own clock.`],
    };

    async function bareRound(): Promise<number> {
      const startedAt = Date.now();
      const name = await bare.create();
      await bare.untilDone([name]);
      return (await bare.firstLineAt(name)) - startedAt;
    }

    async function gantryRound(): Promise<number> {
      const startedAt = Date.now();
      const runId = await api.trigger("first-line", {});
      const { output } = await api.untilStatus(runId, "COMPLETED");
      return (output as { at: number }).at - startedAt;
    }
  },
};
