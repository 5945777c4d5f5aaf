import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { descendants, livingOf } from "../../.make/demo/processes.mjs";

import { readPostmasterFile } from "../../platform/src/adapters/embedded-postgres/postmaster-file.ts";
import { freePort } from "../../platform/test/support/free-port.ts";
import { Api } from "../support/api.ts";
import { eventually } from "../support/eventually.ts";
import { FaultProject } from "./support/fault-project.ts";
import { stage } from "./support/stage.ts";

test("a platform that is told to end leaves its runners at work, and the next one takes their results", async () => {
  const { api, platform, project, history } = await stage();
  const run = await api.trigger("gate", { gate: "open" });
  const [begun] = await eventually("the run's start", async () => {
    const effects = await project.effects(run);
    return effects.length > 0 ? effects : undefined;
  });
  const runners = await platform.runners();
  expect(await platform.end("SIGTERM")).toBe(0);
  expect(await livingOf(runners)).toEqual(runners);

  await project.open("open");
  await eventually("the end of the function, with no platform", async () => (await project.effects(run))[1]);
  await platform.start();
  await api.untilStatus(run, "COMPLETED");
  expect(await history.rowOf(run)).toMatchObject({ attempt: 1, platform_losses: 0 });
  expect(await project.effects(run)).toEqual([begun, { ...begun, what: "end" }]);
  expect(await platform.runners()).toEqual(runners);
}, 120_000);

const MAIN = join(import.meta.dirname, "../../platform/dist/main.js");

/** A dev platform with its own database, as `gantry dev` starts it, and a run that goes on for as long as it may. */
async function devPlatform() {
  const project = await FaultProject.make();
  const dataDir = await mkdtemp(join(tmpdir(), "gantry-dev-"));
  // The database's user must be able to pass where we are root.
  await chmod(dataDir, 0o755);
  onTestFinished(() => rm(dataDir, { recursive: true, force: true }));
  onTestFinished(() => project.remove());
  const port = await freePort();
  const { PATH = "", HOME = "" } = process.env;
  const platform: ChildProcess = spawn(process.execPath, [MAIN], {
    stdio: "ignore",
    env: {
      PATH,
      HOME,
      EFFECTS_DIR: project.effectsDir,
      GANTRY_PLATFORM_DATA_DIR: dataDir,
      GANTRY_PLATFORM_PORT: String(port),
      GANTRY_PLATFORM_DEV_PROJECT: "proj_dev",
      GANTRY_PLATFORM_DEV_KEY_SECRET: "a".repeat(24),
    },
  });
  const ended = once(platform, "exit");
  onTestFinished(async () => {
    // All is gone already where the test has passed.
    for (const pid of await descendants(platform.pid ?? 0)) kill(pid);
  });
  const url = `http://127.0.0.1:${port}`;
  await eventually("the platform's start", async () => {
    const reply = await fetch(`${url}/readyz`).catch(() => undefined);
    return reply?.status === 200 ? true : undefined;
  });
  const api = new Api(url, `gt_dev_sk_${"a".repeat(24)}`);
  await api.deploy(project.deployment);
  const run = await api.trigger("gate", { gate: "open" });
  await eventually("the run's start", async () => (await project.effects(run))[0]);
  return { project, api, run, platform, ended, postgresDir: join(dataDir, "postgres") };
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended.
  }
}

test.each(["SIGINT", "SIGTERM"] as const)(
  "a dev platform that gets %s leaves no process behind, its database's neither",
  async (signal) => {
    const { platform, ended } = await devPlatform();
    const family = await descendants(platform.pid ?? 0);
    expect(family.length).toBeGreaterThan(3);
    platform.kill(signal);
    expect(await ended).toEqual([0, null]);
    expect(await livingOf(family)).toEqual([]);
  },
  120_000,
);

test("a dev platform starts its own database again when that was killed, and its run goes on", async () => {
  const { project, api, run, platform, ended, postgresDir } = await devPlatform();
  const server = await readPostmasterFile(postgresDir);
  kill(server?.pid ?? 0);
  await project.open("open");
  await api.untilStatus(run, "COMPLETED");
  expect(await project.effects(run)).toHaveLength(2);
  const family = await descendants(platform.pid ?? 0);
  platform.kill("SIGTERM");
  expect(await ended).toEqual([0, null]);
  expect(await livingOf(family)).toEqual([]);
}, 120_000);
