import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import {
  type EmbeddedPostgres,
  startEmbeddedPostgres,
} from "../../../platform/src/adapters/embedded-postgres/embedded-postgres.ts";
import { freePort } from "../../../platform/test/support/free-port.ts";
import { eventually } from "../../support/eventually.ts";

/** A server of this test's own on a port that stays. What is written survives its process, if not the machine. */
export class KillablePostgres {
  readonly #dataDir: string;
  readonly #port: number;
  #server: EmbeddedPostgres | undefined;

  static async start(): Promise<KillablePostgres> {
    const folder = await mkdtemp(join(tmpdir(), "gantry-fault-postgres-"));
    await chmod(folder, 0o755);
    const postgres = new KillablePostgres(join(folder, "data"), await freePort());
    await postgres.start();
    onTestFinished(async () => {
      await postgres.#server?.stop();
      await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
    });
    return postgres;
  }

  private constructor(dataDir: string, port: number) {
    this.#dataDir = dataDir;
    this.#port = port;
  }

  get url(): string {
    return this.#server?.url ?? "";
  }

  /** What a killed server leaves behind may keep the next from starting for a moment. */
  async start(): Promise<void> {
    const settings = { fsync: "off" };
    const options = { dataDir: this.#dataDir, database: "gantry", port: this.#port, settings };
    this.#server = await eventually("the server's start", () => startEmbeddedPostgres(options).catch(() => undefined));
  }

  async end(how: "SIGKILL" | "stop"): Promise<void> {
    if (how === "stop") return this.#server?.stop();
    process.kill(this.#server?.pid ?? 0, "SIGKILL");
  }
}
