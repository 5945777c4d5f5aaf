import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, test } from "vitest";
import { taskFile, tempProject, writeFiles } from "../../../test/support/temp-project.ts";
import { bundleOnce } from "./bundler.ts";
import { loadConfig } from "./config-file.ts";

const PACKAGES = {
  "node_modules/old/package.json": JSON.stringify({ name: "old", version: "1.0.0", main: "main.js" }),
  "node_modules/old/main.js": `exports.one = 1; exports["kebab-name"] = 2; Object.assign(exports, require("./more.js")); exports.where = () => new Error().stack;`,
  "node_modules/old/more.js": "exports.more = 3;",
  "node_modules/barrel/package.json": JSON.stringify({ name: "barrel", version: "1.0.0", main: "index.cjs" }),
  "node_modules/barrel/index.cjs": `module.exports = require("./inner.cjs");`,
  "node_modules/barrel/inner.cjs": `exports.inner = "in"; exports.back = () => require("./index.cjs");`,
  "node_modules/callable/package.json": JSON.stringify({ name: "callable", version: "1.0.0" }),
  "node_modules/callable/index.js": "module.exports = (n) => n + 1; module.exports.twice = (n) => n * 2;",
  "node_modules/compiled/package.json": JSON.stringify({ name: "compiled", version: "1.0.0" }),
  "node_modules/compiled/index.js": `Object.defineProperty(exports, "__esModule", { value: true }); exports.default = "its default"; exports.named = "named";`,
  "node_modules/empty/package.json": JSON.stringify({ name: "empty", version: "1.0.0" }),
  "node_modules/empty/index.js": "module.exports = null;",
  "node_modules/modern/package.json": JSON.stringify({ name: "modern", version: "1.0.0", type: "module" }),
  "node_modules/modern/index.js": "export const one = 1; export default 'modern';",
};

/** What a process prints of these packages' namespaces: of Node's own, or as they are bundled. */
function namespaces(project: string, load: string): Record<string, Record<string, unknown>> {
  const code = `
    ${load}
    const shown = (value) => (typeof value === "function" ? "a function" : value);
    const told = {};
    for (const name of ${JSON.stringify(NAMES)}) {
      const { "module.exports": _newerNodes, ...all } = await load(name);
      told[name] = Object.fromEntries(Object.entries(all).map(([key, value]) => [key, shown(value)]));
    }
    console.log(JSON.stringify(told));`;
  writeFiles(project, { "look.mjs": code });
  const { stdout, stderr, status } = spawnSync(process.execPath, ["look.mjs"], { cwd: project, encoding: "utf8" });
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout);
}

const NAMES = Object.keys(PACKAGES).flatMap((path) => /^node_modules\/(.*)\/package.json$/.exec(path)?.[1] ?? []);

test("what a dynamic import gives in a bundle is what Node gives: names, default and re-exports", async () => {
  const cases = NAMES.map((name) => `${JSON.stringify(name)}: () => import(${JSON.stringify(name)})`);
  const project = tempProject({
    ...PACKAGES,
    "tasks/a.ts": `${taskFile("a")}\n(globalThis as any).imports = { ${cases.join(", ")} };`,
  });
  const { dir, entry } = await bundleOnce(await loadConfig(project));
  const bundled = namespaces(
    project,
    `await import(${JSON.stringify(pathToFileURL(join(dir, entry)).href)}); const load = (name) => globalThis.imports[name]();`,
  );
  const byNode = namespaces(project, "const load = (name) => import(name);");
  expect(bundled).toEqual(byNode);
  expect(bundled.old).toMatchObject({ one: 1, "kebab-name": 2 });
  expect(bundled.barrel).toMatchObject({ inner: "in" });
});

test("the file that names what is exported is the same on every machine", async () => {
  const files = { ...PACKAGES, "tasks/a.ts": `${taskFile("a")}\nexport const load = () => import("old");` };
  const sourceMap = async () => {
    const project = tempProject(files);
    const { dir } = await bundleOnce(await loadConfig(project));
    const [name = "there is none"] = readdirSync(join(dir, "chunks")).filter((file) => /^main-.*\.map$/.test(file));
    return readFileSync(join(dir, "chunks", name), "utf8");
  };
  const map = await sourceMap();
  expect(map).toContain("gantry:commonjs:node_modules/old/main.js");
  expect(map).toBe(await sourceMap());
});
