import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { ratePerSecond } from "../measure.ts";
import { inTurn, valueOf } from "../rounds.ts";
import type { Row } from "../row.ts";
import { gantryRate } from "./throughput-warm.ts";

const BOOT = new URL("../gantry/boot.mjs", import.meta.url).pathname;

/** The bound is the machine's: booting Node with the task's bundle and the SDK, as many at once as there are cores. */
export const throughputFresh: Row = {
  id: "fresh",
  what: "no-op runs/s, a fresh process each",
  goal: "≥ 70 % of what the machine can fork and boot",
  async measure(bench) {
    const jobs = Math.max(40, Math.round(300 * bench.effort.scale));
    const figures = await bench.withGantry({ poolSize: availableParallelism() * 2 }, async (gantry) => {
      const bundle = await gantry.bundleEntry();
      return inTurn(
        bench.effort,
        [
          { system: "Gantry", measure: () => gantryRate(gantry, jobs) },
          {
            system: "fork and boot alone",
            note: "node with the task's bundle imported, then ended",
            measure: () => bootRate(bundle, bench.effort.roundMs),
          },
        ],
        bench.log,
      );
    });
    const share = valueOf(figures, "Gantry") / valueOf(figures, "fork and boot alone");
    return {
      figures,
      unit: "/s",
      isMet: share >= 0.7,
      verdict: `${Math.round(share * 100)} % of fork and boot alone`,
      notes: [`${jobs} runs a round.`],
    };
  },
};

/** With a compile cache, as the runner gives to its processes. */
async function bootRate(bundle: string, durationMs: number): Promise<number> {
  const cache = await mkdtemp(join(tmpdir(), "gantry-bench-compile-cache-"));
  const env = { ...process.env, NODE_COMPILE_CACHE: cache };
  const boot = async () => {
    const child = spawn(process.execPath, [BOOT, bundle], { stdio: "ignore", env });
    const [code] = (await once(child, "exit")) as [number];
    if (code !== 0) throw new Error(`A booted process ended with ${code}.`);
  };
  try {
    return await ratePerSecond(boot, { inFlight: availableParallelism(), durationMs, warmUpMs: 1000 });
  } finally {
    await rm(cache, { recursive: true, force: true });
  }
}
