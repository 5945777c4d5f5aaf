import { using } from "../../../../e2e/cluster/support/installation.ts";
import { median } from "../../measure.ts";
import type { Row } from "../../row.ts";
import type { ClusterBench } from "../cluster-bench.ts";

interface Timed {
  isNew?: boolean;
  timings?: { totalMs: number; platformMs?: number };
  uploadedLayers?: number;
}

/** The airports example: its dependencies stay, its code changes each time; then the same code once more. */
export const deploys: Row<ClusterBench> = {
  id: "deploy",
  what: "`gantry deploy` of the airports example, dependencies unchanged, without Docker",
  goal: "≤ 3 s, of which the platform ≤ 1 s; the same code again pushes no layer",
  async measure({ installation }) {
    const airports = using(await installation.bootstrap("airports"));
    const project = await airports.project("examples/airports");
    try {
      await project.deploy();
      const changed: number[] = [];
      const platform: number[] = [];
      for (let round = 0; round < 5; round++) {
        await project.write("tasks/changed.ts", change(round));
        const startedAt = performance.now();
        const { timings } = (await project.deploy()) as Timed;
        changed.push((performance.now() - startedAt) / 1000);
        if (timings?.platformMs !== undefined) platform.push(timings.platformMs / 1000);
      }
      const startedAt = performance.now();
      const again = (await project.deploy()) as Timed;
      const againSeconds = (performance.now() - startedAt) / 1000;
      const [all, ours] = [median(changed), median(platform)];
      return {
        figures: [{ system: "Gantry", value: all, rounds: changed }],
        unit: "s",
        isMet: all <= 3 && ours <= 1 && again.isNew === false,
        verdict: `${all.toFixed(1)} s, the platform ${ours.toFixed(2)} s; the same code again ${againSeconds.toFixed(1)} s, ${again.isNew === false ? "nothing pushed" : "a new version"}`,
        notes: [
          "median of 5, from the start of the CLI's process to its end; the platform's part is what the CLI waited for its build.",
        ],
      };
    } finally {
      await project.remove();
    }
  },
};

function change(round: number): string {
  return `import { task } from "@gantry/sdk";\nexport const changed = task({ id: "changed", run: async () => ${round + Date.now()} });\n`;
}
