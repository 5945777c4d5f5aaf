import { appendFileSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { type FakePlatformOptions, fakeDeployPlatform } from "../../../test/support/fake-deploy-platform.ts";
import { cli } from "../../../test/support/fake-terminal.ts";
import { taskFile, tempProject, writeFiles } from "../../../test/support/temp-project.ts";
import { type DeployOutcome, versionAfter } from "./deploy-flow.ts";

type Env = Record<string, string>;

async function deployTo(url: string, cwd: string, args: string[] = [], env: Env = {}) {
  const cache = `${cwd}-cache`;
  onTestFinished(() => rmSync(cache, { recursive: true, force: true }));
  const { PATH = "", HOME = "" } = process.env;
  const surroundings = { PATH, HOME, XDG_CACHE_HOME: cache, GANTRY_SECRET_KEY: "gt_prod_sk_x", ...env };
  return await cli(["deploy", "--api-url", url, ...args], { cwd, isServed: true, env: surroundings });
}

async function deployJson(url: string, cwd: string, args: string[] = [], env: Env = {}): Promise<DeployOutcome> {
  const { out, err } = await deployTo(url, cwd, [...args, "--json"], env);
  if (out === "") throw new Error(err);
  return JSON.parse(out) as DeployOutcome;
}

test("a project becomes a version: its bundle is uploaded, built and put into service", async () => {
  const platform = await fakeDeployPlatform();
  const project = tempProject({ "tasks/a.ts": taskFile("a"), "tasks/b.ts": taskFile("b") });
  const { exitCode, out, err } = await deployTo(platform.url, project);
  expect(exitCode).toBe(0);
  expect(out).toMatch(/Version 20300101\.1 of demo prod is in service in .*\n {2}Start a run: gantry trigger a/);
  expect(err).toMatch(/✓ Bundled \d+ files[\s\S]*✓ Found 2 tasks: a, b[\s\S]*✓ Uploaded 1 of 1 layer/);
  const [build] = platform.builds;
  const manifest = { runtime: "node-24", entry: "entry.mjs" };
  expect(build).toMatchObject({ promote: true, platforms: ["linux/amd64"], instructions: [], manifest });
  const files = platform.files(build?.layers[0]?.digest ?? "");
  expect(Object.keys(files)).toContain("app/bundle/entry.mjs");
  for (const contents of Object.values(files)) expect(contents).not.toContain(project);
});

test("the same code makes no new version and sends nothing; changed code sends the bundle only", async () => {
  const platform = await fakeDeployPlatform();
  const project = tempProject({ "tasks/a.ts": taskFile("a") });
  const first = await deployJson(platform.url, project);
  const second = await deployJson(platform.url, project);
  expect(second).toMatchObject({
    version: first.version,
    isNew: false,
    layers: [{ kind: "bundle", isUploaded: false }],
  });
  expect(second.contentHash).toBe(first.contentHash);
  expect((await deployTo(platform.url, project)).out).toContain("is in service already: nothing has changed");
  writeFiles(project, { "tasks/a.ts": taskFile("a", "return 2;") });
  expect(await deployJson(platform.url, project)).toMatchObject({ version: "20300101.2", isNew: true });
});

test("the same project in another folder, deployed without a cache, gives the same digests", async () => {
  const platform = await fakeDeployPlatform();
  const files = {
    "tasks/a.ts": taskFile("a", "return import.meta.url;"),
    "tasks/init.ts": "export const x: number = 1;",
  };
  const first = await deployJson(platform.url, tempProject(files));
  const second = await deployJson(platform.url, tempProject(files), ["--no-cache"]);
  expect(second.layers[0]?.digest).toBe(first.layers[0]?.digest);
  expect(second.contentHash).toBe(first.contentHash);
});

const STORES = taskFile("a").replace("run:", 'checkpoint: "process", run:');

test("a task that chooses process checkpoints deploys anew once the platform stores them, and until then it says so", async () => {
  const files = { "tasks/a.ts": STORES };
  const off = await fakeDeployPlatform({ target: { executor: "kubernetes" } });
  const on = await fakeDeployPlatform({ target: { executor: "kubernetes", checkpointBaseImage: "registry/other:1" } });
  const told = (await deployTo(off.url, tempProject(files))).err;
  expect(told).toMatch(/a: processes are not stored on this platform[\s\S]*processCheckpoints\.enabled/);
  expect((await deployTo(on.url, tempProject(files))).err).not.toContain("processes");
  const [before, after] = [off.builds[0], on.builds[0]];
  expect(after?.layers).toEqual(before?.layers);
  expect(after?.contentHash).not.toBe(before?.contentHash);
});

test("an image of the project's own must be able to store processes as well, where its tasks choose it", async () => {
  const platform = await fakeDeployPlatform({
    target: { executor: "kubernetes", checkpointBaseImage: "registry/worker-checkpoints:1" },
  });
  const project = tempProject({
    "tasks/a.ts": STORES,
    "gantry.config.ts": `export default { build: { baseImage: "mine:1" } };`,
  });
  const { err } = await deployTo(platform.url, project);
  expect(err).toMatch(/a: to be stored[\s\S]*made from registry\/worker-checkpoints:1; this one is made from mine:1/);
});

test("--skip-promotion makes a version that does not serve; the way to serve it is told", async () => {
  const platform = await fakeDeployPlatform();
  const project = tempProject({ "tasks/a.ts": taskFile("a") });
  const { out } = await deployTo(platform.url, project, ["--skip-promotion"]);
  expect(platform.builds[0]?.promote).toBe(false);
  expect(out).toMatch(/Version 20300101\.1 of demo prod is ready, not in service[\s\S]*gantry promote 20300101\.1/);
});

test("--dry-run says what would be sent and which version would be made, and sends nothing", async () => {
  const platform = await fakeDeployPlatform();
  const project = tempProject({ "tasks/a.ts": taskFile("a") });
  const { out, err } = await deployTo(platform.url, project, ["--dry-run"]);
  expect(out).toMatch(/A deploy would make version \d{8}\.1 of demo prod\. Nothing was sent\./);
  expect(err).toMatch(/bundle: \d+ KB, would be uploaded/);
  expect(platform.requests.filter((request) => /PUT|build/.test(request))).toEqual([]);
  await deployTo(platform.url, project);
  expect(await deployJson(platform.url, project, ["--dry-run"])).toMatchObject({ isNew: false, dryRun: true });
});

test("the version after the last: counted from 1 each day", () => {
  const now = new Date("2030-05-06T12:00:00Z");
  expect(versionAfter(undefined, now)).toBe("20300506.1");
  expect(versionAfter("20300506.9", now)).toBe("20300506.10");
  expect(versionAfter("20300505.9", now)).toBe("20300506.1");
});

test("in GitHub Actions the version is an output, and a failure is an annotation", async () => {
  const platform = await fakeDeployPlatform();
  const project = tempProject({ "tasks/a.ts": taskFile("a") });
  const outputs = join(project, "outputs");
  appendFileSync(outputs, "before=1\n");
  const env = { GITHUB_ACTIONS: "true", GITHUB_OUTPUT: outputs, CI: "true" };
  await deployTo(platform.url, project, [], env);
  expect(readFileSync(outputs, "utf8")).toBe("before=1\nversion=20300101.1\ndeployment_id=deployment_20300101.1\n");
  writeFiles(project, { "tasks/a.ts": "throw new Error('no\\nway');" });
  const { err } = await deployTo(platform.url, project, [], env);
  expect(err).toMatch(/^::error title=gantry deploy \(TASK_FILE_THREW\)::tasks\/a\.ts throws.*%0A/m);
});

test("files that an extension adds are a layer, and are there when task files are imported", async () => {
  const platform = await fakeDeployPlatform();
  const project = tempProject({
    "gantry.config.ts": `import { additionalFiles } from "@gantry/sdk/build";
      export default { build: { extensions: [additionalFiles({ files: ["data/names.txt"] })] } };`,
    "data/names.txt": "from-a-file",
    "tasks/a.ts": `import { readFileSync } from "node:fs"; import { join } from "node:path"; import { task } from "@gantry/sdk";
      export const it = task({ id: readFileSync(join(import.meta.dirname, "../data/names.txt"), "utf8"), run: async () => 1 });`,
  });
  const { layers, tasks } = await deployJson(platform.url, project);
  expect(tasks).toMatchObject([{ id: "from-a-file", filePath: "tasks/a.ts" }]);
  expect(layers.map(({ kind }) => kind)).toEqual(["files", "bundle"]);
  expect(platform.files(layers[0]?.digest ?? "")).toEqual({ "app/bundle/data/names.txt": "from-a-file" });
});

test("variables of an extension are uploaded before the build; with override off, what is there stays", async () => {
  const variables = [
    { name: "TAKEN", value: "theirs" },
    { name: "SECRET", value: "<redacted>" },
  ];
  const seen: unknown[] = [];
  const platform = await fakeDeployPlatform({
    variables,
    build: () => {
      seen.push(...platform.imports);
      return [{ type: "error", error: { code: "BUILD_FAILED", message: "Enough." } }];
    },
  });
  const project = tempProject({
    "tasks/a.ts": taskFile("a"),
    "gantry.config.ts": `import { syncEnvVars } from "@gantry/sdk/build";
      export default { project: "demo", build: { extensions: [syncEnvVars(({ env }) => [
        { name: "TAKEN", value: "ours" }, { name: "READ", value: Object.keys(env).join() },
        { name: "TOKEN", value: "t", isSecret: true },
      ], { override: false })] } };`,
  });
  await deployTo(platform.url, project);
  expect(seen).toEqual([
    { variables: { READ: "TAKEN" }, override: false },
    { variables: { TOKEN: "t" }, override: false, isSecret: true },
  ]);
});

test("a key of another project than the configuration's is told, and decides", async () => {
  const platform = await fakeDeployPlatform();
  const files = { "tasks/a.ts": taskFile("a"), "gantry.config.ts": `export default { project: "other" };` };
  const { err, exitCode } = await deployTo(platform.url, tempProject(files));
  expect(err).toContain("! The key is of the project demo; the configuration says other. The key decides.");
  expect(exitCode).toBe(0);
});

test("events of the build are told while it goes on, a wait for another deploy too", async () => {
  const message = "Waiting for another deploy of this environment";
  const platform = await fakeDeployPlatform({
    build: () => [
      { type: "step", step: "wait", message },
      {
        type: "error",
        error: { code: "REGISTRY_UNAVAILABLE", message: "The registry is away.", remedy: "Try again." },
      },
    ],
  });
  const { exitCode, err, out } = await deployTo(platform.url, tempProject({ "tasks/a.ts": taskFile("a") }));
  expect(err).toContain(message);
  expect(err).toMatch(/The registry is away\. \[REGISTRY_UNAVAILABLE\]\n→ Try again\./);
  expect({ exitCode, out }).toEqual({ exitCode: 3, out: "" });
});

test("a layer that the registry lost before the build is sent again, once", async () => {
  const lost = { type: "error" as const, error: { code: "LAYER_MISSING", message: "Gone." } };
  const platform = await fakeDeployPlatform({ build: () => [lost] });
  const { exitCode } = await deployTo(platform.url, tempProject({ "tasks/a.ts": taskFile("a") }));
  expect(exitCode).toBe(1);
  expect(platform.builds).toHaveLength(2);
});

test("Ctrl-C before anything is sent ends the deploy with an exit code of its own", async () => {
  const platform = await fakeDeployPlatform();
  const { exitCode, err } = await cli(["deploy", "--api-url", platform.url], {
    cwd: tempProject({ "tasks/a.ts": taskFile("a") }),
    isServed: true,
    signal: AbortSignal.abort(),
  });
  expect({ exitCode, err }).toEqual({ exitCode: 1, err: "Interrupted: nothing was put into service." });
  expect(platform.builds).toEqual([]);
});

test("Ctrl-C while the platform builds says where to look, since nobody knows how far it came", async () => {
  const interrupted = new AbortController();
  const build = () => {
    interrupted.abort();
    return "never ends" as const;
  };
  const platform = await fakeDeployPlatform({ build });
  const project = tempProject({ "tasks/a.ts": taskFile("a") });
  const env = { XDG_CACHE_HOME: join(project, "cache"), GANTRY_SECRET_KEY: "gt_prod_sk_x" };
  const argv = ["deploy", "--api-url", platform.url];
  const { exitCode, err } = await cli(argv, { cwd: project, isServed: true, signal: interrupted.signal, env });
  expect(exitCode).toBe(1);
  expect(err).toMatch(/Interrupted while the platform built: `gantry deployments list` shows what is in service\.$/);
});

const good = { "tasks/a.ts": taskFile("a") };
const FAILURES: Record<
  string,
  {
    files: Record<string, string>;
    platform?: FakePlatformOptions;
    args?: string[];
    wantExit: number;
    want: (string | RegExp)[];
  }
> = {
  "a bundle that cannot be imported, with its stack in the source": {
    files: { "tasks/a.ts": "type Url = string;\n\nthrow new Error('no DATABASE_URL');\n" },
    wantExit: 2,
    want: ["TASK_FILE_THREW", "no DATABASE_URL", /^ +at .*\(?tasks\/a\.ts:3:/m, /belongs into run\(\)/],
  },
  "code that does not build": {
    files: { "tasks/a.ts": "export const = 1;" },
    wantExit: 2,
    want: ["BUILD_FAILED", "tasks/a.ts:1"],
  },
  "a project without task files": { files: {}, wantExit: 2, want: ["NO_TASK_FILES", "./src/trigger"] },
  "a platform that knows no deploys": {
    files: good,
    platform: { refuse: { target: { status: 404, code: "DEPLOYMENT_NOT_FOUND", error: "There is no version." } } },
    wantExit: 2,
    want: ["PLATFORM_TOO_OLD", "helm upgrade"],
  },
  "a platform without a registry": {
    files: good,
    platform: { target: { builders: [] } },
    wantExit: 2,
    want: ["NO_IMAGE_BUILDER", "GANTRY_PLATFORM_REGISTRY_PUSH_URL"],
  },
  "a token that may not deploy": {
    files: good,
    platform: {
      refuse: { target: { status: 403, code: "FORBIDDEN", error: "The key may not deploy.", remedy: "Use another." } },
    },
    wantExit: 2,
    want: ["FORBIDDEN", "may not deploy", "Use another."],
  },
  "a builder that the platform has not": {
    files: good,
    args: ["--builder", "docker"],
    wantExit: 2,
    want: ["BUILDER_UNKNOWN", "oci-registry"],
  },
  "an extension that needs Docker where there is none": {
    files: {
      ...good,
      "gantry.config.ts": `import { aptGet } from "@gantry/sdk/build";
        export default { build: { extensions: [aptGet({ packages: ["ffmpeg"] })] } };`,
    },
    wantExit: 2,
    want: ["BUILDER_NEEDS_DOCKER", "--local-build"],
  },
  "a platform that images are not made for": {
    files: { ...good, "gantry.config.ts": `export default { build: { platforms: ["linux/arm64"] } };` },
    wantExit: 2,
    want: ["PLATFORM_NOT_OFFERED", "linux/amd64"],
  },
  "a layer larger than the platform takes": {
    files: good,
    platform: { target: { maxLayerBytes: 1000 } },
    wantExit: 2,
    want: ["LAYER_TOO_LARGE", "1000 B"],
  },
  "an upload that the platform refuses": {
    files: good,
    platform: { refuse: { "layers/sha256": { status: 422, code: "LAYER_INVALID", error: "Not a layer." } } },
    wantExit: 2,
    want: ["LAYER_INVALID"],
  },
  "a registry that is away": {
    files: good,
    platform: { refuse: { missing: { status: 503, code: "REGISTRY_UNAVAILABLE", error: "The registry is away." } } },
    wantExit: 3,
    want: ["REGISTRY_UNAVAILABLE"],
  },
  "a build whose reply breaks off": {
    files: good,
    platform: { build: () => "cut off" },
    wantExit: 3,
    want: ["BUILD_CUT_OFF", "gantry deployments list"],
  },
};

test.each(Object.entries(FAILURES))("%s ends the deploy with what to do", async (_title, failure) => {
  const platform = await fakeDeployPlatform(failure.platform);
  const { exitCode, err, out } = await deployTo(platform.url, tempProject(failure.files), failure.args);
  for (const text of failure.want) expect(err).toMatch(text);
  expect({ exitCode, out }).toEqual({ exitCode: failure.wantExit, out: "" });
});

test("a platform that does not answer is told with its address", async () => {
  const { exitCode, err } = await deployTo("http://127.0.0.1:9", tempProject(good));
  expect(err).toMatch(/does not answer at http:\/\/127\.0\.0\.1:9/);
  expect(exitCode).toBe(3);
});
