import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { descendants, livingOf } from "../../.make/demo/processes.mjs";

import { Api } from "./support/api.ts";
import { eventually } from "./support/eventually.ts";
import { FaultProject } from "./support/fault-project.ts";
import { stablePort } from "./support/stable-port.ts";
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

test.each(["SIGINT", "SIGTERM"] as const)(
  "a dev platform that gets %s leaves no process behind, its database's neither",
  async (signal) => {
    const project = await FaultProject.make();
    onTestFinished(() => project.remove());
    const dataDir = await mkdtemp(join(tmpdir(), "gantry-dev-"));
    onTestFinished(() => rm(dataDir, { recursive: true, force: true }));
    const port = await stablePort();
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
    onTestFinished(() => void platform.kill("SIGKILL"));
    const url = `http://127.0.0.1:${port}`;
    await eventually("the platform's start", async () =>
      fetch(`${url}/readyz`).then(
        ({ status }) => (status === 200 ? true : undefined),
        () => undefined,
      ),
    );
    const api = new Api(url, `gt_dev_sk_${"a".repeat(24)}`);
    await api.deploy(project.deployment);
    const run = await api.trigger("gate", { gate: "never" });
    await eventually("the run's start", async () => (await project.effects(run))[0]);

    const family = await descendants(platform.pid ?? 0);
    expect(family.length).toBeGreaterThan(3);
    platform.kill(signal);
    expect(await ended).toEqual([0, null]);
    expect(await livingOf(family)).toEqual([]);
  },
  60_000,
);
