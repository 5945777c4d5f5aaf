import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Grant } from "@gantry/sdk/contract";
import { afterAll, expect, test } from "vitest";
import { readConfig } from "../src/config.ts";
import { decodeId } from "../src/ids.ts";
import { createLogger } from "../src/logging.ts";
import { startPlatform } from "../src/platform.ts";
import { MANIFEST } from "./support/fake-engine.ts";
import { freePort } from "./support/free-port.ts";
import { PlatformProcess } from "./support/platform-process.ts";
import { digestOf, refOf, type ScriptedRunner, storedProcess } from "./support/scripted-runner.ts";
import { STORING, storedScene } from "./support/stored-scene.ts";
import { testDatabase } from "./support/test-database.ts";

const { url: databaseUrl, pool } = await testDatabase();
const dataDir = await mkdtemp(join(tmpdir(), "gantry-killed-"));
const settings = {
  ...STORING,
  GANTRY_PLATFORM_DATABASE_URL: databaseUrl,
  GANTRY_PLATFORM_DATA_DIR: dataDir,
  GANTRY_PLATFORM_EXECUTOR: "none",
  GANTRY_PLATFORM_PORT: String(await freePort()),
  // No runner here says that it lives.
  GANTRY_PLATFORM_LEASE_TTL_MS: "600000",
};
const { environment, key } = await prepared();
const platform = new PlatformProcess(settings);
const scene = storedScene({ pool, url: () => platform.url, key, environment });
afterAll(async () => {
  scene.endAll();
  await platform.kill();
  await rm(dataDir, { recursive: true, force: true });
});

/** An environment with a version; the platform that made it is gone. */
async function prepared() {
  const logger = createLogger({ level: "fatal" });
  const first = await startPlatform({ config: readConfig(settings), logger, version: "0.1.0", environment: {} });
  const [made] = await first.projects.ensureProject({
    ref: "shop",
    name: "Shop",
    environments: [{ slug: "prod", type: "PRODUCTION" }],
  });
  if (made === undefined) throw new Error("the environment was not made");
  await first.projects.setLimits(made, { apiBurst: 1_000_000 });
  const source = { kind: "local" as const, bundleDir: "/b", projectDir: "/p", envFiles: [] };
  await first.engine.deployments.register(made, { manifest: MANIFEST, source, promote: true });
  const secret = (await first.projects.createKey(made, "full")).key;
  await first.stop("leave");
  return { environment: made, key: secret };
}

/** One run's life, step by step, as its two workers and a user of the API live it. */
class Life {
  readonly steps: [name: string, step: () => Promise<unknown>][];
  runId = "";
  granted = 0;
  /** Told that it is over, or not told to go on: its process was killed. */
  firstEnded = false;
  #token!: Awaited<ReturnType<typeof scene.token>>;
  #first!: ScriptedRunner;
  #second!: ScriptedRunner;
  #grant!: Grant;
  #process!: ReturnType<typeof storedProcess>;

  constructor() {
    this.steps = [
      ["trigger", async () => (this.runId = await scene.trigger())],
      ["token", async () => (this.#token = await scene.token())],
      ["first launch", async () => (this.#first = await scene.launch(this.runId))],
      ["first grant", async () => (this.#grant = await this.#first.granted())],
      ["journal", () => this.#first.journal(this.#grant, 0, [this.#token.wait])],
      ["checkpoint", () => this.#begin()],
      ["first chunk", () => this.#put(0)],
      ["other chunks", () => Promise.all([this.#put(1), this.#put(2)])],
      ["park", () => this.#park()],
      ["token completed", () => this.#token.complete("approved")],
      ["second launch", async () => (this.#second = await scene.launch(this.runId))],
      ["second grant", async () => (this.#grant = await this.#second.granted())],
      ["chunks fetched", () => this.#fetch()],
      ["restored", () => this.#restored()],
      ["news", () => this.#news()],
      ["complete", () => this.#complete()],
    ];
  }

  async #begin(): Promise<void> {
    const { checkpoint, error } = await this.#first.ask("checkpoint", refOf(this.#grant));
    if (checkpoint === undefined) throw new Error(`no checkpoint: ${error?.message}`);
    this.#process = storedProcess(checkpoint.checkpointId);
  }

  async #put(number: number): Promise<void> {
    const { checkpoint, chunks } = this.#process;
    const { status } = await this.#first.chunk("PUT", checkpoint.checkpointId, number, chunks[number]);
    expect(status).toBe(200);
  }

  async #park(): Promise<void> {
    const { park, error } = await this.#first.park(this.#grant, 0, this.#process.checkpoint);
    expect(park?.state ?? error?.code).toMatch(/^(SUSPENDED|EXECUTION_FENCED)$/);
    this.firstEnded = true;
    this.#first.end();
  }

  async #fetch(): Promise<void> {
    expect(this.firstEnded).toBe(true);
    const { restore } = this.#grant;
    if (restore === undefined) throw new Error("there is nothing to bring back");
    expect(digestOf(await this.#second.getChunks(restore))).toBe(restore.sha256);
  }

  async #restored(): Promise<void> {
    const { restored } = await this.#second.restored(this.#grant);
    expect(restored).toEqual({ granted: true });
    this.granted += 1;
  }

  async #news(): Promise<void> {
    const { journal } = await this.#second.journal(this.#grant, this.#grant.restore?.known ?? -1);
    expect(journal?.completions).toMatchObject([{ entry: 0, ok: true, value: '"approved"' }]);
  }

  async #complete(): Promise<void> {
    const { verdict } = await this.#second.complete(this.#grant);
    // Fenced: it was carried out, and the answer was lost with the platform.
    expect(verdict?.kind).toMatch(/^(done|fenced)$/);
    this.#second.end();
  }
}

test.each([1, 2, 3])(
  "a platform that is killed at any step of storing and bringing back loses nothing and doubles nothing: round %i",
  { timeout: 120_000 },
  async () => {
    await platform.start();
    const lives = Array.from({ length: new Life().steps.length }, () => new Life());
    // The nth has n steps behind it, and its next is under way when the platform dies.
    const begun = await Promise.all(
      lives.map(async (life, n) => {
        for (const [, step] of life.steps.slice(0, n)) await step();
        return life;
      }),
    );
    const underWay = begun.map(async (life, n) => life.steps[n]?.[1]());
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 15));
    await platform.kill();
    await platform.start();
    await Promise.all(underWay);
    await Promise.all(
      lives.map(async (life, n) => {
        for (const [, step] of life.steps.slice(n + 1)) await step();
      }),
    );
    for (const { runId, granted } of lives) {
      expect(granted).toBe(1);
      expect(await scene.ended(runId)).toMatchObject({ status: "COMPLETED", output: "done", attemptCount: 1 });
    }
    const runIds = lives.map(({ runId }) => decodeId("run", runId));
    expect(await scene.count("execution")).toBe(0);
    expect(await scene.count("slot")).toBe(0);
    expect(await scene.count("checkpoint where state = 'stored' and run_id = any ($1)", runIds)).toBe(0);
    await platform.kill();
  },
);
