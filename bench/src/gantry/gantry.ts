import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { Pool } from "pg";
import { decodeId } from "../../../platform/src/ids.ts";
import { freePort } from "../../../platform/test/support/free-port.ts";
import { bundleOnce } from "../../../sdk/src/cli/bundle/bundler.ts";
import { loadConfig } from "../../../sdk/src/cli/bundle/config-file.ts";
import { describeBundle, devManifest } from "../../../sdk/src/cli/bundle/describe-bundle.ts";
import { type PlatformProcess, startPlatform } from "../../../sdk/src/cli/dev/platform-process.ts";
import { ApiClient } from "../../../sdk/src/client/api-client.ts";
import { DEFAULT_LIMITS } from "../../../sdk/src/contract/limits.ts";
import type { Payload } from "../peers/peer.ts";
import { HttpLoad } from "./http-load.ts";

const PROJECT_DIR = join(import.meta.dirname, "../../project");
const KEY_SECRET = "benchbenchbenchbenchbenc";
const KEY = `gt_dev_sk_${KEY_SECRET}`;
/** Above anything that is measured: limits are not what the rows are about. */
const UNLIMITED = { apiBurst: 1_000_000_000, apiRefillPerSecond: 1_000_000_000, queuedRuns: 100_000_000 };

export interface GantryOptions {
  databaseUrl: string;
  /** Runs queue up and none starts. */
  isPaused?: boolean;
  /** A process runs one run after another. */
  processKeepAlive?: boolean;
  /** Booted processes kept ready. */
  poolSize?: number;
  /** Runs at once; 25 by default, as in a dev environment: as many processes as two cores can feed. */
  concurrency?: number;
}

/** A real platform, as `gantry dev` starts it, with the benchmark's project deployed. */
export class Gantry {
  readonly api: ApiClient;
  readonly key = KEY;
  readonly url: string;
  /** Its database, past the platform. */
  readonly database: Pool;
  readonly #platform: PlatformProcess;
  readonly #http: HttpLoad;
  readonly #dataDir: string;

  private constructor(platform: PlatformProcess, database: Pool, dataDir: string) {
    this.#platform = platform;
    this.url = platform.url;
    this.database = database;
    this.#dataDir = dataDir;
    this.#http = new HttpLoad(platform.url, KEY);
    this.api = new ApiClient({ baseUrl: platform.url, token: KEY });
  }

  /** Errors: those of the platform's start, with the end of its log. */
  static async start(options: GantryOptions): Promise<Gantry> {
    const dataDir = await mkdtemp(join(tmpdir(), "gantry-bench-platform-"));
    const platform = await startPlatform(
      {
        projectDir: PROJECT_DIR,
        project: "bench",
        port: await freePort(),
        keySecret: KEY_SECRET,
        dataDir,
        databaseUrl: options.databaseUrl,
        env: {
          ...process.env,
          NODE_ENV: "production",
          GANTRY_PLATFORM_LOG_LEVEL: "warn",
          GANTRY_PLATFORM_PROCESS_KEEP_ALIVE: String(options.processKeepAlive ?? false),
          GANTRY_PLATFORM_PROCESS_POOL_SIZE: String(options.poolSize ?? 2),
        },
      },
      AbortSignal.timeout(60_000),
    );
    const database = new Pool({ connectionString: options.databaseUrl, max: 2, options: "-c search_path=gantry" });
    database.on("error", () => undefined);
    const gantry = new Gantry(platform, database, dataDir);
    await gantry.api.setLimits({ ...UNLIMITED, devConcurrency: options.concurrency ?? DEFAULT_LIMITS.devConcurrency });
    await gantry.#deploy();
    if (options.isPaused) await gantry.api.pauseEnvironment(true);
    return gantry;
  }

  /** The module that a task process imports first. */
  async bundleEntry(): Promise<string> {
    const { dir, entry } = await bundleOnce(await loadConfig(PROJECT_DIR, undefined));
    return join(dir, entry);
  }

  async #deploy(): Promise<void> {
    const config = await loadConfig(PROJECT_DIR, undefined);
    const bundle = await bundleOnce(config);
    const manifest = devManifest(config, await describeBundle(config, bundle, process.env));
    const source = { kind: "local" as const, bundleDir: bundle.dir, projectDir: PROJECT_DIR, envFiles: [] };
    await this.api.registerDeployment({ manifest, source, promote: true });
  }

  /** One no-op, over HTTP; resolves once it is acknowledged, i.e. committed. */
  async trigger(payload: Payload): Promise<void> {
    await this.#http.post("/api/v1/tasks/no-op/trigger", JSON.stringify(triggerBody(payload)));
  }

  /** A run of any task of the project; resolves with its id once it is acknowledged. */
  async begin(task: string, payload: object = {}): Promise<string> {
    const reply = await this.#http.post(`/api/v1/tasks/${task}/trigger`, JSON.stringify({ payload, options: {} }));
    return (JSON.parse(reply) as { id: string }).id;
  }

  /**
   * Resolves when the run has ended, by the database, looking every millisecond: one run at a time, please.
   * Error: it did not complete.
   */
  async end(runId: string): Promise<void> {
    for (;;) {
      const { rows } = await this.database.query<{ status: string }>("select status from run_history where id = $1", [
        decodeId("run", runId),
      ]);
      if (rows[0]?.status === "COMPLETED") return;
      if (rows[0] !== undefined) throw new Error(`${runId} is ${rows[0].status}.`);
      await delay(1);
    }
  }

  /** What the run returned, once it has. Error: it did not complete. */
  async output<T>(runId: string): Promise<T> {
    for (;;) {
      const run = await this.api.retrieveRun(runId);
      if (run.status === "COMPLETED") return run.output as T;
      if (run.isCompleted) throw new Error(`Run ${runId} is ${run.status}: ${run.error?.message}`);
      await delay(50);
    }
  }

  /** So many schedules of one cron pattern. */
  async schedule(task: string, cron: string, count: number): Promise<void> {
    for (let n = 0; n < count; n++) {
      const body = { task, cron, deduplicationKey: `schedule-${n}`, overlap: "allow" };
      await this.#http.post("/api/v1/schedules", JSON.stringify(body));
    }
  }

  /** A batch of no-ops, as the SDK sends it: created, then filled by one NDJSON post. */
  async triggerBatch(payloads: Payload[]): Promise<void> {
    const created = await this.#http.post("/api/v3/batches", JSON.stringify({ runCount: payloads.length }));
    const { id } = JSON.parse(created) as { id: string };
    const lines = payloads.map(
      (payload, index) => `${JSON.stringify({ index, task: "no-op", ...triggerBody(payload) })}\n`,
    );
    await this.#http.post(`/api/v3/batches/${id}/items`, lines.join(""), "application/x-ndjson");
  }

  /**
   * When the last of `count` runs made since `since` had ended, by the database; milliseconds since the epoch. What waits is
   * none of them.
   * Errors: a run that did not end COMPLETED.
   */
  async endOfRuns(since: number, count: number): Promise<number> {
    for (;;) {
      const live = await this.database.query<{ n: string }>("select count(*) as n from run where status <> 'WAITING'");
      if (Number(live.rows[0]?.n) === 0) {
        const ended = await this.#endedSince(since);
        if (ended.completed + ended.others >= count) {
          if (ended.others > 0) throw new Error(`${ended.others} of ${count} runs did not complete.`);
          return ended.lastAt;
        }
      }
      await delay(25);
    }
  }

  async #endedSince(since: number): Promise<{ completed: number; others: number; lastAt: number }> {
    const { rows } = await this.database.query<{ completed: string; others: string; last_at: Date | null }>(
      `select count(*) filter (where status = 'COMPLETED') as completed, count(*) filter (where status <> 'COMPLETED') as others,
         max(finished_at) as last_at
       from run_history where created_at >= to_timestamp($1 / 1000.0)`,
      [since],
    );
    const row = rows[0];
    return { completed: Number(row?.completed), others: Number(row?.others), lastAt: row?.last_at?.getTime() ?? 0 };
  }

  /** Of the platform's own process. */
  pid(): number {
    return this.#platform.pid;
  }

  /** The platform's own process, without Postgres and workers; bytes. Undefined where there is no /proc. */
  async memory(): Promise<{ rss: number; peakRss: number } | undefined> {
    const status = await readFile(`/proc/${this.#platform.pid}/status`, "utf8").catch(() => undefined);
    if (status === undefined) return undefined;
    const kilobytes = (name: string) =>
      Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(status)?.[1] ?? Number.NaN);
    return { rss: kilobytes("VmRSS") * 1024, peakRss: kilobytes("VmHWM") * 1024 };
  }

  async stop(): Promise<void> {
    this.#http.close();
    await this.#platform.stop();
    await this.database.end();
    await rm(this.#dataDir, { recursive: true, force: true });
  }
}

function triggerBody(payload: Payload): object {
  return { payload: JSON.stringify({ json: payload }), options: { payloadType: "application/super+json" } };
}
