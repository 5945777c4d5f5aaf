import { Registry } from "prom-client";
import type { Edge } from "./edge.ts";
import { openApiDocument } from "./openapi.ts";
import { allRoutes } from "./routes/index.ts";

/** The OpenAPI document without a platform behind it, for docs/openapi.json: a route's description needs no ports. */
export function describeApi(version: string): Record<string, unknown> {
  const nothing = { deps: { config: { version }, metrics: new Registry() } } as unknown as Edge;
  return openApiDocument(allRoutes(nothing), version);
}
