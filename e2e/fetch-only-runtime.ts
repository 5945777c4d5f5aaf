import { join } from "node:path";
import { createContext, runInContext } from "node:vm";
import { build } from "esbuild";

/** What edge runtimes offer: the web's globals, the environment, and nothing of Node. */
const WEB_GLOBALS = {
  AbortController,
  AbortSignal,
  Blob,
  FormData,
  Headers,
  ReadableStream,
  Request,
  Response,
  TextDecoder,
  TextEncoder,
  TransformStream,
  URL,
  URLSearchParams,
  WritableStream,
  clearTimeout,
  console,
  crypto,
  fetch,
  queueMicrotask,
  setTimeout,
};

/**
 * Bundles a module as frameworks do for their edge runtimes and loads it in a context of its own. Returns its exports.
 * Errors: the bundler's, where the code or a package asks for a module of Node.
 */
export async function loadAtTheEdge<T>(
  projectDir: string,
  file: string,
  conditions: string[],
  env: Record<string, string>,
): Promise<T> {
  const { outputFiles } = await build({
    entryPoints: [join(projectDir, file)],
    absWorkingDir: projectDir,
    bundle: true,
    write: false,
    format: "iife",
    globalName: "module",
    platform: "browser",
    target: "es2022",
    conditions,
    logLevel: "silent",
  });
  const context = createContext({ ...WEB_GLOBALS, process: { env } });
  return runInContext(`${outputFiles[0]?.text}; module`, context) as T;
}
