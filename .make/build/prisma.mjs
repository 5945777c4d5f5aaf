import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join, relative } from "node:path";
import { promisify } from "node:util";
import { ROOT } from "../paths.mjs";

const require = createRequire(import.meta.url);
const OUTPUT = join(ROOT, "platform", "src", "adapters", "postgres", "prisma-client");
const STAMP = join(OUTPUT, "generated-from");

/**
 * Generates Prisma's client where the schema has changed. Prisma would download its schema engine first, which nothing here
 * uses: naming any program as that engine keeps it from asking the network.
 */
export async function generatePrismaClient() {
  const schema = await readFile(join(ROOT, "prisma", "schema.prisma"));
  const { version } = require("prisma/package.json");
  const wanted = createHash("sha256").update(schema).update(version).digest("hex");
  if ((await readFile(STAMP, "utf8").catch(() => "")) === wanted) return;
  const cli = require.resolve("prisma/build/index.js");
  const env = {
    ...process.env,
    PRISMA_SCHEMA_ENGINE_BINARY: process.execPath,
    CHECKPOINT_DISABLE: "1",
    PRISMA_HIDE_UPDATE_MESSAGE: "1",
  };
  await promisify(execFile)(process.execPath, [cli, "generate", "--no-hints"], { cwd: ROOT, env });
  await writeFile(STAMP, wanted);
}

/** The platform's package carries the migrations it applies. What is there already is left alone: a platform may be reading it. */
export async function copyMigrations() {
  const source = join(ROOT, "prisma", "migrations");
  const target = join(ROOT, "platform", "prisma", "migrations");
  const [wanted, found] = await Promise.all([source, target].map(filesBelow));
  for (const name of found) if (!wanted.includes(name)) await rm(join(target, name));
  for (const name of wanted) {
    const [text, old] = await Promise.all(
      [source, target].map((root) => readFile(join(root, name)).catch(() => undefined)),
    );
    if (old?.equals(text)) continue;
    await mkdir(dirname(join(target, name)), { recursive: true });
    await writeFile(`${join(target, name)}.new`, text);
    await rename(`${join(target, name)}.new`, join(target, name));
  }
}

async function filesBelow(root) {
  const entries = await readdir(root, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isFile()).map((entry) => relative(root, join(entry.parentPath, entry.name)));
}
