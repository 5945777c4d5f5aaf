import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { createCredentials } from "../../../platform/src/cluster/jwt-credentials.ts";
import { MasterKey } from "../../../platform/src/secrets/master-key.ts";
import { killGroup } from "./platform-process.ts";
import type { Stage } from "./stage.ts";

/** A runner as a node of a cluster would have it: started by nobody whom the platform knows, with room for one run. */
export async function startRunner({ platform, project, pool }: Stage): Promise<ChildProcess> {
  const workerId = `worker_${randomBytes(8).toString("hex")}`;
  const { rows } = await pool.query<{ id: string; environment_id: number }>(
    "select id, environment_id from deployment",
  );
  const worker = { workerId, deploymentId: rows[0]?.id ?? "", environmentId: rows[0]?.environment_id ?? 0 };
  const runner = spawn(process.execPath, [join(import.meta.dirname, "../../../worker-image/dist/runner.js")], {
    cwd: project.folder,
    detached: true,
    stdio: "ignore",
    env: {
      PATH: process.env.PATH,
      EFFECTS_DIR: project.effectsDir,
      GANTRY_API_URL: platform.url,
      GANTRY_WORKER_URL: platform.url,
      GANTRY_WORKER_ID: workerId,
      GANTRY_WORKER_TOKEN: createCredentials(new MasterKey(platform.encryptionKey)).issueWorkerToken(worker),
      GANTRY_WORKER_CONCURRENCY: "1",
      GANTRY_WORKER_POOL: "1",
      GANTRY_BUNDLE_DIR: project.deployment.source.bundleDir,
      GANTRY_BUNDLE_ENTRY: project.deployment.manifest.entry,
      GANTRY_RUNS_DIR: join(project.folder, workerId),
    },
  });
  onTestFinished(() => killGroup(runner.pid ?? 0));
  return runner;
}
