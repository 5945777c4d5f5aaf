// Lints the chart with every set of values that is rendered: `node .make/chart-lint.mjs`.
import { join } from "node:path";
import { CHART, helm, VALUE_SETS } from "./generate/chart.mjs";

for (const set of VALUE_SETS) {
  const { ok, output } = helm("lint", "--strict", "--values", join(CHART, "ci", `${set}-values.yaml`), CHART);
  if (ok) continue;
  console.error(`${set}:\n${output}`);
  process.exitCode = 1;
}
