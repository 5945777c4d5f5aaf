import { task, wait } from "@gantry/sdk";

/** Waits with a process that has used fetch, as nearly all have; says when, by the node's clock. */
export const stores = task({
  id: "stores",
  checkpoint: "process",
  run: async ({ waitMs }: { waitMs: number }) => {
    await (await fetch("data:,")).text();
    const dueAt = Date.now() + waitMs;
    const waitsAt = Date.now();
    await wait.until({ date: new Date(dueAt) });
    return { waitsAt, dueAt, goesOnAt: Date.now() };
  },
});
