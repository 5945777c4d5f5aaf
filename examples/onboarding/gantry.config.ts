import { defineConfig } from "@gantry/sdk";

export default defineConfig({
  project: "onboarding",
  dirs: ["./tasks"],
  // The process of a run that waits stays for a second and then leaves; the default is five.
  checkpoint: { mode: "auto", holdMs: 1_000 },
});
