import { defineConfig } from "@gantry/sdk";

export default defineConfig({ project: "live", dirs: ["./tasks"] });
