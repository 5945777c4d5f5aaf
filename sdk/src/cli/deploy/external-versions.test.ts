import { join } from "node:path";
import { expect, test } from "vitest";
import { tempProject } from "../../../test/support/temp-project.ts";
import { type ExternalVersions, externalVersions } from "./external-versions.ts";

const of = (name: string, version: string, more: object = {}) => JSON.stringify({ name, version, ...more });

/** Packages by their folder in the project; those at the top are the roots named. */
const CASES: Record<string, { packages: Record<string, string>; roots: string[]; want: ExternalVersions }> = {
  "a package is taken at the version that is installed, and so is what it needs": {
    packages: {
      "node_modules/a": of("a", "1.0.0", { dependencies: { b: "^2.0.0" } }),
      "node_modules/b": of("b", "2.0.3"),
    },
    roots: ["a"],
    want: { dependencies: { a: "1.0.0" }, overrides: { b: "2.0.3" } },
  },
  "two versions of a dependency are pinned below whoever needs them": {
    packages: {
      "node_modules/a": of("a", "1.0.0", { dependencies: { b: "*", c: "*" } }),
      "node_modules/a/node_modules/b": of("b", "1.5.0"),
      "node_modules/b": of("b", "2.0.0"),
      "node_modules/c": of("c", "3.0.0", { dependencies: { b: "*" } }),
    },
    roots: ["a"],
    want: {
      dependencies: { a: "1.0.0" },
      overrides: { "a@1.0.0": { b: "1.5.0" }, c: "3.0.0", "c@3.0.0": { b: "2.0.0" } },
    },
  },
  "what is not installed here is left to npm": {
    packages: { "node_modules/a": of("a", "1.0.0", { optionalDependencies: { "@a/linux-x64": "1.0.0" } }) },
    roots: ["a"],
    want: { dependencies: { a: "1.0.0" }, overrides: {} },
  },
  "a peer is installed beside as the project has it, an optional one is not": {
    packages: {
      "node_modules/a": of("a", "1.0.0", {
        peerDependencies: { b: ">=1", tool: "*" },
        peerDependenciesMeta: { tool: { optional: true } },
      }),
      "node_modules/b": of("b", "1.2.0"),
      "node_modules/tool": of("tool", "9.0.0"),
    },
    roots: ["a"],
    want: { dependencies: { a: "1.0.0", b: "1.2.0" }, overrides: {} },
  },
  "a package under another name keeps both": {
    packages: { "node_modules/alias": of("real", "4.0.0") },
    roots: ["alias"],
    want: { dependencies: { alias: "npm:real@4.0.0" }, overrides: {} },
  },
  "a circle ends": {
    packages: {
      "node_modules/a": of("a", "1.0.0", { dependencies: { b: "*" } }),
      "node_modules/b": of("b", "1.0.0", { dependencies: { a: "*" } }),
    },
    roots: ["a"],
    want: { dependencies: { a: "1.0.0" }, overrides: { b: "1.0.0" } },
  },
};

test.each(Object.entries(CASES))("%s", (_sentence, { packages, roots, want }) => {
  const files = Object.entries(packages).map(([folder, manifest]) => [`${folder}/package.json`, manifest]);
  const project = tempProject(Object.fromEntries(files) as Record<string, string>);
  const folders = roots.map((name) => ({ name, folder: join(project, "node_modules", name) }));
  expect(externalVersions(folders)).toEqual(want);
});

test("two versions of a package that the code imports are refused, both named", () => {
  const project = tempProject({
    "node_modules/a/package.json": of("a", "1.0.0"),
    "node_modules/b/node_modules/a/package.json": of("a", "2.0.0"),
  });
  const folders = ["node_modules/a", "node_modules/b/node_modules/a"];
  const roots = folders.map((folder) => ({ name: "a", folder: join(project, folder) }));
  expect(() => externalVersions(roots)).toThrow(/two versions of a \(1\.0\.0 and 2\.0\.0\)/);
});
