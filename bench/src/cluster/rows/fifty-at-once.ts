import { median } from "../../measure.ts";
import type { Row } from "../../row.ts";
import type { ClusterBench } from "../cluster-bench.ts";

const RUNS = 50;

export const fiftyAtOnce: Row<ClusterBench> = {
  id: "fifty",
  what: `${RUNS} runs at once, until all have completed`,
  goal: `≤ 1.25 × ${RUNS} bare Jobs`,
  async measure({ rounds, api, bare }) {
    const ours: number[] = [];
    const theirs: number[] = [];
    for (let round = 0; round < Math.ceil(rounds / 5); round++) {
      theirs.push(await bareRound());
      ours.push(await gantryRound());
    }
    const ratio = median(ours) / median(theirs);
    return {
      figures: [
        { system: "Gantry", value: median(ours), rounds: ours },
        { system: "bare Job", value: median(theirs), rounds: theirs },
      ],
      unit: "s",
      isMet: ratio <= 1.25,
      verdict: `${ratio.toFixed(2)} × bare Jobs`,
      notes: ["one batch against fifty creates in flight; the node's kubelet is the limit of both."],
    };

    async function bareRound(): Promise<number> {
      await bare.removeAll();
      const startedAt = performance.now();
      const names = await Promise.all(Array.from({ length: RUNS }, () => bare.create()));
      await bare.untilDone(names);
      const seconds = (performance.now() - startedAt) / 1000;
      await bare.removeAll();
      return seconds;
    }

    async function gantryRound(): Promise<number> {
      const items = Array.from({ length: RUNS }, () => ({ payload: {} }));
      const startedAt = performance.now();
      await api.call("POST", "/api/v1/tasks/first-line/batch", { items });
      await api.untilIdle(240_000);
      return (performance.now() - startedAt) / 1000;
    }
  },
};
