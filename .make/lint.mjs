// Runs every check and reports all that fail: `node .make/lint.mjs [--fix]`.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, globSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./paths.mjs";

const fix = process.argv.includes("--fix");
const bin = (name, file) => [join(ROOT, "node_modules", name, "bin", file)];
const PACKAGES = [
  "sdk",
  "worker-image",
  "platform",
  "platform/dashboard",
  "e2e",
  "bench",
  ...globSync("examples/*", { cwd: ROOT }).sort(),
].filter((name) => existsSync(join(ROOT, name, "tsconfig.json")));

const CHECKS = [
  {
    name: "format",
    args: [...bin("@biomejs/biome", "biome"), "check", "--max-diagnostics=200", ...(fix ? ["--write"] : [])],
  },
  { name: "lint rules", args: [...bin("oxlint", "oxlint"), "--type-aware", ...(fix ? ["--fix"] : [])] },
  ...PACKAGES.map((name) => ({ name: `types of ${name}`, args: [...bin("typescript", "tsc"), "-p", name] })),
  {
    name: "import law",
    args: [
      ...bin("dependency-cruiser", "dependency-cruiser.mjs"),
      "--config",
      ".dependency-cruiser.cjs",
      "sdk",
      "platform",
      "worker-image",
      "e2e",
      "examples",
    ],
  },
  { name: "chart", args: [join(ROOT, ".make", "chart-lint.mjs")] },
  { name: "unused code", args: [...bin("knip", "knip.js"), "--no-progress"] },
  { name: "lockfile", args: [join(ROOT, ".make", "lockfile.mjs"), ...(fix ? ["--fix"] : [])] },
  { name: "hygiene", args: [join(ROOT, ".make", "hygiene.mjs")] },
];

/** What it printed where it failed; a check that passes says nothing. */
async function run({ name, args }) {
  const startedAt = Date.now();
  const child = spawn(process.execPath, args, { cwd: ROOT, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (data) => {
      output += data;
    });
  }
  const [code] = await once(child, "close");
  console.log(`${code === 0 ? "ok  " : "FAIL"} ${name} (${((Date.now() - startedAt) / 1000).toFixed(1)} s)`);
  if (code !== 0) console.log(output.trimEnd());
  return code === 0;
}

const results = [];
for (const check of CHECKS) results.push(await run(check));
if (results.includes(false)) process.exitCode = 1;
