import type { ClusterWorkerItem } from "@gantry/sdk";
import { RunLink } from "../../layout/place-link.tsx";
import { Badge } from "../../ui/badge.tsx";
import { formatBytes } from "../../ui/format.ts";
import type { IconName } from "../../ui/icon.tsx";
import { RelativeTime } from "../../ui/time.tsx";
import type { Tone } from "../../ui/tone.ts";
import classes from "./cluster.module.css";
import { reasonWords, whyOf } from "./worker-words.ts";

type Phase = ClusterWorkerItem["phase"];

const PHASES: Record<Phase, { text: string; tone: Tone; icon: IconName }> = {
  PENDING: { text: "Starting", tone: "warning", icon: "hourglass" },
  RUNNING: { text: "Running", tone: "info", icon: "play" },
  SUCCEEDED: { text: "Ended", tone: "success", icon: "check-circle" },
  FAILED: { text: "Failed", tone: "danger", icon: "x-circle" },
  ENDING: { text: "Ending", tone: "neutral", icon: "stop" },
};

export function PhaseBadge({ phase }: { phase: Phase }) {
  const { text, tone, icon } = PHASES[phase];
  return (
    <Badge tone={tone} icon={icon}>
      {text}
    </Badge>
  );
}

/** Its name, with what is needed to find it by other means. */
export function WorkerName({ worker: { name, kind, pid, restarts } }: { worker: ClusterWorkerItem }) {
  return (
    <div className={classes.worker}>
      <span className="mono truncate" title={name}>
        {name}
      </span>
      <span className="muted">
        {kind === "job" ? "Job" : pid === null ? "process" : `process ${pid}`}
        {restarts > 0 && `, ${restarts} restarts`}
      </span>
    </div>
  );
}

/** What it is for. */
export function WorkCell({ worker }: { worker: ClusterWorkerItem }) {
  const { runId, taskIdentifier, version, executions } = worker;
  if (runId === null)
    return (
      <span>
        {executions === 0 ? <span className="muted">idle</span> : `${executions} ${executions === 1 ? "run" : "runs"}`}
        {version !== null && <span className="muted"> · {version}</span>}
      </span>
    );
  return (
    <div className={classes.worker}>
      <span className="truncate">{taskIdentifier}</span>
      <RunLink runId={runId} isShort />
    </div>
  );
}

/** Why it is not (or no longer) running, in our words and in the cluster's. */
export function ReasonCell({ worker }: { worker: ClusterWorkerItem }) {
  const why = whyOf(worker);
  if (why === undefined) return <span className="muted">–</span>;
  const words = reasonWords(why.reason);
  return (
    <div className={classes.reason}>
      <span>{words?.means ?? why.reason}</span>
      {words !== undefined && <span className={classes.todo}>{words.todo}</span>}
      <code>{why.message === null ? why.reason : `${why.reason}: ${why.message}`}</code>
    </div>
  );
}

export function WhereCell({ worker: { node, memoryBytes } }: { worker: ClusterWorkerItem }) {
  if (memoryBytes !== null) return <>{formatBytes(memoryBytes)}</>;
  return node === null ? <span className="muted">no node yet</span> : <span className="mono">{node}</span>;
}

export function AgeCell({ worker: { createdAt } }: { worker: ClusterWorkerItem }) {
  return <RelativeTime at={createdAt} />;
}
