import { Bench } from "./bench.ts";
import { gantryRate } from "./rows/throughput-warm.ts";

const bench = new Bench({ rounds: 1, roundMs: 1, warmUpMs: 1, scale: 1, snapshotMs: 1 }, console.error);
for (const concurrency of [25, 100, 200]) {
  await bench.withGantry({ processKeepAlive: true, concurrency } as never, async (gantry) => {
    await gantryRate(gantry, 2000);
    console.log(concurrency, await gantryRate(gantry, 10000), await gantryRate(gantry, 10000));
  });
}
await (bench as any).close?.();
process.exit(0);
