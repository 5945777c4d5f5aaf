import { task } from "@gantry/sdk";

/** When its first line ran, by the node's clock. */
export const firstLine = task({ id: "first-line", run: async () => ({ at: Date.now() }) });
