import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { FakePlatform, grantOf } from "../../worker-image/test/support/fake-platform.ts";
import { bundleOnce } from "../src/cli/bundle/bundler.ts";
import { loadConfig } from "../src/cli/bundle/config-file.ts";
import { describeBundle } from "../src/cli/bundle/describe-bundle.ts";
import { startExtensions } from "../src/cli/bundle/extensions.ts";
import { bundleForImage } from "../src/cli/bundle/image-bundle.ts";
import { isEmptyPlan, planExternals, stageExternals } from "../src/cli/deploy/externals.ts";
import { LayerCache } from "../src/cli/deploy/layer-cache.ts";
import { readableStack } from "../src/cli/stack-trace.ts";
import {
  type BundleFixture,
  bundleFixtures,
  fixtureProject,
  PAYLOAD,
  throwingLine,
} from "./support/bundle-fixtures.ts";

const WORKER = join(import.meta.dirname, "../../worker-image/dist/runner.js");
const never = new AbortController().signal;
let work: string;
beforeAll(() => {
  work = mkdtempSync(join(tmpdir(), "gantry-bundles-"));
});
afterAll(() => rmSync(work, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }));

/** What lies in an image of the project, in folders like an image's, far from the project. */
async function imageTree(projectDir: string) {
  const config = await loadConfig(projectDir);
  const extensions = await startExtensions(config, "deploy");
  const bundle = await bundleForImage(config, extensions);
  const app = join(mkdtempSync(join(work, "image-")), "app");
  const bundleDir = join(app, "bundle");
  for (const { name, contents } of bundle.files) {
    mkdirSync(dirname(join(bundleDir, name)), { recursive: true });
    writeFileSync(join(bundleDir, name), contents);
  }
  const facts = { contentHash: bundle.hash, environment: "prod", outputPath: bundleDir, externals: [] };
  const { packages } = await extensions.complete(facts);
  const plan = planExternals(projectDir, bundle.outside, packages, []);
  if (!isEmptyPlan(plan)) cpSync(await staged(plan, projectDir), join(app, "node_modules"), { recursive: true });
  return { config, bundleDir, bundle };
}

async function staged(plan: ReturnType<typeof planExternals>, projectDir: string): Promise<string> {
  const { modules } = await stageExternals({
    plan,
    platform: process.arch === "arm64" ? "linux/arm64" : "linux/amd64",
    projectDir,
    dir: join(work, "staged"),
    cache: new LayerCache(join(work, "layers"), { isUsed: false }),
    env: process.env,
    useCache: false,
    signal: never,
  });
  if (modules === undefined) throw new Error("the packages were not staged for this machine");
  return modules;
}

/** Runs tasks of a bundle, one after another, in real task processes. */
async function outcomes(bundleDir: string, taskIds: string[]) {
  const platform = new FakePlatform();
  await platform.listen();
  const runner = spawn(process.execPath, [WORKER], {
    cwd: bundleDir,
    detached: true,
    stdio: "ignore",
    env: {
      PATH: process.env.PATH,
      GANTRY_WORKER_URL: platform.url,
      GANTRY_WORKER_TOKEN: "worker-token",
      GANTRY_WORKER_ID: "worker_1",
      GANTRY_WORKER_POOL: "1",
      GANTRY_BUNDLE_DIR: bundleDir,
      GANTRY_BUNDLE_ENTRY: "entry.mjs",
      GANTRY_RUNS_DIR: join(bundleDir, "../../runs"),
    },
  });
  const ended = once(runner, "exit");
  try {
    await platform.message("capacity");
    const found = [];
    for (const taskId of taskIds) {
      const grant = grantOf(taskId, { payload: PAYLOAD });
      platform.grant(grant);
      found.push(await platform.outcome(grant.executionId));
    }
    return found;
  } finally {
    process.kill(-(runner.pid as number), "SIGKILL");
    await ended;
    await platform.goAway();
  }
}

const isLinux = process.platform === "linux";
const FIXTURES = bundleFixtures();
describe.skipIf(!isLinux)("a project deployed far from its node_modules", () => {
  test.each(FIXTURES.map((fixture) => [fixture.title, fixture] as const))(
    "works: %s",
    async (_title, fixture) => {
      const { projectDir } = await fixtureProject(fixture, work);
      const { config, bundleDir } = await imageTree(projectDir);
      rmSync(projectDir, { recursive: true, force: true });
      const bundle = { hash: "image", dir: bundleDir, entry: "entry.mjs", mayWait: false };
      mkdirSync(projectDir);
      const { tasks } = await describeBundle(config, bundle, process.env);
      expect(tasks.map(({ id }) => id).sort()).toEqual(["throws", "works"]);
      const [works, throws] = await outcomes(bundleDir, ["works", "throws"]);
      expect(works).toMatchObject({ kind: "completed" });
      if (works?.kind === "completed") expect(JSON.parse(works.output ?? "")).toMatchObject({ json: fixture.want });
      expect(throws).toMatchObject({ kind: "failed" });
      if (throws?.kind === "failed") expectPlace(throws.error.stack ?? "", bundleDir, fixture);
    },
    120_000,
  );
});

/** The stack names the file as the project does, and the line. */
function expectPlace(stack: string, bundleDir: string, fixture: BundleFixture): void {
  const { throwsIn, project = "" } = fixture;
  const inProject = throwsIn.startsWith(`${project}/`) ? throwsIn.slice(project.length + 1) : throwsIn;
  expect(readableStack(stack, bundleDir).split("\n").slice(0, 3).join("\n")).toContain(
    `${inProject}:${throwingLine(fixture)}:`,
  );
}

test.skipIf(!isLinux)(
  "packages of another platform are named as the cause where this machine imports them",
  async () => {
    const fixture = FIXTURES.find(({ name }) => name === "sharp-other-platform") as BundleFixture;
    const { projectDir } = await fixtureProject(fixture, work);
    const config = await loadConfig(projectDir);
    await expect(describeBundle(config, await bundleOnce(config), process.env)).rejects.toMatchObject({
      code: "TASK_FILE_THREW",
      remedy: expect.stringContaining(
        `another platform than this machine's (${process.platform}-${process.arch})`,
      ) as string,
    });
  },
  120_000,
);

test("a project makes the same bundle in whatever folder it is, with no path of the machine in it", async () => {
  const fixture = FIXTURES.find(({ name }) => name === "top-level-await") as BundleFixture;
  const [one, other] = await Promise.all(
    ["a", "a-longer-name"].map(async (name) => {
      const parent = join(work, name);
      mkdirSync(parent);
      return (await fixtureProject(fixture, parent)).projectDir;
    }),
  );
  const bundles = await Promise.all([one, other].map(async (dir) => bundleForImage(await loadConfig(dir as string))));
  expect(bundles[1]?.files.map(({ name }) => name)).toEqual(bundles[0]?.files.map(({ name }) => name));
  expect(bundles[1]?.hash).toBe(bundles[0]?.hash);
  const texts = bundles[0]?.files.map(({ contents }) => new TextDecoder().decode(contents)).join("\n") ?? "";
  expect(texts).not.toContain(work);
});
