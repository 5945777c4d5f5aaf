import { execFile } from "node:child_process";
import { glob, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { CACHE, ROOT } from "../paths.mjs";

const RELATIVE_IMPORT = /((?:from|import|import\()\s*["']\.{1,2}\/[^"']+)\.ts(["'])/g;

/**
 * The SDK's declarations, for ES modules (.d.ts) and for CommonJS (.d.cts). The compiler leaves `./x.ts` in them, which only
 * resolves where the sources are: so imports get the ending that their kind of module resolves.
 */
export async function emitTypes() {
  const folder = await mkdtemp(join(CACHE, "types-"));
  try {
    await compile(folder);
    const target = join(ROOT, "sdk", "dist");
    for await (const file of glob("**/*.d.ts", { cwd: folder })) {
      const text = await readFile(join(folder, file), "utf8");
      await write(join(target, file), text.replaceAll(RELATIVE_IMPORT, "$1.js$2"));
      if (!isModuleOnly(file))
        await write(join(target, file.replace(/\.d\.ts$/, ".d.cts")), text.replaceAll(RELATIVE_IMPORT, "$1.cjs$2"));
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** No CommonJS entry leads here. */
function isModuleOnly(file) {
  return /^(cli|testing)[\\/]/.test(file);
}

async function compile(outDir) {
  const tsc = join(dirname(createRequire(import.meta.url).resolve("typescript/package.json")), "bin", "tsc");
  const args = ["-p", join(ROOT, "sdk", "tsconfig.build.json"), "--outDir", outDir];
  await promisify(execFile)(process.execPath, [tsc, ...args], { cwd: ROOT }).catch((error) => {
    throw new Error(`sdk: the declarations do not compile\n${error.stdout}`);
  });
}

async function write(path, text) {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
}
