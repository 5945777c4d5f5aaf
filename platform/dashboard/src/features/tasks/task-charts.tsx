import type { StatsItem } from "@gantry/sdk";
import { Card } from "../../ui/card.tsx";
import { BarSeries } from "../../ui/charts.tsx";
import { formatDuration, formatNumber } from "../../ui/format.ts";
import { durationWords, pointLabel, successRate, volumeWords } from "./task-series.ts";
import classes from "./tasks.module.css";

/** The period's figures, and how they went over time. */
export function TaskCharts({ stats, period }: { stats: StatsItem; period: string }) {
  const span = stats.bucketMs * stats.series.length;
  const label = (at: Date) => pointLabel(at, stats.bucketMs, span);
  const duration = (ms: number | null) => (ms === null ? "–" : formatDuration(ms));
  const volume = stats.series.map(({ at, runs, failed, canceled }) => ({
    label: label(at),
    parts: [
      { name: "completed", value: runs - failed - canceled, tone: "success" as const },
      { name: "canceled", value: canceled, tone: "neutral" as const },
      { name: "failed", value: failed, tone: "danger" as const },
    ],
  }));
  const durations = stats.series.map(({ at, p50Ms, p95Ms }) => ({
    label: label(at),
    parts: [
      { name: "p50", value: p50Ms ?? 0, tone: "info" as const },
      { name: "up to p95", value: Math.max(0, (p95Ms ?? 0) - (p50Ms ?? 0)), tone: "neutral" as const },
    ],
  }));
  return (
    <div>
      <dl className={classes.numbers}>
        <Figure name={`Runs, ${period}`} value={formatNumber(stats.runs)} />
        <Figure name="Failed" value={formatNumber(stats.failed)} />
        <Figure name="Ended well" value={successRate(stats) ?? "–"} />
        <Figure name="Duration p50" value={duration(stats.p50Ms)} />
        <Figure name="Duration p95" value={duration(stats.p95Ms)} />
      </dl>
      <div className={classes.columns}>
        <Card title="Runs" hint={volumeWords(stats, period)}>
          <BarSeries points={volume} label={`Runs over ${period}`} />
        </Card>
        <Card title="Duration" hint={durationWords(stats)}>
          <BarSeries points={durations} label={`Durations over ${period}`} format={formatDuration} />
        </Card>
      </div>
    </div>
  );
}

function Figure({ name, value }: { name: string; value: string }) {
  return (
    <div className={classes.number}>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}
