import type { Machine } from "./machine.ts";
import type { Row, RowResult } from "./row.ts";

export interface Report {
  machine: Machine & { postgres: string };
  rows: { row: Pick<Row, "id" | "what" | "goal">; result: RowResult | undefined; failure?: string }[];
  remarks: string[];
  seconds: number;
}

/** The report as Markdown: what the README shows is what `make bench` prints. */
export function renderReport(report: Report): string {
  const { machine } = report;
  const systems = [...new Set(report.rows.flatMap(({ result }) => result?.figures.map(({ system }) => system) ?? []))];
  const header = ["what", "goal", ...systems, "verdict"];
  const rows = report.rows.map(({ row, result, failure }) => [
    row.what,
    row.goal,
    ...systems.map((system) => cell(result, system)),
    failure === undefined ? verdict(result) : `failed: ${failure.split("\n")[0]}`,
  ]);
  const notes = report.rows.flatMap(({ row, result }) => (result?.notes ?? []).map((note) => `- ${row.id}: ${note}`));
  const peers = new Map(
    report.rows.flatMap(({ result }) =>
      (result?.figures ?? []).flatMap(({ system, note }) => (note ? [[system, note] as const] : [])),
    ),
  );
  return [
    markdownTable([header, ...rows]),
    "",
    `Machine: ${machine.cores} × ${machine.cpu}, ${machine.memoryGb} GB, ${machine.kernel}, Node ${machine.node}, Postgres ${machine.postgres}, ` +
      `fdatasync ${machine.fsyncMs} ms, load before ${machine.loadBefore}; commit ${machine.commit}; ${Math.round(report.seconds)} s in all.`,
    ...[...peers].map(([system, note]) => `- ${system}: ${note}.`),
    ...notes,
    ...report.remarks.map((remark) => `- ${remark}`),
  ].join("\n");
}

function cell(result: RowResult | undefined, system: string): string {
  const figure = result?.figures.find((candidate) => candidate.system === system);
  return figure === undefined || result === undefined ? "–" : `${format(figure.value)} ${result.unit}`.trim();
}

function verdict(result: RowResult | undefined): string {
  if (result === undefined) return "not measured";
  const mark = result.isMet === undefined ? "–" : result.isMet ? "met" : "**missed**";
  return `${mark}; ${result.verdict}`;
}

export function format(value: number): string {
  if (!Number.isFinite(value)) return "–";
  if (value >= 1000) return Math.round(value).toLocaleString("en-US");
  return value >= 100 ? value.toFixed(0) : value.toFixed(1);
}

function markdownTable([header = [], ...rows]: string[][]): string {
  const line = (cells: string[]) => `| ${cells.join(" | ")} |`;
  return [line(header), line(header.map(() => "---")), ...rows.map(line)].join("\n");
}
