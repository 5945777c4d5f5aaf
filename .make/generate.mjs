// Writes the golden files, or compares them: `node --conditions=gantry-source .make/generate.mjs [--verify]`.
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { GENERATORS } from "./generators.mjs";
import { ROOT } from "./paths.mjs";

const verify = process.argv.includes("--verify");
let stale = 0;

for (const { path, make } of GENERATORS) {
  const wanted = await make();
  const found = await readFile(join(ROOT, path), "utf8").catch(() => "");
  if (found.replaceAll("\r\n", "\n") === wanted) continue;
  if (verify) {
    stale += 1;
    console.error(`${path} is not what the code generates: run make generate and look at the difference.`);
  } else {
    await mkdir(dirname(join(ROOT, path)), { recursive: true });
    await writeFile(join(ROOT, path), wanted);
    console.log(`wrote ${path}`);
  }
}
if (stale > 0) process.exitCode = 1;
