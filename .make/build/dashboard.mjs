import { cp, glob, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";
import { CACHE, ROOT } from "../paths.mjs";
import { newestOf, stampedAt, stampNow } from "./stamp.mjs";

const SOURCE = join(ROOT, "platform", "dashboard");
export const DASHBOARD = join(ROOT, "platform", "dist", "dashboard");
const STAMP = join(CACHE, "dashboard.stamp");
/** What it is made of: the SDK's client and hooks are bundled into it. */
const INPUTS = [
  "platform/dashboard/{src,public}/**/*",
  "platform/dashboard/{index.html,package.json,vite.config.ts}",
  "sdk/src/{client,contract,react}/**/*.{ts,tsx}",
  "sdk/src/index.ts",
  "package-lock.json",
  ".make/build/dashboard.mjs",
];
const COMPRESSED = /\.(js|css|svg|txt)$/;

/**
 * Builds the dashboard by Vite where something it is made of has changed. The new files are put beside the old ones before
 * index.html names them, and the old ones go last: a page that is being loaded meanwhile finds all of its own.
 */
export async function buildDashboard() {
  const startedAt = new Date();
  const isThere = await stat(join(DASHBOARD, "index.html")).catch(() => undefined);
  if (isThere && (await newestOf(INPUTS)) <= (await stampedAt(STAMP))) return;
  const folder = await mkdtemp(join(CACHE, "dashboard-"));
  try {
    await vite(folder);
    await compress(folder);
    await replace(folder, DASHBOARD);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  await stampNow(STAMP, startedAt);
}

/** Vite is found from the dashboard's own package. */
async function vite(outDir) {
  const require = createRequire(join(SOURCE, "package.json"));
  const { build } = await import(
    pathToFileURL(join(dirname(require.resolve("vite/package.json")), "dist/node/index.js"))
  );
  // Within a test run it says "test", and React would be bundled as for development.
  const { NODE_ENV } = process.env;
  process.env.NODE_ENV = "production";
  try {
    await build({
      configFile: join(SOURCE, "vite.config.ts"),
      mode: "production",
      logLevel: "error",
      build: { outDir, emptyOutDir: true },
    });
  } finally {
    if (NODE_ENV === undefined) delete process.env.NODE_ENV;
    else process.env.NODE_ENV = NODE_ENV;
  }
}

async function compress(folder) {
  const work = [];
  for await (const file of glob("**/*", { cwd: folder })) {
    if (!COMPRESSED.test(file)) continue;
    const path = join(folder, file);
    const content = await readFile(path);
    const params = { [constants.BROTLI_PARAM_SIZE_HINT]: content.length };
    work.push(promisify(brotliCompress)(content, { params }).then((bytes) => writeFile(`${path}.br`, bytes)));
    work.push(promisify(gzip)(content, { level: 9 }).then((bytes) => writeFile(`${path}.gz`, bytes)));
  }
  await Promise.all(work);
}

async function replace(from, to) {
  await mkdir(to, { recursive: true });
  const made = await filesIn(from);
  const page = "index.html";
  for (const file of made) if (file !== page) await cp(join(from, file), join(to, file), { force: true });
  await cp(join(from, page), join(to, `${page}.new`));
  await rename(join(to, `${page}.new`), join(to, page));
  const kept = new Set(made);
  for (const file of await filesIn(to)) if (!kept.has(file)) await rm(join(to, file), { force: true });
}

async function filesIn(folder) {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));
}
