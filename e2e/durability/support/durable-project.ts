import { resolve } from "node:path";
import { describeBundle } from "../../../sdk/src/cli/bundle/describe-bundle.ts";
import type { Manifest } from "../../../sdk/src/contract/manifest.ts";
import type { Fixture } from "../../faults/support/fault-project.ts";

type DescribedProject = Parameters<typeof describeBundle>[0];

/** A folder's fixture tasks, with what the tasks themselves declare. */
export function durableFixture(more: Partial<Manifest> = {}, file = "tasks.ts"): Fixture {
  return {
    file: resolve(import.meta.dirname, "../fixtures", file),
    async manifest(bundleDir, entry) {
      const project = {
        projectDir: bundleDir,
        dirNames: ["fixtures"],
        processKeepAlive: false,
        retries: {},
      } as unknown as DescribedProject;
      return {
        ...(await describeBundle(project, { hash: "", dir: bundleDir, entry, mayWait: true }, process.env)),
        ...more,
      };
    },
  };
}
