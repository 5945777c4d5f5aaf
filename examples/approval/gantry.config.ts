import { defineConfig } from "@gantry/sdk";

export default defineConfig({ project: "approval", dirs: ["./tasks"] });
