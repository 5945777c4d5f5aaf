import type { ErrorGroupItem } from "@gantry/sdk";
import type { BarPoint } from "../../ui/charts.tsx";

export const PERIODS = [
  { value: "1h", label: "Last hour" },
  { value: "24h", label: "Last 24 hours" },
  { value: "7d", label: "Last 7 days" },
  { value: "30d", label: "Last 30 days" },
] as const;

const time = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });
const DAY_MS = 24 * 3600_000;

/** When a group's runs failed, as bars. */
export function seriesPoints({ series, bucketMs }: Pick<ErrorGroupItem, "series" | "bucketMs">): BarPoint[] {
  const isLong = bucketMs * series.length > 2 * DAY_MS;
  return series.map(({ at, count }) => ({
    label: isLong ? `${day.format(at)} ${time.format(at)}` : time.format(at),
    parts: [{ name: "failed", value: count, tone: "danger" as const }],
  }));
}

/** Versions by how many of the runs were on them, the newest version first. */
export function affectedVersions(
  runs: readonly { version?: string | undefined }[],
): { version: string; count: number }[] {
  const counts = new Map<string, number>();
  for (const { version } of runs) if (version !== undefined) counts.set(version, (counts.get(version) ?? 0) + 1);
  return [...counts]
    .map(([version, count]) => ({ version, count }))
    .sort((a, b) => b.version.localeCompare(a.version, "en", { numeric: true }));
}

/** How far a bulk action is, 0..1; undefined while its runs are still being chosen. */
export function bulkProgress(action: {
  isSelected: boolean;
  counts: { total: number; success: number; failure: number };
}): number | undefined {
  const { total, success, failure } = action.counts;
  if (!action.isSelected) return undefined;
  return total === 0 ? 1 : (success + failure) / total;
}
