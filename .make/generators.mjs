// Every golden file and what makes it; each is what somebody outside reads.
import { apiReport } from "./generate/api-report.mjs";
import { chartValuesDoc, renderedChart, VALUE_SETS } from "./generate/chart.mjs";
import { configurationDoc } from "./generate/configuration-doc.mjs";
import { versionDockerfile } from "./generate/dockerfile.mjs";
import { errorsDoc } from "./generate/errors-doc.mjs";
import { openApi } from "./generate/openapi.mjs";
import { openApiDoc } from "./generate/openapi-doc.mjs";
import { waitsDoc } from "./generate/waits-doc.mjs";

export const GENERATORS = [
  { path: "charts/gantry/VALUES.md", make: chartValuesDoc },
  ...VALUE_SETS.map((set) => ({ path: `k8s/rendered/${set}.yaml`, make: () => renderedChart(set) })),
  { path: "k8s/rendered/version.Dockerfile", make: versionDockerfile },
  { path: "docs/configuration.md", make: configurationDoc },
  { path: "docs/errors.md", make: errorsDoc },
  { path: "docs/openapi.json", make: openApiDoc },
  { path: "docs/openapi.json", make: openApi },
  { path: "docs/sdk-api.md", make: apiReport },
  { path: "docs/waits.md", make: waitsDoc },
];
