import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { modulesInUse } from "./modules-in-use.mjs";

let folder;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "modules-in-use-"));
});
afterEach(() => rm(folder, { recursive: true }));

test("follows static and dynamic imports, in circles too, and leaves out what nothing imports", async () => {
  const files = {
    "main.js": 'import { a } from "./a.js"; await import("./b.js"); import "pg";',
    "a.js": 'export * from "./main.js";',
    "b.js": "export {};",
    "older.js": 'import "./a.js";',
  };
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  const found = await modulesInUse([join(folder, "main.js")]);
  expect([...found].sort()).toEqual(["a.js", "b.js", "main.js"].map((name) => join(folder, name)));
});
