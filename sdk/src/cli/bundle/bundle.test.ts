import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { taskFile, tempProject, writeFiles } from "../../../test/support/temp-project.ts";
import { manifestSchema } from "../../contract/manifest.ts";
import { bundleOnce, bundlesDir } from "./bundler.ts";
import { loadConfig } from "./config-file.ts";
import { describeBundle, devManifest } from "./describe-bundle.ts";

async function manifest(projectDir: string, env: Record<string, string> = {}) {
  const config = await loadConfig(projectDir);
  return describeBundle(config, await bundleOnce(config), { ...process.env, ...env });
}

test("tasks of every kind of file are declared with their file and export", async () => {
  const project = tempProject({
    "tasks/a.ts": taskFile("a"),
    "tasks/deep/b.tsx": `import { task } from "@gantry/sdk";\nexport const view = task({ id: "b", run: async () => (<p/>) });\nconst React = { createElement: () => null };\n`,
    "tasks/c.mjs": `import { task } from "@gantry/sdk";\nexport default task({ id: "c", run: async () => {} });\n`,
    "tasks/d.cjs": `const { task } = require("@gantry/sdk");\nexports.d = task({ id: "d", run: async () => {} });\n`,
    "tasks/a.test.ts": "throw new Error('a test is no task file');",
    "tasks/types.d.ts": "export type X = 1;",
    "tsconfig.json": JSON.stringify({ compilerOptions: { jsx: "react" } }),
  });
  const { tasks, entry } = await manifest(project);
  expect(tasks.map(({ id, filePath, exportName }) => [id, filePath, exportName])).toEqual(
    expect.arrayContaining([
      ["a", "tasks/a.ts", "it"],
      ["b", "tasks/deep/b.tsx", "view"],
      ["c", "tasks/c.mjs", "default"],
    ]),
  );
  expect(tasks.map(({ id }) => id).sort()).toEqual(["a", "b", "c", "d"]);
  expect(entry).toBe("entry.mjs");
});

const FAILURES: Record<string, { files: Record<string, string>; wantCode: string; wantText: (string | RegExp)[] }> = {
  "a task file that throws on import is named, with its line in the source": {
    files: {
      "tasks/ok.ts": taskFile("ok"),
      "tasks/bad.ts": "type Url = string;\n\nthrow new Error('no DATABASE_URL');\n",
    },
    wantCode: "TASK_FILE_THREW",
    wantText: ["tasks/bad.ts throws", "no DATABASE_URL", /tasks\/bad\.ts:3:/],
  },
  "two tasks of one id are refused, both files named": {
    files: { "tasks/one.ts": taskFile("same"), "tasks/two.ts": taskFile("same") },
    wantCode: "DUPLICATE_TASK_ID",
    wantText: ["same", "tasks/one.ts", "tasks/two.ts"],
  },
  "a project without task files is told where was looked": {
    files: {},
    wantCode: "NO_TASK_FILES",
    wantText: ["./tasks, ./trigger, ./src/tasks, ./src/trigger"],
  },
  "files that declare no task are told so": {
    files: { "tasks/none.ts": "export const x = 1;" },
    wantCode: "NO_TASKS",
    wantText: ["./tasks"],
  },
  "code that does not parse is shown with its place": {
    files: { "tasks/broken.ts": "export const = 1;" },
    wantCode: "BUILD_FAILED",
    wantText: ["tasks/broken.ts:1:13"],
  },
  "an import that cannot be found is shown with its place": {
    files: { "tasks/lost.ts": `import "no-such-package";` },
    wantCode: "BUILD_FAILED",
    wantText: ["no-such-package", "tasks/lost.ts:1:7"],
  },
  "a task file that ends the process on import is told as such": {
    files: { "tasks/exit.ts": "console.log('bye'); process.exit(3);" },
    wantCode: "IMPORT_EXITED",
    wantText: ["code 3"],
  },
  "a configuration that throws is named": {
    files: { "gantry.config.ts": "throw new Error('boom');" },
    wantCode: "CONFIG_BROKEN",
    wantText: ["gantry.config.ts", "boom"],
  },
  "a checkpoint mode that is none is named, with the one that was meant": {
    files: {
      "tasks/a.ts": `import { task } from "@gantry/sdk"; export const it = task({ id: "a", checkpoint: "hodl" as never, run: async () => 1 });`,
    },
    wantCode: "INVALID_CHECKPOINT",
    wantText: ['task "a"', "tasks/a.ts", 'did you mean "hold"?'],
  },
  "a checkpoint option that does not exist is named, with the one that was meant": {
    files: {
      "tasks/a.ts": `import { task } from "@gantry/sdk"; export const it = task({ id: "a", checkpoint: { holdMS: 1 } as never, run: async () => 1 });`,
    },
    wantCode: "INVALID_CHECKPOINT",
    wantText: ['no option "holdMS"', 'did you mean "holdMs"?'],
  },
  "a checkpoint option of the configuration is named": {
    files: { "tasks/a.ts": taskFile("a"), "gantry.config.ts": "export default { checkpoint: { strikt: true } };" },
    wantCode: "CONFIG_INVALID",
    wantText: ["gantry.config.ts", 'did you mean "strict"?'],
  },
  "an unknown option in the configuration is named": {
    files: { "gantry.config.ts": "export default { dir: './jobs' };" },
    wantCode: "CONFIG_INVALID",
    wantText: ["dir"],
  },
};

test.each(Object.entries(FAILURES))("%s", async (_title, { files, wantCode, wantText }) => {
  const failure = await manifest(tempProject(files)).then(
    () => undefined,
    (error: unknown) => error as { code: string; message: string },
  );
  expect(failure).toMatchObject({ code: wantCode });
  for (const text of wantText) expect(failure?.message).toMatch(text);
});

const WAITING: Record<string, { files: Record<string, string>; want: boolean }> = {
  "no word of waits": { files: { "tasks/a.ts": taskFile("a") }, want: false },
  "a wait in a file that a task imports": {
    files: {
      "lib/later.ts": 'import { wait } from "@gantry/sdk"; export const later = () => wait.for({ days: 1 });',
      "tasks/a.ts": `import { later } from "../lib/later"; ${taskFile("a", "await later();")}`,
    },
    want: true,
  },
  "a child that is waited for": { files: { "tasks/a.ts": taskFile("a", "void it.triggerAndWait;") }, want: true },
  "the word in a package that does not know the SDK": {
    files: {
      "node_modules/lib/package.json": `{ "name": "lib", "main": "index.js" }`,
      "node_modules/lib/index.js": "exports.wait = () => {};",
      "tasks/a.ts": `import "lib"; ${taskFile("a")}`,
    },
    want: false,
  },
  "the word in a package that uses the SDK": {
    files: {
      "node_modules/lib/package.json": `{ "name": "lib", "main": "index.js" }`,
      "node_modules/lib/index.js": `exports.nap = () => require("@gantry/sdk").wait.for({ days: 1 });`,
      "tasks/a.ts": `import "lib"; ${taskFile("a")}`,
    },
    want: true,
  },
};
test.each(Object.entries(WAITING))("whether tasks may wait: %s", async (_title, { files, want }) => {
  expect(await manifest(tempProject(files))).toMatchObject({ mayWait: want });
});

test("checkpoint options of tasks and of the project are in the manifest as they were given", async () => {
  const checkpointed = (id: string, checkpoint: string) =>
    `import { task } from "@gantry/sdk";\nexport const ${id} = task({ id: "${id}", checkpoint: ${checkpoint}, run: async () => 1 });\n`;
  const project = tempProject({
    "gantry.config.ts": "export default { checkpoint: { strict: true } };",
    "tasks/a.ts": checkpointed("a", `"hold"`),
    "tasks/b.ts": checkpointed("b", `{ mode: "replay", holdMs: 100 }`),
    "tasks/c.ts": taskFile("c"),
    "tasks/d.ts": checkpointed("d", "{ process: true }"),
  });
  const made = await manifest(project);
  expect(made.defaultCheckpoint).toEqual({ strict: true });
  const byId = Object.fromEntries(made.tasks.map(({ id, checkpoint }) => [id, checkpoint]));
  expect(byId).toEqual({ a: { mode: "hold" }, b: { mode: "replay", holdMs: 100 }, c: undefined, d: { process: true } });
  // Stored and read again, what was not given is still not there: it comes from the project.
  expect(manifestSchema.parse(made).tasks.find(({ id }) => id === "b")?.checkpoint).toEqual(byId.b);
});

test("task files written for @trigger.dev/sdk build unchanged, and do not where compat is off", async () => {
  const old = (from: string, id: string) =>
    `import { task, logger } from "${from}";\nexport const t = task({ id: "${id}", run: async () => logger.info("x") });\n`;
  const files = { "trigger/a.ts": old("@trigger.dev/sdk", "a"), "trigger/b.ts": old("@trigger.dev/sdk/v3", "b") };
  const { tasks } = await manifest(tempProject(files));
  expect(tasks.map(({ id }) => id)).toEqual(["a", "b"]);
  const off = manifest(tempProject({ ...files, "gantry.config.ts": "export default { compat: false };" }));
  await expect(off).rejects.toThrow(/@trigger\.dev\/sdk/);
});

test("trigger.config.ts is read, its retry policy too", async () => {
  const project = tempProject({
    "trigger.config.ts": `import { defineConfig } from "@trigger.dev/sdk/v3";
export default defineConfig({ project: "proj_abc", runtime: "node", logLevel: "log", maxDuration: 60,
  retries: { enabledInDev: true, default: { maxAttempts: 5 } }, dirs: ["./jobs"], machine: "micro",
  build: { extensions: [{ name: "ffmpeg" }], autoDetectExternal: true, jsx: {} } as never });`,
    "jobs/a.ts": taskFile("a"),
  });
  const config = await loadConfig(project);
  expect(config.project).toBe("proj_abc");
  expect(config.warnings).toEqual(["build.jsx is not applied."]);
  expect(config.build.extensions).toMatchObject([{ name: "ffmpeg" }]);
  expect(devManifest(config, await manifest(project))).toMatchObject({
    defaultRetry: { maxAttempts: 5 },
    defaultMaxDuration: 60,
    defaultMachine: "micro",
  });
});

test("CommonJS dependencies, JSON, wasm, tsconfig paths, decorators and init.ts work in the bundle", async () => {
  const project = tempProject({
    "tsconfig.json": JSON.stringify({
      compilerOptions: { baseUrl: ".", paths: { "@lib/*": ["./lib/*"] }, experimentalDecorators: true },
    }),
    "lib/name.ts": "export const name: string = 'from-paths';",
    "lib/data.json": `{ "suffix": "json" }`,
    "node_modules/old/package.json": `{ "name": "old", "main": "index.js" }`,
    "node_modules/old/index.js":
      "const path = require('path'); module.exports = { dir: __dirname, sep: path.posix.sep };",
    "tasks/init.ts": "(globalThis as any).initRan = true;",
    "tasks/a.ts": `
import { task } from "@gantry/sdk";
import { name } from "@lib/name";
import data from "../lib/data.json";
import old from "old";
import wasm from "./empty.wasm";
function mark(_target: object, _key: string) {}
class Marked { @mark value = 1; }
if (!(globalThis as any).initRan) throw new Error("init.ts was not first");
if (typeof old.dir !== "string" || new Marked().value !== 1) throw new Error("dependency or decorator");
await WebAssembly.compile(wasm as any);
export const it = task({ id: name + "-" + data.suffix + old.sep, run: async () => 1 });`,
  });
  writeFileSync(join(project, "tasks/empty.wasm"), Buffer.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]));
  const { tasks } = await manifest(project);
  expect(tasks).toMatchObject([{ id: "from-paths-json/" }]);
});

test("a package with native code stays outside the bundle; an optional dependency may be missing", async () => {
  const project = tempProject({
    "node_modules/native/package.json": `{ "name": "native", "version": "1.0.0", "main": "index.js", "gypfile": true }`,
    "node_modules/native/index.js": "module.exports = { loadedFrom: __filename };",
    "node_modules/picky/package.json": `{ "name": "picky", "main": "index.js" }`,
    "node_modules/picky/index.js": "exports.fast = () => require('picky-native');",
    "tasks/a.ts": `import { task } from "@gantry/sdk"; import native from "native";
import "picky";
if (!native.loadedFrom.includes("node_modules")) throw new Error("it was bundled: " + native.loadedFrom);
export const it = task({ id: "a", run: async () => 1 });`,
  });
  await expect(manifest(project)).resolves.toMatchObject({ tasks: [{ id: "a" }] });
});

test("the same code gives the same folder, another code another one, with source maps that hold the sources", async () => {
  const project = tempProject({ "tasks/a.ts": taskFile("a") });
  const config = await loadConfig(project);
  const first = await bundleOnce(config);
  expect(await bundleOnce(config)).toEqual(first);
  writeFiles(project, { "tasks/a.ts": taskFile("a", "return 2;") });
  const second = await bundleOnce(config);
  expect(second.hash).not.toBe(first.hash);
  expect(readdirSync(bundlesDir(project)).sort()).toEqual([first.hash, second.hash].sort());
  const maps = readdirSync(join(second.dir, "chunks")).filter((name) => name.endsWith(".map"));
  const sources = maps.flatMap(
    (name) => (JSON.parse(readFileSync(join(second.dir, "chunks", name), "utf8")) as { sources: string[] }).sources,
  );
  const own = sources.find((source) => source.endsWith("tasks/a.ts")) ?? "";
  expect(existsSync(join(second.dir, "chunks", own))).toBe(true);
});

test("the environment of the project is there while task files are imported", async () => {
  const project = tempProject({
    "tasks/a.ts": `import { task } from "@gantry/sdk"; export const it = task({ id: process.env.TASK_ID!, run: async () => 1 });`,
  });
  mkdirSync(join(project, "empty"));
  await expect(manifest(project, { TASK_ID: "from-env" })).resolves.toMatchObject({ tasks: [{ id: "from-env" }] });
});
