import { defineConfig } from "@gantry/sdk";

export default defineConfig({ project: "onboarding", dirs: ["./tasks"] });
