import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { Client } from "pg";
import type { WorkerCredentials } from "../../../platform/src/cluster/credentials.ts";
import { createCredentials } from "../../../platform/src/cluster/jwt-credentials.ts";
import { MasterKey } from "../../../platform/src/secrets/master-key.ts";
import { freePort } from "../../../platform/test/support/free-port.ts";
import { findPlatform } from "../../../sdk/src/cli/dev/platform-process.ts";
import { ApiClient } from "../../../sdk/src/client/api-client.ts";

const KEY_SECRET = "benchbenchbenchbenchbenc";
const READY_MS = 60_000;

/** A platform that starts no workers: rows play them, with tokens that they sign themselves. */
export class BarePlatform {
  readonly url: string;
  readonly key = `gt_dev_sk_${KEY_SECRET}`;
  readonly api: ApiClient;
  readonly credentials: WorkerCredentials;
  readonly #process: ChildProcess;
  readonly #dataDir: string;
  readonly #databaseUrl: string;

  private constructor(
    url: string,
    databaseUrl: string,
    child: ChildProcess,
    dataDir: string,
    credentials: WorkerCredentials,
  ) {
    this.url = url;
    this.#databaseUrl = databaseUrl;
    this.api = new ApiClient({ baseUrl: url, token: this.key });
    this.credentials = credentials;
    this.#process = child;
    this.#dataDir = dataDir;
  }

  /** Errors: it was not ready in time, with the end of its log. */
  static async start(databaseUrl: string, projectDir: string): Promise<BarePlatform> {
    const dataDir = await mkdtemp(join(tmpdir(), "gantry-bench-bare-"));
    const encryptionKey = Buffer.alloc(32, 7).toString("base64");
    const port = await freePort();
    const logFile = join(dataDir, "platform.log");
    const log = openSync(logFile, "a");
    const child = spawn(process.execPath, [findPlatform(projectDir)], {
      stdio: ["ignore", log, log],
      env: {
        ...process.env,
        NODE_ENV: "production",
        GANTRY_PLATFORM_LOG_LEVEL: "warn",
        GANTRY_PLATFORM_DATABASE_URL: databaseUrl,
        GANTRY_PLATFORM_DATA_DIR: dataDir,
        GANTRY_PLATFORM_PORT: String(port),
        GANTRY_PLATFORM_EXECUTOR: "none",
        GANTRY_PLATFORM_ENCRYPTION_KEY: encryptionKey,
        GANTRY_PLATFORM_DEV_PROJECT: "bench",
        GANTRY_PLATFORM_DEV_KEY_SECRET: KEY_SECRET,
      },
    });
    closeSync(log);
    const url = `http://127.0.0.1:${port}`;
    const giveUpAt = Date.now() + READY_MS;
    while (
      !(await fetch(`${url}/readyz`).then(
        ({ ok }) => ok,
        () => false,
      ))
    ) {
      if (Date.now() > giveUpAt || child.exitCode !== null)
        throw new Error(`The platform did not start:\n${(await readFile(logFile, "utf8")).slice(-2000)}`);
      await delay(50);
    }
    return new BarePlatform(url, databaseUrl, child, dataDir, createCredentials(new MasterKey(encryptionKey)));
  }

  /** Errors: whatever is not 2xx, with its body. */
  async post(path: string, body: object): Promise<unknown> {
    const headers = { authorization: `Bearer ${this.key}`, "content-type": "application/json" };
    const response = await fetch(this.url + path, { method: "POST", headers, body: JSON.stringify(body) });
    if (!response.ok) throw new Error(`POST ${path}: ${response.status} ${await response.text()}`);
    return response.json();
  }

  /** The dev environment's id in the database. */
  async environmentId(): Promise<number> {
    const client = new Client({ connectionString: this.#databaseUrl });
    await client.connect();
    const { rows } = await client.query<{ id: number }>("select id from gantry.environment");
    await client.end();
    return rows[0]?.id ?? 0;
  }

  pid(): number {
    return this.#process.pid ?? 0;
  }

  /** Resident set of the platform's process now; bytes. Undefined where there is no /proc. */
  async memory(): Promise<number | undefined> {
    const status = await readFile(`/proc/${this.pid()}/status`, "utf8").catch(() => "");
    const kilobytes = /^VmRSS:\s+(\d+) kB/m.exec(status)?.[1];
    return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
  }

  /** A counter or gauge of /metrics, all of its labels together. */
  async metric(name: string): Promise<number> {
    const text = await (await fetch(`${this.url}/metrics`)).text();
    const values = [...text.matchAll(new RegExp(`^${name}(?:{[^}]*})? (\\S+)$`, "gm"))];
    return values.reduce((sum, [, value]) => sum + Number(value), 0);
  }

  async stop(): Promise<void> {
    const ended = once(this.#process, "exit");
    this.#process.kill("SIGTERM");
    await ended;
    await rm(this.#dataDir, { recursive: true, force: true });
  }
}
