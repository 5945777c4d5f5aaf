import type http from "node:http";

/**
 * Node's own client for an address: `fetch` would load another, tens of milliseconds of a small pod's time. Not by an import,
 * which reads whatever the module has; and TLS, 25 ms, only where it is used.
 */
export function httpClient(url: string | URL): Pick<typeof http, "Agent" | "request"> {
  const isTls = String(url).startsWith("https:");
  return process.getBuiltinModule(isTls ? "node:https" : "node:http") as typeof http;
}
