import type { StatsItem } from "@gantry/sdk";
import { formatDuration, formatNumber } from "../../ui/format.ts";

type Numbers = Pick<StatsItem, "runs" | "failed" | "p50Ms" | "p95Ms">;

/** "99.2 %" of the runs that ended; undefined where none did. */
export function successRate({ runs, failed }: Pick<Numbers, "runs" | "failed">): string | undefined {
  if (runs === 0) return undefined;
  const share = ((runs - failed) / runs) * 100;
  // 99.96 % is not 100 %: somebody would look for the failures in vain.
  const shown = failed > 0 ? Math.min(99.9, Math.floor(share * 10) / 10) : 100;
  return `${shown} %`;
}

/** What the line of volumes shows, in words. */
export function volumeWords({ runs, failed }: Pick<Numbers, "runs" | "failed">, period: string): string {
  const ended = `${formatNumber(runs)} ${runs === 1 ? "run" : "runs"} ended in ${period}`;
  return failed === 0 ? ended : `${ended}, ${formatNumber(failed)} failed`;
}

/** The median and what 95 of 100 runs stayed below, in words. */
export function durationWords({ p50Ms, p95Ms }: Pick<Numbers, "p50Ms" | "p95Ms">): string {
  if (p50Ms === null) return "no run has ended";
  return `half took at most ${formatDuration(p50Ms)}, 95 % at most ${formatDuration(p95Ms ?? p50Ms)}`;
}

/** "14:00", or "22 Nov 14:00" where the points are hours apart over days. */
export function pointLabel(at: Date, bucketMs: number, spanMs: number): string {
  const isLong = spanMs > 26 * 3_600_000;
  if (bucketMs >= 24 * 3_600_000) return at.toLocaleDateString("en-GB", { day: "numeric", month: "short" });
  const time = at.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
  return isLong ? `${at.toLocaleDateString("en-GB", { day: "numeric", month: "short" })} ${time}` : time;
}
