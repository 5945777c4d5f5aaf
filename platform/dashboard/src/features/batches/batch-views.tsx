import type { BatchListItem } from "@gantry/sdk";
import { Badge } from "../../ui/badge.tsx";
import { formatNumber } from "../../ui/format.ts";
import { Meter } from "../../ui/meter.tsx";
import { type BatchProgress, batchProgress, progressWords } from "./batch-progress.ts";
import classes from "./batches.module.css";

export function ProgressCell({ batch }: { batch: Pick<BatchListItem, "runCount" | "counts"> }) {
  return <ProgressBar progress={batchProgress(batch.runCount, batch.counts)} />;
}

/** What ended well and what failed; what has not ended stays empty. */
export function ProgressBar({ progress }: { progress: BatchProgress }) {
  const { succeeded, failed, total } = progress;
  return (
    <div className={classes.progress}>
      <span className={classes.figures}>
        <b>{formatNumber(succeeded + failed)}</b>
        <span className="muted">of {formatNumber(total)}</span>
        <span className={classes.percent}>{Math.floor(progress.share * 100)} %</span>
      </span>
      <Meter
        label={progressWords(progress)}
        total={total}
        parts={[
          { name: "succeeded", value: succeeded, tone: "success" },
          { name: "failed", value: failed, tone: "danger" },
        ]}
      />
    </div>
  );
}

export function BatchBadge({ batch }: { batch: Pick<BatchListItem, "status" | "runCount" | "counts"> }) {
  const { isDone, failed } = batchProgress(batch.runCount, batch.counts);
  if (batch.status === "ABORTED")
    return (
      <Badge tone="danger" icon="x-circle">
        Aborted
      </Badge>
    );
  if (!isDone)
    return (
      <Badge tone="info" icon="spinner" isActive>
        Under way
      </Badge>
    );
  if (failed > 0)
    return (
      <Badge tone="danger" icon="alert">
        With failures
      </Badge>
    );
  return (
    <Badge tone="success" icon="check-circle">
      Completed
    </Badge>
  );
}
