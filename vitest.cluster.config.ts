import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Those that stop the platform go first: behind all others its pod took minutes to go on a node of two cores. */
class OutagesFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = (file: TestSpecification) => (file.moduleId.includes("outages") ? 0 : 1);
    return (await super.sort(files)).sort((a, b) => place(a) - place(b));
  }
}

import base from "./vitest.config.ts";

/** Black-box tests on the real cluster that KUBECONFIG names; one file after another, on one installation. */
export default defineConfig({
  ...base,
  test: {
    sequence: { sequencer: OutagesFirst },
    ...base.test,
    include: ["e2e/cluster/**/*.test.ts", "platform/test/cluster/**/*.test.ts"],
    exclude: ["**/node_modules/**", "**/dist/**", "**/fixtures/**"],
    globalSetup: ["platform/test/support/global-setup.ts", "e2e/cluster/support/set-up.ts"],
    setupFiles: ["e2e/cluster/support/tell-state.ts"],
    fileParallelism: false,
    maxWorkers: 1,
    // As many pods as a node of two cores has room for, beside Gantry's own.
    maxConcurrency: 4,
    // More than the patience for one pod: see e2e/cluster/support/patience.ts.
    testTimeout: 360_000,
    hookTimeout: 300_000,
  },
});
