import { defineConfig } from "@gantry/sdk";

export default defineConfig({
  project: "airports",
  dirs: ["./tasks"],
  retries: {
    // Under `gantry dev` a failure would otherwise be final at once.
    enabledInDev: true,
    default: { maxAttempts: 3, minTimeoutInMs: 500, factor: 2, randomize: false },
  },
});
