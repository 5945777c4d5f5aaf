import { Pool } from "pg";
import { onTestFailed, onTestFinished } from "vitest";
import { Api } from "../../support/api.ts";
import { FaultProject, type Fixture } from "./fault-project.ts";
import { freshDatabase } from "./fresh-database.ts";
import { History } from "./history.ts";
import { PlatformProcess } from "./platform-process.ts";

/** Leases short enough for a test to see them end. */
const SHORT_LEASE = { LEASE_TTL_MS: "3000", HEARTBEAT_MS: "750" };

export interface StageOptions {
  databaseUrl?: string;
  settings?: Record<string, string>;
  /** Which tasks are deployed; those of fixtures/tasks.ts by default. */
  fixture?: Fixture;
}

export type Stage = Awaited<ReturnType<typeof stage>>;

/**
 * A platform process with the fixture tasks deployed and a database of its own, that of the test run's server unless one is
 * given. All of it is gone when the test ends.
 */
export async function stage(options: StageOptions = {}) {
  const { onEnd: _onEnd, ...here } = await openStage(options, onTestFinished);
  onTestFailed(() => console.error(`the end of the platform's log:\n${here.endOfLog()}`));
  return here;
}

/** The same for several tests: what is to happen at its end is given to `onEnd`, the last first. */
export async function openStage(options: StageOptions, onEnd: (end: () => void | Promise<void>) => void) {
  const databaseUrl = options.databaseUrl ?? (await freshDatabase(onEnd));
  const pool = new Pool({ connectionString: databaseUrl, options: "-c search_path=gantry" });
  // Some tests end the server.
  pool.on("error", () => undefined);
  onEnd(() => pool.end());
  const project = await FaultProject.make(options.fixture);
  onEnd(() => project.remove());
  const settings = { ...SHORT_LEASE, ...options.settings };
  const platform = await PlatformProcess.start({ databaseUrl, project, settings });
  onEnd(() => platform.remove());
  let log = "";
  onEnd(async () => void (log = await platform.log()));
  const api = new Api(platform.url, platform.key);
  const deployment = await api.deploy(project.deployment);
  return {
    project,
    platform,
    api,
    deployment,
    pool,
    history: new History(pool, project),
    endOfLog: () => log,
    onEnd,
  };
}
