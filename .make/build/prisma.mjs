import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { cp, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
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

/** The platform's package carries the migrations it applies. */
export async function copyMigrations() {
  const target = join(ROOT, "platform", "prisma");
  await rm(target, { recursive: true, force: true });
  await cp(join(ROOT, "prisma", "migrations"), join(target, "migrations"), { recursive: true });
}
