// Builds everything that runs from dist: `node .make/build.mjs [--no-types] [--if-changed] [--clean]`.
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { bundleAll } from "./build/bundle.mjs";
import { changedSince, markBuilt } from "./build/changes.mjs";
import { buildDashboard } from "./build/dashboard.mjs";
import { withLock } from "./build/lock.mjs";
import { copyMigrations, generatePrismaClient } from "./build/prisma.mjs";
import { emitTypes } from "./build/types.mjs";
import { CACHE, ROOT } from "./paths.mjs";

async function build(flags) {
  const types = !flags.has("--no-types");
  if (flags.has("--if-changed") && !(await changedSince({ types }))) return;
  if (flags.has("--clean")) {
    for (const name of ["sdk", "worker-image", "platform"])
      await rm(join(ROOT, name, "dist"), { recursive: true, force: true });
  }
  const startedAt = new Date();
  await generatePrismaClient();
  const tasks = [bundleAll(), copyMigrations(), buildDashboard()];
  if (types) tasks.push(emitTypes());
  const failed = (await Promise.allSettled(tasks)).filter((result) => result.status === "rejected");
  if (failed.length > 0)
    throw new AggregateError(
      failed.map((result) => result.reason),
      "the build failed",
    );
  await markBuilt(startedAt, { types });
}

await mkdir(CACHE, { recursive: true });
try {
  await withLock(join(CACHE, "build.lock"), () => build(new Set(process.argv.slice(2))));
} catch (error) {
  for (const each of error instanceof AggregateError ? error.errors : [error]) console.error(each.message ?? each);
  process.exitCode = 1;
}
