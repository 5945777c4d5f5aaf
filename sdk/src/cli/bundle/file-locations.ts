import { readFile } from "node:fs/promises";
import { extname, relative, sep } from "node:path";
import { pathToFileURL } from "node:url";
import type { Loader, Plugin } from "esbuild";
import { imagePath } from "./image-path.ts";

/**
 * Code that asks where it is (`import.meta.url`, `__dirname`, …) is told the place of its source, not of the chunk it was
 * bundled into: on this machine the file itself, in an image its path beside the bundle, where `additionalFiles` puts
 * what lies around it. Dependencies are told where the first chunk is.
 */
const ASKS = /\bimport\.meta\.(url|dirname|filename)\b|\b__(dirname|filename)\b/;
const LOADERS: Record<string, Loader> = { ".tsx": "tsx", ".jsx": "jsx", ".js": "js", ".mjs": "js", ".cjs": "js" };

/** Replaces what asks by names: the plugin declares them in each file of the project, the banner for all others. */
export const LOCATION_NAMES = {
  "import.meta.url": "__gantryUrl",
  "import.meta.dirname": "__gantryDir",
  "import.meta.filename": "__gantryFile",
  __dirname: "__gantryDir",
  __filename: "__gantryFile",
};

/** What CommonJS dependencies expect to find around them, and where this chunk is. `root` undefined: the bundle's folder. */
export function chunkBanner(root: string | undefined): string {
  const base =
    root === undefined ? `import.meta.url.replace(/(chunks\\/)?[^/]*$/, "")` : JSON.stringify(folderUrl(root));
  return [
    `import { createRequire as __gantryCreateRequire } from "node:module";`,
    `import { dirname as __gantryDirname } from "node:path";`,
    `import { fileURLToPath as __gantryToPath } from "node:url";`,
    "const require = __gantryCreateRequire(import.meta.url);",
    "const __filename = __gantryToPath(import.meta.url), __dirname = __gantryDirname(__filename);",
    // Globals: a file's own constants of these names stand in the same scope.
    "globalThis.__gantryUrl ??= import.meta.url;",
    "globalThis.__gantryFile ??= __filename;",
    "globalThis.__gantryDir ??= __dirname;",
    `const __gantryAt = (path) => new URL(path, ${base}).href;`,
  ].join(" ");
}

/** `root` as for chunkBanner. */
export function locationsPlugin(projectDir: string, root: string | undefined): Plugin {
  return {
    name: "gantry:locations",
    setup(build) {
      build.onLoad({ filter: /\.[cm]?[jt]sx?$/ }, async ({ path, namespace }) => {
        if (namespace !== "file" || path.includes("node_modules")) return undefined;
        const source = await readFile(path, "utf8");
        if (!ASKS.test(source) || source.startsWith("#!")) return undefined;
        const place = root === undefined ? imagePath(projectDir, path) : relative(root, path).split(sep).join("/");
        return { contents: prefix(place) + source, loader: LOADERS[extname(path)] ?? "ts" };
      });
    },
  };
}

/** On the first line, so that every line keeps its number. */
function prefix(place: string): string {
  const url = JSON.stringify(encodeURI(place).replace(/[?#]/g, encodeURIComponent));
  return (
    `const __gantryUrl = /* @__PURE__ */ __gantryAt(${url}), ` +
    "__gantryFile = /* @__PURE__ */ __gantryToPath(__gantryUrl), " +
    "__gantryDir = /* @__PURE__ */ __gantryDirname(__gantryFile); "
  );
}

function folderUrl(folder: string): string {
  return `${pathToFileURL(folder).href}/`;
}
