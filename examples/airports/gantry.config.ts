import { defineConfig } from "@gantry/sdk";
import { additionalPackages } from "@gantry/sdk/build";

export default defineConfig({
  project: "airports",
  dirs: ["./tasks"],
  build: {
    // The tasks read a file out of it and import nothing: only so does a deploy know that they need it.
    extensions: [additionalPackages({ packages: ["vega-datasets"] })],
  },
  retries: {
    // Under `gantry dev` a failure would otherwise be final at once.
    enabledInDev: true,
    default: { maxAttempts: 3, minTimeoutInMs: 500, factor: 2, randomize: false },
  },
});
