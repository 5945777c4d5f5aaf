import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { kubeTools } from "../kube-tools.mjs";
import { ROOT } from "../paths.mjs";
import { table } from "./markdown-table.mjs";

export const CHART = join(ROOT, "charts", "gantry");

/** Value sets of charts/gantry/ci, by name. */
export const VALUE_SETS = readdirSync(join(CHART, "ci")).map((file) => file.replace(/-values\.yaml$/, ""));

/** Runs helm with no cluster and no configuration of the user's. `output` is what it printed on both streams. */
export function helm(...args) {
  const { status, stdout, stderr, error } = spawnSync(join(kubeTools(), "helm"), args, {
    encoding: "utf8",
    env: { ...process.env, KUBECONFIG: "/dev/null" },
  });
  if (error) throw error;
  return { ok: status === 0, stdout, output: `${stdout}${stderr}` };
}

/** As a cluster of that version would get it. */
export function renderChart(args, kubeVersion = "1.34.0") {
  return helm("template", "gantry", CHART, "--namespace", "gantry", "--kube-version", kubeVersion, ...args);
}

/** The chart of a value set; the default one as the oldest Kubernetes gets it. */
export function renderedChart(set) {
  const values = join(CHART, "ci", `${set}-values.yaml`);
  const { ok, stdout, output } = renderChart(["--values", values], set === "default" ? "1.20.2" : "1.34.0");
  if (!ok) throw new Error(output);
  return `# helm template gantry charts/gantry --values charts/gantry/ci/${set}-values.yaml; written by make generate.\n${stdout}`;
}

/** A table of the chart's values, from the comments and defaults of values.yaml. */
export function chartValuesDoc() {
  const lines = readFileSync(join(CHART, "values.yaml"), "utf8").split("\n");
  const rows = valueRows(lines).map(({ path, value, comment }) => [`\`${path}\``, value && `\`${value}\``, comment]);
  return `# Values\n\n<!-- Written by make generate from values.yaml. -->\n\n${table(["value", "default", "what it does"], rows)}\n`;
}

/** A row for every leaf, and for each group that has a comment; a file's first comment, before an empty line, is no value's. */
export function valueRows(lines) {
  const rows = [];
  const parents = [];
  let comment = [];
  for (const line of lines) {
    const [, spaces, text, key, rest] = /^( *)(?:# ?(.*)|([\w-]+):(?: (.*))?)?$/.exec(line) ?? [];
    if (text !== undefined) comment.push(text);
    if (line === "" && rows.length === 0) comment = [];
    if (key === undefined) continue;
    const depth = spaces.length / 2;
    parents.length = depth;
    parents.push(key);
    if (rest !== undefined || comment.length > 0)
      rows.push({ path: parents.join("."), value: rest ?? "", comment: comment.join(" ") });
    comment = [];
  }
  return rows;
}
