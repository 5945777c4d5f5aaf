import { readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import type { ApiClient } from "../../client/api-client.ts";
import type { RunStatus } from "../../contract/run-status.ts";
import { bundlesDir } from "../bundle/bundler.ts";

/** How many bundles are kept besides those that runs still need. */
const KEPT = 5;
const LIVE: RunStatus[] = ["PENDING_VERSION", "DELAYED", "QUEUED", "DEQUEUED", "EXECUTING", "WAITING"];

/**
 * Removes old bundles. `versionOf` tells the version a bundle was registered as in this session; a bundle stays while a
 * run of its version is live, and unknown ones stay while any run is.
 */
export async function collectBundles(
  projectDir: string,
  api: Pick<ApiClient, "listRuns">,
  versionOf: Map<string, string>,
): Promise<void> {
  const folders = bundlesByAge(projectDir).slice(KEPT);
  if (folders.length === 0) return;
  const live = await api.listRuns({ status: LIVE, limit: 100 });
  const versions = new Set(live.data.map((run) => run.version));
  const mayBeNeeded = (hash: string) => {
    const version = versionOf.get(hash);
    return version === undefined ? live.data.length > 0 : live.hasNextPage() || versions.has(version);
  };
  for (const folder of folders) {
    if (!mayBeNeeded(folder)) rmSync(join(bundlesDir(projectDir), folder), { recursive: true, force: true });
  }
}

/** Newest first. */
function bundlesByAge(projectDir: string): string[] {
  const root = bundlesDir(projectDir);
  return readdirSync(root)
    .map((name) => ({ name, at: statSync(join(root, name), { throwIfNoEntry: false })?.mtimeMs ?? 0 }))
    .sort((a, b) => b.at - a.at)
    .map(({ name }) => name);
}
