import { setTimeout as delay } from "node:timers/promises";
import type { ApiClient } from "../../../sdk/src/client/api-client.ts";
import { percentile } from "../measure.ts";
import type { Row } from "../row.ts";

/** One run at a time on an idle platform: from the reply to the trigger to the task's first line, by the machine's clock. */
export const startLatency: Row = {
  id: "latency",
  what: "trigger acknowledged → first line of user code, idle, booted process",
  goal: "p50 ≤ 10 ms, p99 ≤ 30 ms",
  async measure(bench) {
    const samples = Math.max(50, Math.round(300 * bench.effort.scale));
    const latencies = await bench.withGantry({ poolSize: 4 }, async ({ api }) => {
      const measured: number[] = [];
      for (let number = -5; number < samples; number++) {
        const { id } = await api.triggerTask("first-line", { options: {} });
        const acknowledgedAt = performance.timeOrigin + performance.now();
        // Until its successor has booted: the row is about a process that waits for the run.
        await delay(300);
        const startedAt = await firstLineAt(api, id);
        if (number >= 0) measured.push(Math.max(0, startedAt - acknowledgedAt));
      }
      return measured;
    });
    const [p50, p99] = [percentile(latencies, 50), percentile(latencies, 99)];
    return {
      figures: [{ system: "Gantry", value: p50, rounds: latencies }],
      unit: "ms",
      isMet: p50 <= 10 && p99 <= 30,
      verdict: `p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms`,
      notes: [
        `${samples} runs, one every 300 ms, a fresh process each; a run that began before its reply arrived counts as 0.`,
      ],
    };
  },
};

async function firstLineAt(api: ApiClient, id: string): Promise<number> {
  for (;;) {
    const run = await api.retrieveRun(id);
    if (typeof run.output === "number") return run.output;
    if (run.isCompleted) throw new Error(`Run ${id} is ${run.status}: ${run.error?.message}`);
    await delay(50);
  }
}
