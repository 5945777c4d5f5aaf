import { task, wait } from "@gantry/sdk";

/**
 * Waits with a process that has used fetch, as nearly all have; says when, by the node's clock. It has worked for a while by then:
 * a worker first tries whether it can store processes at all.
 */
export const stores = task({
  id: "stores",
  checkpoint: "process",
  run: async ({ waitMs }: { waitMs: number }) => {
    await (await fetch("data:,")).text();
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    const dueAt = Date.now() + waitMs;
    const waitsAt = Date.now();
    await wait.until({ date: new Date(dueAt) });
    return { waitsAt, dueAt, goesOnAt: Date.now() };
  },
});
