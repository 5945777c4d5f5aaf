import { schedules } from "@gantry/sdk";

/** Does nothing, when schedules say so. */
export const tick = schedules.task({ id: "tick", run: async () => undefined });
