import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { expect, test } from "vitest";

/** Gzipped, with all hooks; React and the socket's client are counted apart. */
const LIMIT_BYTES = 20_000;

/** What a user's bundler makes of a module that uses these exports. */
async function bundled(exports: string): Promise<{ bytes: number; inputs: string[] }> {
  const result = await build({
    stdin: { contents: `export ${exports} from "./index.ts";`, resolveDir: import.meta.dirname, loader: "ts" },
    bundle: true,
    minify: true,
    write: false,
    metafile: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
    external: ["react", "socket.io-client"],
    conditions: ["gantry-source"],
    absWorkingDir: join(import.meta.dirname, "../../.."),
    logLevel: "silent",
  });
  return { bytes: gzipSync(result.outputFiles[0]?.contents ?? "").length, inputs: Object.keys(result.metafile.inputs) };
}

test("all hooks are 20 kB gzipped at most, without the socket's client", async () => {
  const { bytes, inputs } = await bundled("*");
  expect(bytes).toBeLessThanOrEqual(LIMIT_BYTES);
  expect(inputs.filter((input) => /node_modules\/(zod|socket\.io-client)\//.test(input))).toEqual([]);
});

test("who uses one hook does not carry the others", async () => {
  expect((await bundled("{ useWaitToken }")).bytes).toBeLessThan((await bundled("*")).bytes * 0.7);
});
