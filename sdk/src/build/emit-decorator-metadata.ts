import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { BuildExtension } from "./extension.ts";

interface Swc {
  transform(code: string, options: object): Promise<{ code: string }>;
}

const HAS_DECORATOR = /^\s*@[A-Za-z_$]/m;

/**
 * Emits the types that decorators read with `reflect-metadata` (TypeORM, NestJS, tsyringe), which esbuild cannot. The
 * files that have decorators are compiled with the project's own `@swc/core`: `npm install --save-dev @swc/core`.
 */
export function emitDecoratorMetadata(): BuildExtension {
  return {
    name: "emitDecoratorMetadata",
    async onBuildStart({ workingDir, registerPlugin }) {
      const swc = await projectsSwc(workingDir);
      registerPlugin({
        name: "emitDecoratorMetadata",
        setup(build) {
          build.onLoad({ filter: /\.[cm]?tsx?$/ }, async ({ path }) => {
            if (path.includes("node_modules")) return undefined;
            const source = await readFile(path, "utf8");
            return HAS_DECORATOR.test(source)
              ? { contents: await compiled(swc, path, source), loader: "js" }
              : undefined;
          });
        },
      });
    },
  };
}

async function projectsSwc(workingDir: string): Promise<Swc> {
  try {
    const file = createRequire(join(workingDir, "package.json")).resolve("@swc/core");
    const module = (await import(pathToFileURL(file).href)) as Swc & { default?: Swc };
    return module.default ?? module;
  } catch (cause) {
    throw new Error("emitDecoratorMetadata needs @swc/core in the project: npm install --save-dev @swc/core", {
      cause,
    });
  }
}

/** With its source map inline, from which esbuild goes on. */
async function compiled(swc: Swc, path: string, source: string): Promise<string> {
  const { code } = await swc.transform(source, {
    filename: path,
    swcrc: false,
    sourceMaps: "inline",
    inlineSourcesContent: true,
    jsc: {
      target: "es2022",
      parser: { syntax: "typescript", tsx: path.endsWith("x"), decorators: true },
      transform: { legacyDecorator: true, decoratorMetadata: true },
      keepClassNames: true,
    },
  });
  return code;
}
