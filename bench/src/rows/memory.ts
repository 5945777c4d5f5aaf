import { setTimeout as delay } from "node:timers/promises";
import { ratePerSecond } from "../measure.ts";
import { samplePayload } from "../peers/peer.ts";
import type { Row } from "../row.ts";

const MB = 2 ** 20;
const BATCH = Array.from({ length: 1000 }, (_, number) => samplePayload(number));

/** The platform's own process; Postgres and the workers have theirs. */
export const platformMemory: Row = {
  id: "memory",
  what: "platform memory: idle / peak under triggers, batches and runs at once",
  goal: "≤ 150 MB / ≤ 400 MB",
  async measure(bench) {
    return bench.withGantry({ processKeepAlive: true }, async (gantry) => {
      await delay(5000);
      const idle = await gantry.memory();
      await Promise.all([
        ratePerSecond((number) => gantry.trigger(samplePayload(number)), {
          inFlight: 50,
          durationMs: bench.effort.roundMs * 2,
          warmUpMs: 0,
        }),
        ratePerSecond(() => gantry.triggerBatch(BATCH), {
          inFlight: 1,
          durationMs: bench.effort.roundMs * 2,
          warmUpMs: 0,
        }),
      ]);
      const loaded = await gantry.memory();
      if (idle === undefined || loaded === undefined) {
        return { figures: [], unit: "MB", isMet: undefined, verdict: "needs Linux's /proc", notes: [] };
      }
      const [idleMb, peakMb] = [idle.rss / MB, loaded.peakRss / MB];
      return {
        figures: [{ system: "Gantry", value: peakMb, rounds: [idleMb, peakMb] }],
        unit: "MB",
        isMet: idleMb <= 150 && peakMb <= 400,
        verdict: `${idleMb.toFixed(0)} MB idle, ${peakMb.toFixed(0)} MB at the peak`,
        notes: [
          "resident set of the platform's process, 5 s after its start and at its peak; 50 triggers and one batch of 1000 in flight, runs executing.",
        ],
      };
    });
  },
};
