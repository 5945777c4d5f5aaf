import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type BuildOptions, build } from "esbuild";

const PACKAGE = join(import.meta.dirname, "../..");
const REQUIRE =
  'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);';

export interface TaskProgram {
  programFile: string;
  entry: string;
  runnerFile: string;
}

/** The runner's and the task process's program and a bundle of `source`, as they are now, in `dir`. */
export async function buildTaskProgram(dir: string, source: string): Promise<TaskProgram> {
  await writeFile(join(dir, "tasks.ts"), source);
  const [programFile = "", entry = "", runnerFile = ""] = ["task-process.mjs", "entry.mjs", "runner.mjs"].map((name) =>
    join(dir, name),
  );
  const options: BuildOptions = {
    bundle: true,
    platform: "node",
    format: "esm",
    conditions: ["gantry-source"],
    logLevel: "silent",
    banner: { js: REQUIRE },
  };
  await Promise.all([
    build({ ...options, entryPoints: [join(PACKAGE, "src/task-process.ts")], outfile: programFile }),
    build({ ...options, entryPoints: [join(PACKAGE, "src/runner.ts")], outfile: runnerFile }),
    build({
      ...options,
      stdin: { contents: source, resolveDir: PACKAGE, sourcefile: join(dir, "tasks.ts"), loader: "ts" },
      outfile: entry,
    }),
  ]);
  return { programFile, entry, runnerFile };
}
