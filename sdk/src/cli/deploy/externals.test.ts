import { rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { fakeDeployPlatform } from "../../../test/support/fake-deploy-platform.ts";
import { type FakePackage, fakeNpmRegistry } from "../../../test/support/fake-npm-registry.ts";
import { cli } from "../../../test/support/fake-terminal.ts";
import { tempProject, writeFiles } from "../../../test/support/temp-project.ts";
import type { DeployOutcome } from "./deploy-flow.ts";

// Each deploy starts npm, which takes seconds on a machine that is busy.
vi.setConfig({ testTimeout: 60_000 });

const NATIVE: FakePackage[] = [
  {
    manifest: {
      name: "native",
      version: "1.2.0",
      main: "index.js",
      scripts: { install: "node-gyp rebuild" },
      dependencies: { inner: "^1.0.0" },
      optionalDependencies: { "@native/linux-x64": "1.2.0", "@native/darwin-arm64": "1.2.0" },
    },
    files: {
      "index.js": `const found = ["linux-x64", "darwin-arm64"].filter((name) => { try { require("@native/" + name); return true; } catch {} });
        module.exports = { found: found.join(), inner: require("inner") };`,
    },
  },
  {
    manifest: { name: "native", version: "1.3.0", main: "index.js" },
    files: { "index.js": "throw new Error('newer')" },
  },
  { manifest: { name: "inner", version: "1.0.1" }, files: { "index.js": "module.exports = 'inner 1.0.1';" } },
  { manifest: { name: "inner", version: "1.9.0" }, files: { "index.js": "module.exports = 'inner 1.9.0';" } },
  {
    manifest: { name: "@native/linux-x64", version: "1.2.0", os: ["linux"], cpu: ["x64"] },
    files: { "index.js": "", "it.node": "ELF x64" },
  },
  {
    manifest: { name: "@native/darwin-arm64", version: "1.2.0", os: ["darwin"], cpu: ["arm64"] },
    files: { "index.js": "", "it.node": "MACH" },
  },
];

/** A project on a Mac, whose code imports `native`: installed as npm, or as pnpm would. */
function macProject(registry: string, layout: "npm" | "pnpm", files: Record<string, string> = {}): string {
  const project = tempProject({
    ".npmrc": `registry=${registry}\n`,
    "tasks/a.ts": `import { task } from "@gantry/sdk"; import native from "native";
      export const it = task({ id: native.found + "/" + native.inner, run: async () => 1 });`,
    ...files,
  });
  const store = (name: string) => (layout === "npm" ? "node_modules" : `node_modules/.pnpm/${name}@x/node_modules`);
  for (const [name, version] of [
    ["native", "1.2.0"],
    ["inner", "1.0.1"],
    ["@native/darwin-arm64", "1.2.0"],
  ] as const) {
    const found = NATIVE.find(({ manifest }) => manifest.name === name && manifest.version === version);
    const folder = join(project, store("native"), name);
    const { manifest, files: contents = {} } = found as FakePackage;
    writeFiles(folder, { "package.json": JSON.stringify(manifest), ...contents });
  }
  if (layout === "pnpm") symlinkSync(join(project, store("native"), "native"), join(project, "node_modules/native"));
  return project;
}

async function deploy(cwd: string, url: string, args: string[] = []) {
  const { PATH = "", HOME = "" } = process.env;
  // An npm cache of its own: the test's packages are in no other registry.
  const cache = `${cwd}-cache`;
  onTestFinished(() => rmSync(cache, { recursive: true, force: true }));
  const env = {
    PATH,
    HOME,
    GANTRY_SECRET_KEY: "gt_prod_sk_x",
    XDG_CACHE_HOME: cache,
    npm_config_cache: join(cache, "npm"),
  };
  // What `npm run` leaves in the environment must not lead npm elsewhere.
  const ran = { ...env, npm_config_local_prefix: cwd, npm_package_json: join(cwd, "package.json") };
  const { out, err, exitCode } = await cli(["deploy", "--json", "--api-url", url, ...args], {
    cwd,
    isServed: true,
    env: ran,
  });
  return { err, exitCode, outcome: out === "" ? undefined : (JSON.parse(out) as DeployOutcome) };
}

test.each(["npm", "pnpm"] as const)(
  "a Mac's packages never reach the image: they are installed for it, at the versions that %s has",
  async (layout) => {
    const registry = await fakeNpmRegistry(NATIVE);
    const platform = await fakeDeployPlatform();
    const project = macProject(registry.url, layout);
    const { outcome, err } = await deploy(project, platform.url);
    if (outcome === undefined) throw new Error(err);
    // Imported beside what was installed for Linux, not beside the Mac's.
    if (process.platform === "linux" && process.arch === "x64") {
      expect(outcome.tasks).toMatchObject([{ id: "linux-x64/inner 1.0.1" }]);
    }
    expect(outcome.externals).toEqual(["native 1.2.0"]);
    const [externals, bundle] = outcome.layers;
    expect(externals).toMatchObject({ kind: "externals", platform: "linux/amd64", isUploaded: true });
    const files = platform.files(externals?.digest ?? "");
    expect(Object.keys(files).sort()).toEqual([
      "app/node_modules/@native/linux-x64/index.js",
      "app/node_modules/@native/linux-x64/it.node",
      "app/node_modules/@native/linux-x64/package.json",
      "app/node_modules/inner/index.js",
      "app/node_modules/inner/package.json",
      "app/node_modules/native/index.js",
      "app/node_modules/native/package.json",
    ]);
    expect(JSON.parse(files["app/node_modules/inner/package.json"] ?? "")).toMatchObject({ version: "1.0.1" });
    for (const code of Object.values(platform.files(bundle?.digest ?? ""))) expect(code).not.toContain(project);
  },
);

test("installed packages are asked for once; installed anew they are the same layer", async () => {
  const registry = await fakeNpmRegistry(NATIVE);
  const platform = await fakeDeployPlatform();
  const project = macProject(registry.url, "npm");
  const { outcome } = await deploy(project, platform.url);
  const asked = registry.asked.length;
  const again = await deploy(project, platform.url);
  expect(again.outcome).toMatchObject({ isNew: false, layers: [{ isUploaded: false }, { isUploaded: false }] });
  expect(registry.asked).toHaveLength(asked);

  const anew = await deploy(project, platform.url, ["--no-cache"]);
  expect(anew.outcome?.layers.map(({ digest }) => digest)).toEqual(outcome?.layers.map(({ digest }) => digest));
});

test("for two platforms native packages are a layer each, and others one layer for both", async () => {
  const arm64 = { name: "@native/linux-arm64", version: "1.2.0", os: ["linux"], cpu: ["arm64"] };
  const withArm64 = NATIVE.map((found) => {
    const { optionalDependencies } = found.manifest as { optionalDependencies?: object };
    if (optionalDependencies === undefined) return found;
    const all = { ...optionalDependencies, "@native/linux-arm64": "1.2.0" };
    return { ...found, manifest: { ...found.manifest, optionalDependencies: all } };
  });
  const registry = await fakeNpmRegistry([
    ...withArm64,
    { manifest: arm64, files: { "index.js": "", "it.node": "ARM" } },
  ]);
  const platform = await fakeDeployPlatform({ target: { platforms: ["linux/amd64", "linux/arm64"] } });
  const native = (await deploy(macProject(registry.url, "npm"), platform.url)).outcome?.layers ?? [];
  expect(native.map(({ kind, platform: of }) => [kind, of])).toEqual([
    ["externals", "linux/amd64"],
    ["externals", "linux/arm64"],
    ["bundle", undefined],
  ]);
  const arm = Object.keys(platform.files(native[1]?.digest ?? "")).filter((name) => name.endsWith(".node"));
  expect(arm).toEqual(["app/node_modules/@native/linux-arm64/it.node"]);

  const pure = tempProject({
    ".npmrc": `registry=${registry.url}\n`,
    "gantry.config.ts": `export default { build: { external: ["inner"] } };`,
    "node_modules/inner/package.json": `{ "name": "inner", "version": "1.0.1" }`,
    "node_modules/inner/index.js": "module.exports = 1;",
    "tasks/a.ts": `import { task } from "@gantry/sdk"; import "inner"; export const it = task({ id: "a", run: async () => 1 });`,
  });
  const shared = (await deploy(pure, platform.url)).outcome?.layers ?? [];
  expect(shared.map(({ kind, platform: of }) => [kind, of])).toEqual([
    ["externals", undefined],
    ["bundle", undefined],
  ]);
});

const SCRIPTED: FakePackage = {
  manifest: { name: "compiled", version: "2.0.0", gypfile: true, scripts: { install: "node-gyp rebuild" } },
  files: { "index.js": "module.exports = 'compiled';", "binding.gyp": "{}" },
};

function scriptedProject(registry: string, config = "export default {};"): string {
  return tempProject({
    ".npmrc": `registry=${registry}\n`,
    "gantry.config.ts": config,
    "node_modules/compiled/package.json": JSON.stringify(SCRIPTED.manifest),
    "node_modules/compiled/index.js": "module.exports = 'compiled';",
    "tasks/a.ts": `import { task } from "@gantry/sdk"; import compiled from "compiled";
      export const it = task({ id: compiled, run: async () => 1 });`,
  });
}

test("a package that needs its install script is named, with what can be done", async () => {
  const registry = await fakeNpmRegistry([SCRIPTED]);
  const platform = await fakeDeployPlatform();
  const { exitCode, err } = await deploy(scriptedProject(registry.url), platform.url);
  expect(exitCode).toBe(2);
  const error = JSON.parse(err.split("\n").at(-1) ?? "") as { code: string; error: string; remedy: string };
  expect(error.code).toBe("EXTERNAL_NEEDS_INSTALL_SCRIPT");
  expect(error.error).toContain("compiled@2.0.0  (node-gyp rebuild)");
  expect(error.remedy).toMatch(/pure: \["compiled"\].*build\.baseImage.*--local-build/);
  expect(platform.builds).toEqual([]);

  const marked = scriptedProject(registry.url, `export default { build: { pure: ["compiled"] } };`);
  expect((await deploy(marked, platform.url)).outcome).toMatchObject({ tasks: [{ id: "compiled" }] });
});

test("additional packages are installed at the project's version, though no code imports them", async () => {
  const registry = await fakeNpmRegistry(NATIVE);
  const platform = await fakeDeployPlatform();
  const project = tempProject({
    ".npmrc": `registry=${registry.url}\n`,
    "gantry.config.ts": `import { additionalPackages } from "@gantry/sdk/build";
      export default { build: { extensions: [additionalPackages({ packages: ["inner"] })] } };`,
    "node_modules/inner/package.json": `{ "name": "inner", "version": "1.0.1" }`,
    "tasks/a.ts": `import { task } from "@gantry/sdk"; export const it = task({ id: "a", run: async () => 1 });`,
  });
  const { outcome, err } = await deploy(project, platform.url);
  expect(outcome?.externals, err).toEqual(["inner 1.0.1"]);
});

test("a package that is only looked for by name is missed now, not when the first run starts", async () => {
  if (process.platform !== "linux") return;
  const platform = await fakeDeployPlatform({
    target: { platforms: [process.arch === "arm64" ? "linux/arm64" : "linux/amd64"] },
  });
  const project = tempProject({
    "node_modules/plugin/package.json": `{ "name": "plugin", "version": "1.0.0" }`,
    "node_modules/plugin/index.js": "",
    "tasks/a.ts": `import { createRequire } from "node:module"; import { task } from "@gantry/sdk";
      createRequire(import.meta.url).resolve("plugin");
      export const it = task({ id: "a", run: async () => 1 });`,
  });
  const { exitCode, err } = await deploy(project, platform.url);
  expect(exitCode).toBe(2);
  expect(err).toMatch(
    /tasks\/a\.ts throws.*Cannot find module 'plugin'.*additionalPackages\(\{ packages: \[\\"plugin\\"\] \}\)/s,
  );
});

test("what npm cannot find is told in npm's words", async () => {
  const registry = await fakeNpmRegistry([]);
  const platform = await fakeDeployPlatform();
  const { exitCode, err } = await deploy(scriptedProject(registry.url), platform.url);
  expect(exitCode).toBe(2);
  expect(err).toMatch(/EXTERNALS_NOT_INSTALLED/);
  expect(err).toMatch(/compiled@2\.0\.0.*404/s);
});

test("a registry that is away is told as such", async () => {
  const platform = await fakeDeployPlatform();
  const { exitCode, err } = await deploy(scriptedProject("http://127.0.0.1:9/"), platform.url);
  expect(err).toMatch(/The npm registry does not answer/);
  expect(exitCode).toBe(3);
});
