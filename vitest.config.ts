import { defineConfig } from "vitest/config";

/** Sources of the workspace are tested as they are: what a test spawns runs from dist, which the set-up builds once. */
const conditions = ["gantry-source", "node"];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    include: [
      "{sdk,worker-image,platform,platform/dashboard}/{src,test}/**/*.test.{ts,tsx}",
      "{e2e,bench,examples}/**/*.test.ts",
      "{.make,charts}/**/*.test.mjs",
    ],
    // On a cluster: vitest.cluster.config.ts.
    exclude: ["**/node_modules/**", "**/dist/**", "**/fixtures/**", "e2e/cluster/**", "platform/test/cluster/**"],
    globalSetup: ["platform/test/support/global-setup.ts"],
    pool: "forks",
    maxWorkers: 2,
    // Bounds say that nothing comes any more, never how long something may take: machines are shared.
    testTimeout: 60_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 30_000 } },
    restoreMocks: true,
  },
});
