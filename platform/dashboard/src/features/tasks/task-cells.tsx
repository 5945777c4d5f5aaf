import type { StatsItem, TaskItem } from "@gantry/sdk";
import { PlaceLink } from "../../layout/place-link.tsx";
import { Badge } from "../../ui/badge.tsx";
import { Sparkline } from "../../ui/charts.tsx";
import { formatCompact, formatDuration } from "../../ui/format.ts";
import { StatusBadge } from "../../ui/status-badge.tsx";
import { RelativeTime } from "../../ui/time.tsx";
import { durationWords, successRate, volumeWords } from "./task-series.ts";
import classes from "./tasks.module.css";

export function TaskName({ task: { id, filePath, exportName, cron } }: { task: TaskItem }) {
  return (
    <div className={classes.name}>
      <span className={classes.title}>
        <PlaceLink page="tasks/$taskId" params={{ taskId: id }}>
          <strong>{id}</strong>
        </PlaceLink>
        {cron !== undefined && (
          <Badge icon="calendar" title={`Its schedule: ${cron}`}>
            scheduled
          </Badge>
        )}
      </span>
      <span
        className="muted truncate"
        title={exportName === undefined ? filePath : `${filePath}, export ${exportName}`}
      >
        {filePath}
      </span>
    </div>
  );
}

/** Width of all sparklines in the list, in pixels. */
const LINE = 92;

export function VolumeCell({ stats, period }: { stats: StatsItem; period: string }) {
  return (
    <div className={classes.figures}>
      <Sparkline width={LINE} values={stats.series.map(({ runs }) => runs)} label={volumeWords(stats, period)} />
      <div>
        <b>{formatCompact(stats.runs)}</b>
        <span className="muted">{stats.runs === 1 ? "run" : "runs"}</span>
      </div>
    </div>
  );
}

export function FailureCell({ stats, period }: { stats: StatsItem; period: string }) {
  const rate = successRate(stats);
  return (
    <div className={classes.figures}>
      <Sparkline
        width={LINE}
        tone={stats.failed === 0 ? "neutral" : "danger"}
        values={stats.series.map(({ failed }) => failed)}
        label={volumeWords(stats, period)}
      />
      <div>
        <b>{formatCompact(stats.failed)}</b>
        <span className="muted">{rate === undefined ? "failed" : `${rate} ok`}</span>
      </div>
    </div>
  );
}

export function DurationCell({ stats }: { stats: StatsItem }) {
  return (
    <div className={classes.figures}>
      <Sparkline
        width={LINE}
        tone="info"
        values={stats.series.map(({ p95Ms }) => p95Ms ?? 0)}
        label={durationWords(stats)}
      />
      <div>
        <b>{stats.p50Ms === null ? "–" : formatDuration(stats.p50Ms)}</b>
        <span className="muted">{stats.p95Ms === null ? "p50, p95" : `p95 ${formatDuration(stats.p95Ms)}`}</span>
      </div>
    </div>
  );
}

export function LastRunCell({ task: { lastRun } }: { task: TaskItem }) {
  if (lastRun === null) return <span className="muted">never</span>;
  return (
    <PlaceLink page="runs/$runId" params={{ runId: lastRun.id }} look="plain">
      <span className={classes.last}>
        <StatusBadge status={lastRun.status} />
        <span className="muted">
          <RelativeTime at={lastRun.createdAt} />
        </span>
      </span>
    </PlaceLink>
  );
}
