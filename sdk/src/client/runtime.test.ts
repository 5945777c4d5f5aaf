import { join } from "node:path";
import { createContext, runInContext } from "node:vm";
import { type BuildOptions, build } from "esbuild";
import { afterEach, describe, expect, test } from "vitest";
import { FakePlatform } from "../../test/fake-platform.ts";

const entryPoint = join(import.meta.dirname, "../index.ts");
let platform: FakePlatform | undefined;
afterEach(async () => platform?.[Symbol.asyncDispose]());

async function bundle(options: BuildOptions): Promise<string> {
  const result = await build({
    entryPoints: [entryPoint],
    bundle: true,
    write: false,
    format: "iife",
    globalName: "sdk",
    target: "es2022",
    logLevel: "silent",
    conditions: ["gantry-source"],
    ...options,
  });
  return result.outputFiles?.[0]?.text ?? "";
}

describe("the SDK's main entry", () => {
  test.each(["browser", "neutral"] as const)("bundles for platform %s: it needs no module of Node", async (name) => {
    const code = await bundle({ platform: name, mainFields: ["module", "main"] });
    expect(code).not.toMatch(/(require|import)\(["']node:/);
  });

  test("stays small enough for a browser: zod and the CLI are not in it, the socket's client is loaded when it is needed", async () => {
    const code = await bundle({ platform: "browser", minify: true, external: ["socket.io-client"] });
    expect(code.length).toBeLessThan(112 * 1024);
  });

  test("triggers in a context that has fetch and nothing of Node", async () => {
    platform = await FakePlatform.start(() => ({ json: { id: "run_1", isCached: false } }));
    const globals = {
      fetch,
      AbortSignal,
      AbortController,
      URL,
      URLSearchParams,
      TextEncoder,
      crypto,
      setTimeout,
      clearTimeout,
    };
    const context = createContext({ ...globals, baseURL: platform.url });
    const code = await bundle({ platform: "browser" });
    const trigger = `sdk.auth.withAuth({ baseURL, secretKey: "k" }, () => sdk.tasks.trigger("t", { a: 1 }, { idempotencyKey: "k" }))`;
    expect(await runInContext(`${code}; ${trigger}`, context)).toMatchObject({ id: "run_1", taskIdentifier: "t" });
  });

  test("refuses two scopes at once where the runtime cannot tell them apart", async () => {
    const context = createContext({ URL, setTimeout });
    const code = await bundle({ platform: "browser" });
    const overlap = `const never = new Promise(() => {});
      sdk.auth.withAuth({ secretKey: "a" }, () => never);
      sdk.auth.withAuth({ secretKey: "b" }, () => never)`;
    await expect(runInContext(`${code}; ${overlap}`, context)).rejects.toMatchObject({ code: "CONCURRENT_SCOPES" });
  });
});
