import { createRequire, isBuiltin } from "node:module";

/** What packages that are bundled into a module `require`, Node's own modules among it. */
export const REQUIRE_BANNER =
  'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);';

/**
 * Bundles of the Kubernetes client only what the executor uses of it, with what that depends on. As it is, its every part is
 * loaded with it: hundreds of generated classes for APIs that the platform never asks, 80 MB of memory in an idle platform.
 * None of its modules does anything by being loaded but one that polyfills an old Node, so what is not used can be left
 * out. What asks for one of the generated APIs gets the whole package, as ever.
 */
export const leanKubernetesClient = {
  name: "lean-kubernetes-client",
  setup(build) {
    const isLean = /[\\/]adapters[\\/]kubernetes[\\/]/;
    const isOwn = /[\\/]node_modules[\\/]@kubernetes[\\/]client-node[\\/]/;
    const bundled = new Set();
    build.onResolve({ filter: /^@kubernetes\/client-node$/ }, ({ importer }) => {
      if (!isLean.test(importer)) return undefined;
      const path = fileOf(build);
      bundled.add(path);
      return { path, sideEffects: false };
    });
    build.onResolve({ filter: /.*/ }, async ({ path, resolveDir, kind, importer, pluginData }) => {
      if (pluginData?.isAsked || !bundled.has(importer) || isBuiltin(path)) return undefined;
      const found = await resolvePackage(build, path, { resolveDir, kind, importer });
      // Optional, and not installed.
      if (found === undefined) return { path, external: true };
      bundled.add(found.path);
      return { path: found.path, sideEffects: isOwn.test(found.path) ? false : found.sideEffects };
    });
  },
};

/** esbuild leaves packages external, as it is told to: their files are asked for by themselves. */
async function resolvePackage(build, path, { resolveDir, kind, importer }) {
  const pluginData = { isAsked: true };
  const found = await build.resolve(path, { resolveDir, kind, importer, pluginData });
  if (found.errors.length > 0) return undefined;
  if (!found.external) return found;
  const { resolve } = createRequire(importer);
  try {
    return { path: resolve(path), sideEffects: true };
  } catch {
    return undefined;
  }
}

function fileOf(build) {
  const { absWorkingDir } = build.initialOptions;
  return createRequire(`${absWorkingDir}/platform/package.json`).resolve("@kubernetes/client-node");
}
