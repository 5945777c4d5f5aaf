import { step, task, wait } from "@gantry/sdk";
import { noOp } from "./bench.ts";

export const threeSteps = task({
  id: "three-steps",
  run: async ({ n }: { n: number }) => {
    const one = await step.run("one", async () => n + 1);
    const two = await step.run("two", async () => one + 1);
    return await step.run("three", async () => two + 1);
  },
});

/** When they went on: milliseconds since the epoch. */
export const napHeld = task({
  id: "nap-hold",
  checkpoint: { mode: "hold" },
  run: async ({ ms }: { ms: number }) => {
    await wait.for({ seconds: ms / 1000 });
    return Date.now();
  },
});
export const napReplayed = task({
  id: "nap-replay",
  checkpoint: { mode: "replay" },
  run: async ({ ms }: { ms: number }) => {
    await wait.for({ seconds: ms / 1000 });
    return Date.now();
  },
});

/** How long each of `count` children took, one after another; milliseconds. */
export const parent = task({
  id: "parent",
  run: async ({ count }: { count: number }) => {
    const took: number[] = [];
    for (let n = 0; n < count; n++) {
      const from = Date.now();
      await noOp.triggerAndWait({ n }).unwrap();
      took.push(Date.now() - from);
    }
    return took;
  },
});
