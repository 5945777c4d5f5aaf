import { MACHINE_PRESETS } from "@gantry/sdk/contract";
import { describe, expect, test } from "vitest";
import { heapMegabytes, podEnvironment, runnerConfig, taskEnvironment } from "./runner-config.ts";

const REQUIRED = {
  GANTRY_WORKER_URL: "http://127.0.0.1:4400/",
  GANTRY_WORKER_TOKEN: "token",
  GANTRY_WORKER_ID: "worker_1",
  GANTRY_BUNDLE_DIR: "/bundle",
  GANTRY_BUNDLE_ENTRY: "entry.mjs",
};

describe("a runner's settings", () => {
  test("have defaults", () => {
    expect(runnerConfig(REQUIRED)).toMatchObject({
      url: "http://127.0.0.1:4400",
      machine: MACHINE_PRESETS["small-1x"],
      keepAlive: false,
      runsDir: "/bundle/.runs",
      drainGraceMs: 300_000,
      cancelGraceMs: 30_000,
    });
  });

  test.each(Object.keys(REQUIRED))("need %s, and say so", (name) => {
    expect(() => runnerConfig({ ...REQUIRED, [name]: "" })).toThrow(name);
  });

  test("refuse what is no number", () => {
    expect(() => runnerConfig({ ...REQUIRED, GANTRY_WORKER_CONCURRENCY: "many" })).toThrow('not "many"');
  });

  const machines: Record<string, object | undefined> = {
    micro: MACHINE_PRESETS.micro,
    "gpu-1x:8:32": { name: "gpu-1x", cpu: 8, memory: 32 },
    unheard: undefined,
  };
  test.each(Object.entries(machines))("take the machine %s", (text, want) => {
    expect(runnerConfig({ ...REQUIRED, GANTRY_WORKER_MACHINE: text }).machine).toEqual(want);
  });
});

describe("a runner in a pod", () => {
  const { GANTRY_WORKER_TOKEN: _token, GANTRY_WORKER_ID: _id, ...image } = REQUIRED;
  const pod = { ...image, GANTRY_WORKER_BOOTSTRAP_TOKEN: "once", GANTRY_RUNS_DIR: "/run/gantry" };

  test("has a token in place of an identity, and one process for its one execution", () => {
    const settings = { GANTRY_WORKER_CONCURRENCY: "9", GANTRY_WORKER_POOL: "9", GANTRY_PROCESS_KEEP_ALIVE: "1" };
    expect(runnerConfig({ ...pod, ...settings })).toMatchObject({
      bootstrapToken: "once",
      identity: undefined,
      concurrency: 1,
      pool: 1,
      bootsAtOnce: 1,
      keepAlive: false,
    });
  });

  test("boots nothing ahead where the run's process was stored", () => {
    expect(runnerConfig(pod)).toMatchObject({
      checkpoints: false,
      restores: false,
      node: undefined,
      criuDir: "/gantry/criu",
    });
    const settings = {
      GANTRY_WORKER_CHECKPOINTS: "true",
      GANTRY_WORKER_RESTORES: "true",
      GANTRY_WORKER_NODE: "node-1",
    };
    expect(runnerConfig({ ...pod, ...settings })).toMatchObject({
      checkpoints: true,
      restores: true,
      node: "node-1",
      pool: 0,
      concurrency: 1,
    });
  });

  test.each<[string | undefined, string[]]>([
    [undefined, ["/run/gantry", "/tmp"]],
    ["/tmp:/scratch", ["/run/gantry", "/tmp", "/scratch"]],
    ["/run:/tmp", ["/run", "/tmp"]],
    [":", ["/run/gantry"]],
  ])("brings along what its process may write to: %s", (text, want) => {
    const settings = { GANTRY_RUNS_DIR: "/run/gantry", GANTRY_WORKER_CARRIED_DIRS: text };
    expect(runnerConfig({ ...pod, ...settings }).carriedDirs).toEqual(want);
  });

  test("reads the compile cache that its image was built with", () => {
    expect(runnerConfig({ ...pod, NODE_COMPILE_CACHE: "/gantry/compile-cache" }).compileCacheDir).toBe(
      "/gantry/compile-cache",
    );
    expect(runnerConfig(pod).compileCacheDir).toBeUndefined();
  });

  const folders: Record<string, { env: Record<string, string>; want: object }> = {
    "without folders, the one that can be written": { env: {}, want: { HOME: "/run/gantry", TMPDIR: "/run/gantry" } },
    "with the home of a user that has none": { env: { HOME: "/" }, want: { HOME: "/run/gantry" } },
    "with the folders that the image names": {
      env: { HOME: "/tmp", TMPDIR: "/scratch" },
      want: { HOME: "/tmp", TMPDIR: "/scratch" },
    },
  };
  test.each(Object.entries(folders))("gives its task, %s", (_sentence, { env, want }) => {
    const whole = { ...pod, NODE_COMPILE_CACHE: "/cache", PATH: "/bin", ...env };
    const given = podEnvironment(whole, runnerConfig(whole));
    expect(given).toMatchObject({ PATH: "/bin", GANTRY_API_URL: "http://127.0.0.1:4400", ...want });
    expect(Object.keys(given).sort()).toEqual(["GANTRY_API_URL", "HOME", "PATH", "TMPDIR"]);
  });
});

test("tasks see the environment without what is the runner's", () => {
  const mine = { PATH: "/bin", MINE: "yes", GANTRY_API_URL: "http://127.0.0.1:4400", GANTRY_SECRET_KEY: "users" };
  const runners = { ...REQUIRED, GANTRY_RUNS_DIR: "/runs", GANTRY_PROCESS_KEEP_ALIVE: "1", GANTRY_TASK_PROCESS: "{}" };
  expect(taskEnvironment({ ...mine, ...runners })).toEqual(mine);
});

test.each([
  [undefined, true],
  ["true", true],
  ["false", false],
  ["0", false],
])("watches what tasks do unless it is told that none waits: %s", (text, want) => {
  const env = text === undefined ? REQUIRED : { ...REQUIRED, GANTRY_WORKER_WATCHES: text };
  expect(runnerConfig(env).watches).toBe(want);
});

test("V8's heap is 80 % of the preset's memory", () => {
  expect(heapMegabytes(MACHINE_PRESETS["small-1x"])).toBe(381);
  expect(heapMegabytes(MACHINE_PRESETS["large-2x"])).toBe(12_207);
});
