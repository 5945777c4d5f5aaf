import { Pool } from "pg";
import { onTestFailed, onTestFinished } from "vitest";
import { Api } from "../../support/api.ts";
import { FaultProject } from "./fault-project.ts";
import { freshDatabase } from "./fresh-database.ts";
import { History } from "./history.ts";
import { PlatformProcess } from "./platform-process.ts";

/** Leases short enough for a test to see them end. */
const SHORT_LEASE = { LEASE_TTL_MS: "3000", HEARTBEAT_MS: "750" };

/**
 * A platform process with the fixture tasks deployed and a database of its own, that of the test run's server unless one is
 * given. All of it is gone when the test ends.
 */
export async function stage(options: { databaseUrl?: string; settings?: Record<string, string> } = {}) {
  const databaseUrl = options.databaseUrl ?? (await freshDatabase());
  const pool = new Pool({ connectionString: databaseUrl, options: "-c search_path=gantry" });
  // Some tests end the server.
  pool.on("error", () => undefined);
  onTestFinished(() => pool.end());
  const project = await FaultProject.make();
  onTestFinished(() => project.remove());
  const settings = { ...SHORT_LEASE, ...options.settings };
  const platform = await PlatformProcess.start({ databaseUrl, project, settings });
  onTestFinished(() => platform.remove());
  let log = "";
  onTestFinished(async () => void (log = await platform.log()));
  onTestFailed(() => console.error(`the end of the platform's log:\n${log}`));
  const api = new Api(platform.url, platform.key);
  const deployment = await api.deploy(project.deployment);
  return { project, platform, api, deployment, pool, history: new History(pool, project) };
}
