import { setTimeout as delay } from "node:timers/promises";
import { metadata, task } from "@gantry/sdk";

/** Says `count` times what time it is, one every `everyMs`. */
export const progress = task({
  id: "progress",
  run: async ({ count, everyMs }: { count: number; everyMs: number }) => {
    for (let n = 0; n < count; n++) {
      await delay(everyMs);
      metadata.set("setAt", performance.timeOrigin + performance.now());
    }
  },
});
