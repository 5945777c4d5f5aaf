import { median, percentile } from "../../measure.ts";
import type { Row } from "../../row.ts";
import type { ClusterBench } from "../cluster-bench.ts";
import { storedRounds } from "../stored-rounds.ts";

const MB = 2 ** 20;

/** From the line that waits to the commit after which the pod is of no use. */
export const processStored: Row<ClusterBench> = {
  id: "stored",
  what: "wait reached → process stored",
  goal: "p50 ≤ 300 ms with a process of 30 MB",
  async measure(bench) {
    const rounds = await storedRounds(bench);
    const ms = rounds.map(({ storedMs }) => storedMs);
    const bytes = median(rounds.map((round) => round.bytes)) / MB;
    return {
      figures: [{ system: "Gantry", value: median(ms), rounds: ms }],
      unit: "ms",
      isMet: median(ms) <= 300,
      verdict: `p50 ${median(ms).toFixed(0)} ms, p95 ${percentile(ms, 95).toFixed(0)} ms, ${bytes.toFixed(0)} MB before compression`,
      notes: ["machine small-1x; from the task's clock before the wait to the database's at the commit, same machine."],
    };
  },
};

export const processSize: Row<ClusterBench> = {
  id: "stored-size",
  what: "that process as Postgres has it",
  goal: "≤ 6 MB",
  async measure(bench) {
    const rounds = await storedRounds(bench);
    const stored = rounds.map(({ storedBytes }) => storedBytes / MB);
    return {
      figures: [{ system: "Gantry", value: median(stored), rounds: stored }],
      unit: "MB",
      isMet: median(stored) <= 6,
      verdict: `${median(stored).toFixed(1)} MB`,
      notes: ["its memory, its temporary files and its output, compressed and encrypted."],
    };
  },
};

export const processGoesOn: Row<ClusterBench> = {
  id: "goes-on",
  what: "wait due → next line of a stored process, image present",
  goal: "≤ a bare Job's start + 200 ms",
  async measure(bench) {
    const rounds = await storedRounds(bench);
    const [ours, theirs] = [rounds.map(({ goesOnMs }) => goesOnMs), rounds.map(({ bareMs }) => bareMs)];
    const more = median(ours) - median(theirs);
    return {
      figures: [
        { system: "Gantry", value: median(ours), rounds: ours },
        { system: "bare Job", value: median(theirs), rounds: theirs },
      ],
      unit: "ms",
      isMet: more <= 200,
      verdict: `${more.toFixed(0)} ms more than a bare Job`,
      notes: [`medians of ${rounds.length} in turns; the bare Job has the image, requests and limits of a run.`],
    };
  },
};
