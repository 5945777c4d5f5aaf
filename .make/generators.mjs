// Every golden file and what makes it; each is what somebody outside reads.
import { apiReport } from "./generate/api-report.mjs";
import { configurationDoc } from "./generate/configuration-doc.mjs";
import { errorsDoc } from "./generate/errors-doc.mjs";
import { openApi } from "./generate/openapi.mjs";
import { openApiDoc } from "./generate/openapi-doc.mjs";

export const GENERATORS = [
  { path: "docs/configuration.md", make: configurationDoc },
  { path: "docs/errors.md", make: errorsDoc },
  { path: "docs/openapi.json", make: openApiDoc },
  { path: "docs/openapi.json", make: openApi },
  { path: "docs/sdk-api.md", make: apiReport },
];
