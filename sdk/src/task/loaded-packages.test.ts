import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { expect, it } from "vitest";

/** What importing a module of the SDK loads besides itself, at once: it is paid at the boot of every task process. */
async function importsOf(entry: string): Promise<string[]> {
  const { metafile } = await build({
    entryPoints: [fileURLToPath(new URL(entry, import.meta.url))],
    bundle: true,
    format: "esm",
    platform: "node",
    packages: "external",
    conditions: ["gantry-source"],
    write: false,
    metafile: true,
  });
  const imports = Object.values(metafile.outputs).flatMap((output) => output.imports);
  return [...new Set(imports.filter(({ kind }) => kind !== "dynamic-import").map(({ path }) => path))].sort();
}

it("a task process loads superjson and no schema library", async () => {
  expect(await importsOf("./index.ts")).toEqual(["node:util", "superjson"]);
});

it("the main entry needs no Node module", async () => {
  expect(await importsOf("../index.ts")).toEqual(["superjson"]);
});
