import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describeApi } from "../../platform/src/http/api-document.ts";
import { ROOT } from "../paths.mjs";

/** The API's document, as the platform serves it at /api/openapi.json. */
export async function openApiDoc() {
  const { version } = JSON.parse(await readFile(join(ROOT, "platform", "package.json"), "utf8"));
  return `${JSON.stringify(describeApi(version), undefined, 2)}\n`;
}
