import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Registry } from "prom-client";
import { systemClock } from "../../platform/src/clock.ts";
import { createEdge } from "../../platform/src/http/edge.ts";
import { openApiDocument } from "../../platform/src/http/openapi.ts";
import { allRoutes } from "../../platform/src/http/routes/index.ts";
import { ROOT } from "../paths.mjs";

/** The API's document as the platform serves it. Routes are only described here, so their ports may be empty. */
export async function openApi() {
  const { version } = JSON.parse(await readFile(join(ROOT, "platform", "package.json"), "utf8"));
  const config = { tokenSecrets: [Buffer.alloc(32)], version };
  const edge = createEdge({ config, clock: systemClock, metrics: new Registry(), projects: {}, logger: {} });
  return `${JSON.stringify(openApiDocument(allRoutes(edge), version), undefined, 2)}\n`;
}
