import { ConfigurationError } from "./api-error.ts";
import { type AsyncContext, createAsyncContext } from "./async-context.ts";
import { currentRun } from "./current-run.ts";
import type { ClientConfig, RequestOptions } from "./request-options.ts";

/** Where to ask, with what, and how; complete. */
export interface ResolvedConfig {
  baseUrl: string;
  token: string;
  requestOptions: RequestOptions;
}

const DEFAULT_BASE_URL = "http://localhost:4400";
const URL_NAMES = ["GANTRY_API_URL", "TRIGGER_API_URL"];
const KEY_NAMES = ["GANTRY_SECRET_KEY", "GANTRY_ACCESS_TOKEN", "TRIGGER_SECRET_KEY", "TRIGGER_ACCESS_TOKEN"];

/** Several copies of the SDK may be loaded (ESM and CJS, bundle and library): all share one configuration. */
interface SharedState {
  config: ClientConfig;
  scope: AsyncContext<ClientConfig> | undefined;
  /** Stands in for `scope` where the runtime has none; only one at a time. */
  soleScope: ClientConfig | undefined;
}
const STATE = Symbol.for("dev.gantry.client");

function state(): SharedState {
  const host = globalThis as { [STATE]?: SharedState };
  host[STATE] ??= { config: {}, scope: createAsyncContext<ClientConfig>(), soleScope: undefined };
  return host[STATE];
}

/** Sets the API's address and key for the whole process; what is left out comes from the environment. */
export function configure(config: ClientConfig): void {
  state().config = { ...config };
}

/**
 * Runs `fn` with another configuration, which follows its async calls and nobody else's.
 *
 * Errors: CONCURRENT_SCOPES in a browser, where the scopes of two calls at once could not be told apart.
 */
export async function withAuth<R>(config: ClientConfig, fn: () => Promise<R> | R): Promise<R> {
  const shared = state();
  if (shared.scope !== undefined) return shared.scope.run(config, async () => fn());
  if (shared.soleScope !== undefined) {
    throw new ConfigurationError("Two auth.withAuth calls overlap, and this runtime cannot tell them apart.", {
      status: undefined,
      code: "CONCURRENT_SCOPES",
      remedy: "Pass requestOptions.clientConfig to each call instead.",
    });
  }
  shared.soleScope = config;
  try {
    return await fn();
  } finally {
    shared.soleScope = undefined;
  }
}

/**
 * The configuration of a call: its own, then `withAuth`, then `configure`, then the run it is made in, then the
 * environment. Each part is looked for on its own.
 *
 * Errors: MISSING_CREDENTIALS, INVALID_BASE_URL.
 */
export function resolveConfig(options: RequestOptions = {}): ResolvedConfig {
  const shared = state();
  const layers = [options.clientConfig, shared.scope?.getStore() ?? shared.soleScope, shared.config];
  const run = currentRun()?.host?.api;
  const find = <T>(pick: (layer: ClientConfig) => T | undefined) =>
    layers.map((layer) => (layer === undefined ? undefined : pick(layer))).find((value) => value !== undefined);

  const baseUrl = find((layer) => layer.baseURL) ?? run?.url ?? fromEnvironment(URL_NAMES) ?? DEFAULT_BASE_URL;
  const token = find((layer) => layer.secretKey ?? layer.accessToken) ?? run?.token ?? fromEnvironment(KEY_NAMES);
  if (token === undefined || token === "") throw missingCredentials();
  return {
    baseUrl: normalizeBaseUrl(baseUrl),
    token,
    requestOptions: mergeOptions(...layers.map((layer) => layer?.requestOptions).reverse(), options),
  };
}

/** Later ones win, option by option; `retry` and headers are merged. */
export function mergeOptions(...all: (RequestOptions | undefined)[]): RequestOptions {
  const merged: RequestOptions = {};
  for (const options of all) {
    if (options === undefined) continue;
    Object.assign(merged, options, {
      retry: { ...merged.retry, ...options.retry },
      additionalHeaders: { ...merged.additionalHeaders, ...options.additionalHeaders },
    });
  }
  return merged;
}

export function normalizeBaseUrl(text: string): string {
  let url: URL;
  try {
    url = new URL(text);
  } catch (cause) {
    throw new ConfigurationError(`"${text}" is not a URL.`, {
      status: undefined,
      code: "INVALID_BASE_URL",
      remedy: "Set GANTRY_API_URL (or configure's baseURL) to something like http://localhost:4400.",
      cause,
    });
  }
  return url.href.replace(/\/+$/, "");
}

function missingCredentials(): ConfigurationError {
  return new ConfigurationError("There is no key to call the Gantry API with.", {
    status: undefined,
    code: "MISSING_CREDENTIALS",
    remedy: "Set GANTRY_SECRET_KEY (`gantry dev` prints one), or call configure({ secretKey }).",
  });
}

interface EnvironmentHost {
  process?: { env?: Record<string, string | undefined> };
  Deno?: { env: { get(name: string): string | undefined } };
}

function fromEnvironment(names: string[]): string | undefined {
  return names.map(environmentVariable).find((value) => value !== undefined && value !== "");
}

function environmentVariable(name: string): string | undefined {
  const host = globalThis as EnvironmentHost;
  try {
    return host.process?.env?.[name] ?? host.Deno?.env.get(name);
  } catch {
    // Deno refuses to read a variable it was given no permission for.
    return undefined;
  }
}
