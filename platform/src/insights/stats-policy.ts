import type { RunStatus } from "@gantry/sdk/contract";
import { durationQuantile } from "./duration-bin-policy.ts";
import type { StatWindow } from "./stat-window-policy.ts";

/** Ended runs of one point, status and bin of duration. */
export interface StatRow {
  /** Index of the window's point. */
  point: number;
  status: RunStatus;
  bin: number;
  runs: number;
}

export interface Figures {
  runs: number;
  failed: number;
  canceled: number;
  p50Ms: number | null;
  p95Ms: number | null;
}

export interface Stats extends Figures {
  from: Date;
  bucketMs: number;
  /** One for each point of the window, the oldest first. */
  series: (Figures & { at: Date })[];
}

export function statsOf(rows: readonly StatRow[], window: StatWindow): Stats {
  const byPoint = Map.groupBy(rows, ({ point }) => point);
  const series = Array.from({ length: window.points }, (_, point) => ({
    at: new Date(window.fromMs + point * window.bucketMs),
    ...figuresOf(byPoint.get(point) ?? []),
  }));
  return { from: new Date(window.fromMs), bucketMs: window.bucketMs, ...figuresOf(rows), series };
}

function figuresOf(rows: readonly StatRow[]): Figures {
  const bins = new Map<number, number>();
  const figures = { runs: 0, failed: 0, canceled: 0 };
  for (const { status, bin, runs } of rows) {
    figures.runs += runs;
    if (status === "CANCELED") figures.canceled += runs;
    else if (status !== "COMPLETED") figures.failed += runs;
    bins.set(bin, (bins.get(bin) ?? 0) + runs);
  }
  return { ...figures, p50Ms: durationQuantile(bins, 0.5), p95Ms: durationQuantile(bins, 0.95) };
}
