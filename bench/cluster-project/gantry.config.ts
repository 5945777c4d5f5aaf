import { defineConfig } from "@gantry/sdk";

export default defineConfig({ project: "bench", dirs: ["./tasks"] });
