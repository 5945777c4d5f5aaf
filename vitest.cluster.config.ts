import { defineConfig } from "vitest/config";
import base from "./vitest.config.ts";

/** Black-box tests on the real cluster that KUBECONFIG names; one file after another, on one installation. */
export default defineConfig({
  ...base,
  test: {
    ...base.test,
    include: ["e2e/cluster/**/*.test.ts", "platform/test/cluster/**/*.test.ts"],
    exclude: ["**/node_modules/**", "**/dist/**", "**/fixtures/**"],
    globalSetup: ["platform/test/support/global-setup.ts", "e2e/cluster/support/set-up.ts"],
    fileParallelism: false,
    maxWorkers: 1,
    testTimeout: 180_000,
    hookTimeout: 300_000,
  },
});
