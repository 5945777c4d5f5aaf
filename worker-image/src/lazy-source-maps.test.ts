import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { build } from "esbuild";
import { afterEach, beforeEach, expect, test } from "vitest";

const run = promisify(execFile);
const MODULE = pathToFileURL(join(import.meta.dirname, "lazy-source-maps.ts")).href;
const SOURCE = "\n\nexport function fail(): never {\n  throw new TypeError('here');\n}\n";

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "gantry-maps-"));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

/** The stack of the error that the bundle throws, as a process of its own sees it: a test runner has maps of its own. */
async function stackOf(sourcemap: "linked" | "inline" | false): Promise<string> {
  const bundle = join(dir, "out/entry.mjs");
  const stdin = { contents: SOURCE, resolveDir: dir, sourcefile: "src/tasks.ts", loader: "ts" as const };
  await build({ stdin, outfile: bundle, sourcemap, format: "esm", minify: true });
  const program = `
    import { installLazySourceMaps } from ${JSON.stringify(MODULE)};
    import { fail } from ${JSON.stringify(pathToFileURL(bundle).href)};
    installLazySourceMaps();
    try { fail(); } catch (error) { console.log(error.stack); }`;
  return (await run(process.execPath, ["--experimental-strip-types", "--input-type=module", "-e", program])).stdout;
}

test.each(["linked", "inline"] as const)("a stack points into the source, by a map that is %s", async (sourcemap) => {
  expect(await stackOf(sourcemap)).toMatch(/^TypeError: here\n {4}at .*src[/\\]tasks\.ts:4:9/);
});

test("a stack without a map keeps V8's words", async () => {
  expect(await stackOf(false)).toMatch(/^TypeError: here\n {4}at e \(file:.*entry\.mjs:1:\d+\)/);
});
