import { task } from "@gantry/sdk";

/** What all systems do in the benchmark: nothing. */
export const noOp = task({ id: "no-op", run: async (_payload: unknown) => undefined });

/** When its first line ran: milliseconds since the epoch, with fractions. */
export const firstLine = task({
  id: "first-line",
  run: async () => performance.timeOrigin + performance.now(),
});
