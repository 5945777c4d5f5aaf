import type { QueueItem } from "@gantry/sdk";
import { PlaceLink } from "../../layout/place-link.tsx";
import { Badge } from "../../ui/badge.tsx";
import { formatCompact, formatDuration, formatNumber } from "../../ui/format.ts";
import { Meter } from "../../ui/meter.tsx";
import { RelativeTime } from "../../ui/time.tsx";
import { holdReason, queueState } from "./queue-facts.ts";
import classes from "./queues.module.css";

interface CellProps {
  queue: QueueItem;
  environmentLimit: number | undefined;
}

export function QueueName({ queue }: { queue: QueueItem }) {
  const isTasks = queue.type === "task";
  return (
    <div className={classes.name}>
      <PlaceLink page="runs" search={{ queue: isTasks ? `task/${queue.name}` : queue.name }} look="quiet">
        <strong className="truncate" title={queue.name}>
          {queue.name}
        </strong>
      </PlaceLink>
      <span className="muted">{isTasks ? "a task's own" : "declared"}</span>
    </div>
  );
}

const STATES = {
  paused: { tone: "warning", icon: "pause", text: "Paused" },
  full: { tone: "wait", icon: "queue", text: "At its limit" },
  busy: { tone: "info", icon: "play", text: "Working" },
  idle: { tone: "neutral", icon: "minus-circle", text: "Idle" },
} as const;

export function QueueStateBadge({ queue, environmentLimit }: CellProps) {
  const { tone, icon, text } = STATES[queueState(queue, environmentLimit)];
  const why = holdReason(queue, environmentLimit);
  return (
    <Badge tone={tone} icon={icon} {...(why === undefined ? {} : { title: why })}>
      {text}
    </Badge>
  );
}

/** "3 of 10" above a bar of it. */
export function RunningCell({ queue, environmentLimit }: CellProps) {
  const own = queue.concurrencyLimit;
  const limit = own ?? environmentLimit;
  const label =
    limit === undefined
      ? `${queue.running} run`
      : `${queue.running} of ${limit} run${own === null ? "; the limit is the environment's" : ""}`;
  return (
    <div className={classes.running}>
      <span className={classes.figures}>
        <b>{formatNumber(queue.running)}</b>
        <span className="muted">of {limit === undefined ? "…" : formatCompact(limit)}</span>
        {queue.concurrency.override !== null && <Badge tone="info">overridden</Badge>}
      </span>
      <Meter
        parts={[{ name: "running", value: queue.running, tone: "accent" }]}
        total={limit ?? queue.running}
        label={label}
      />
    </div>
  );
}

export function DepthCell({ queue }: { queue: QueueItem }) {
  return queue.queued === 0 ? <span className="muted">0</span> : <b>{formatNumber(queue.queued)}</b>;
}

export function OldestCell({ queue }: { queue: QueueItem }) {
  return queue.oldestQueuedAt === null ? <span className="muted">–</span> : <RelativeTime at={queue.oldestQueuedAt} />;
}

/** "100 / 1m per key", and how much of it is used up. */
export function RateCell({ queue }: { queue: QueueItem }) {
  if (queue.rateLimit === null) return <span className="muted">–</span>;
  const { limit, periodMs, key } = queue.rateLimit;
  const starts = queue.startsInPeriod;
  return (
    <span className={classes.rate}>
      {formatNumber(limit)} in {formatDuration(periodMs)}
      <span className="muted">
        {key === "concurrencyKey" ? "per key" : "in all"}
        {starts === null ? "" : `, ${formatNumber(starts)} used`}
      </span>
    </span>
  );
}
