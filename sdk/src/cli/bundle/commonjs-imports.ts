import { readFile } from "node:fs/promises";
import { basename, dirname, extname, relative, sep } from "node:path";
import { init, parse } from "cjs-module-lexer";
import type { Plugin, PluginBuild } from "esbuild";
import { RESOLVING } from "./resolve-plugins.ts";

const NAMESPACE = "gantry:commonjs";
/** What this plugin asks esbuild to find on its behalf, by the rules of all others. */
const LOOKING = Symbol("looking");
/** Other kinds of files are ES modules, or none that Node would load. */
const MAYBE_COMMONJS = new Set([".js", ".cjs"]);
const MENTIONS_EXPORTS = /\b(module|exports)\b/;

/**
 * `await import("a-commonjs-package")` has the names that Node gives it. With its code in chunks esbuild knows `default` alone
 * (a chunk's exports are fixed when it is written), so that such an import goes to a module that names them, found as Node
 * finds them: by the text, re-exports followed.
 */
export function commonJsImportsPlugin(projectDir: string): Plugin {
  return {
    name: "gantry:commonjs-imports",
    setup(build) {
      build.onResolve({ filter: /./ }, async ({ path, kind, resolveDir, importer, namespace, pluginData }) => {
        if (kind !== "dynamic-import" || pluginData === RESOLVING || pluginData === LOOKING) return undefined;
        const found = await build.resolve(path, { kind, resolveDir, importer, namespace, pluginData: LOOKING });
        // esbuild finds it again, and with it what a plugin is not told: the tsconfig.json that counts for it.
        const isBundled = found.errors.length === 0 && !found.external && found.namespace === "file";
        const names = isBundled ? await namesOf(build, found.path) : undefined;
        if (names === undefined) return undefined;
        // Its name is part of what is written: the same on every machine.
        const shown = relative(projectDir, found.path).split(sep).join("/");
        return { path: shown, namespace: NAMESPACE, pluginData: { file: found.path, names } };
      });
      build.onLoad({ filter: /./, namespace: NAMESPACE }, ({ pluginData }) => {
        const { file, names } = pluginData as { file: string; names: Set<string> };
        return { contents: naming(basename(file), [...names]), resolveDir: dirname(file), watchFiles: [file] };
      });
    },
  };
}

/** What a CommonJS file exports beside its default; undefined where it is none. */
async function namesOf(build: PluginBuild, file: string, seen = new Set<string>()): Promise<Set<string> | undefined> {
  if (!MAYBE_COMMONJS.has(extname(file)) || seen.has(file)) return undefined;
  seen.add(file);
  const source = await readFile(file, "utf8");
  if (!MENTIONS_EXPORTS.test(source)) return undefined;
  await init();
  const found = lexed(source);
  if (found === undefined) return undefined;
  const names = new Set(found.exports);
  for (const path of found.reexports) {
    const options = { kind: "require-call", resolveDir: dirname(file), pluginData: LOOKING } as const;
    const target = await build.resolve(path, options);
    if (target.errors.length > 0 || target.external || target.namespace !== "file") continue;
    for (const name of (await namesOf(build, target.path, seen)) ?? []) names.add(name);
  }
  names.delete("default");
  return names;
}

/** Undefined: it is an ES module, or esbuild will say what is wrong with it. */
function lexed(source: string): ReturnType<typeof parse> | undefined {
  try {
    return parse(source);
  } catch {
    return undefined;
  }
}

function naming(file: string, names: string[]): string {
  const constants = names.map((name, index) => `const _${index} = all?.[${JSON.stringify(name)}];`);
  const exported = names.map((name, index) => `_${index} as ${JSON.stringify(name)}`);
  return [
    `const all = require(${JSON.stringify(`./${file}`)});`,
    "export default all;",
    ...constants,
    `export { ${exported.join(", ")} };`,
  ].join("\n");
}
