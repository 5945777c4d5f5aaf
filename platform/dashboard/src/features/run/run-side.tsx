import type { RelatedRun, RunObserver } from "@gantry/sdk";
import { PlaceLink, RunLink, TaskLink } from "../../layout/place-link.tsx";
import { Card } from "../../ui/card.tsx";
import { JsonView } from "../../ui/json-view.tsx";
import { KeyValueList } from "../../ui/key-value.tsx";
import { Stack } from "../../ui/page.tsx";
import { StatusIcon } from "../../ui/status-badge.tsx";
import { AbsoluteTime, Duration } from "../../ui/time.tsx";
import { BatchLink, RunsLink } from "./place-links.tsx";
import classes from "./run-page.module.css";
import type { RunView } from "./run-view.ts";
import { useMetadata } from "./use-run.ts";
import { ValuePanel } from "./value-panel.tsx";

/** What went in and came out, and all other facts of a run. */
export function RunSide({ run, observer }: { run: RunView; observer: RunObserver }) {
  return (
    <Stack>
      <MetadataCard run={run} observer={observer} />
      <Card title="Payload">
        <ValuePanel
          runId={run.id}
          label="Payload"
          value={run.payload}
          url={run.payloadPresignedUrl}
          emptyText="It was triggered without a payload."
        />
      </Card>
      <Card title="Output">
        <ValuePanel
          runId={run.id}
          label="Output"
          value={run.output}
          url={run.outputPresignedUrl}
          emptyText={run.isCompleted ? "It returned nothing." : "It has not ended yet."}
        />
      </Card>
      <RelatedCard run={run} />
      <DetailsCard run={run} />
    </Stack>
  );
}

/** As the run sets it: this card alone is drawn anew for it. */
function MetadataCard({ run, observer }: { run: RunView; observer: RunObserver }) {
  const metadata = useMetadata(observer, run);
  const hasSome = metadata !== undefined && Object.keys(metadata).length > 0;
  const progress = progressOf(metadata);
  return (
    <Card title="Metadata">
      {progress !== undefined && <progress className={classes.progress} value={progress} aria-label="Progress" />}
      {hasSome ? (
        <JsonView value={metadata} label="Metadata" openDepth={3} maxHeight={320} />
      ) : (
        <p className="muted">The run has set none. In a task: metadata.set("progress", 0.5).</p>
      )}
    </Card>
  );
}

/** A number between 0 and 1 (or 0 and 100) that the run calls its progress. */
function progressOf(metadata: Record<string, unknown> | undefined): number | undefined {
  const progress = metadata?.progress;
  if (typeof progress !== "number" || progress < 0 || progress > 100) return undefined;
  return progress <= 1 ? progress : progress / 100;
}

const RELATED_SHOWN = 8;

function RelatedCard({ run }: { run: RunView }) {
  const { root, parent, children = [] } = run.relatedRuns;
  const hasSome =
    root || parent || children.length > 0 || run.batchId || run.schedule || run.replayedFromRunId !== undefined;
  if (!hasSome) return null;
  return (
    <Card title="Related">
      <KeyValueList
        items={[
          { key: "Replay of", value: run.replayedFromRunId && <RunLink runId={run.replayedFromRunId} isShort /> },
          { key: "Parent", value: parent && <Relative run={parent} /> },
          { key: "Root", value: root && root.id !== parent?.id && <Relative run={root} /> },
          { key: "Batch", value: run.batchId && <BatchLink id={run.batchId} /> },
          {
            key: "Schedule",
            value: run.schedule && (
              <PlaceLink page="schedules" search={{ schedule: run.schedule.id }}>
                {run.schedule.externalId ?? run.schedule.id}
              </PlaceLink>
            ),
          },
        ]}
      />
      <Children runId={run.id} runs={children} />
    </Card>
  );
}

function Children({ runId, runs }: { runId: string; runs: readonly RelatedRun[] }) {
  if (runs.length === 0) return null;
  return (
    <div className={classes.children}>
      <h3>Children</h3>
      <ul>
        {runs.slice(0, RELATED_SHOWN).map((child) => (
          <li key={child.id}>
            <Relative run={child} />
          </li>
        ))}
      </ul>
      <RunsLink search={{ parent: runId }}>{runs.length > RELATED_SHOWN ? "All its children" : "As a list"}</RunsLink>
    </div>
  );
}

function Relative({ run }: { run: RelatedRun }) {
  return (
    <span className={classes.relative}>
      <StatusIcon status={run.status} size={14} />
      <PlaceLink page="runs/$runId" params={{ runId: run.id }}>
        {run.taskIdentifier}
      </PlaceLink>
      <span className="muted">
        <Duration from={run.startedAt ?? run.createdAt} to={run.finishedAt} />
      </span>
    </span>
  );
}

function DetailsCard({ run }: { run: RunView }) {
  const at = (date: Date | undefined) => date && <AbsoluteTime at={date} />;
  return (
    <Card title="Details">
      <KeyValueList
        items={[
          { key: "Task", value: <TaskLink taskId={run.taskIdentifier} /> },
          { key: "Triggered", value: at(run.createdAt) },
          { key: "Delayed until", value: at(run.delayedUntil) },
          { key: "Started", value: at(run.startedAt) },
          { key: "Ended", value: at(run.finishedAt) },
          { key: "Expired", value: at(run.expiredAt) },
          { key: "Compute time", value: <Duration ms={run.durationMs} /> },
          {
            key: "Queue",
            value: run.queue !== undefined && (
              <PlaceLink page="queues" search={{ queue: run.queue }}>
                {run.queue}
              </PlaceLink>
            ),
          },
          { key: "Concurrency key", value: run.concurrencyKey },
          { key: "Machine", value: run.machine },
          { key: "Priority", value: run.priority ? `${run.priority} s of head start` : undefined },
          { key: "Attempts", value: run.maxAttempts && `${run.attemptCount} of ${run.maxAttempts}` },
          { key: "Time to live", value: run.ttl },
          { key: "Max duration", value: run.maxDurationInSeconds && <Duration ms={run.maxDurationInSeconds * 1000} /> },
          {
            key: "Idempotency key",
            value: run.idempotencyKey && <code className={classes.key}>{run.idempotencyKey}</code>,
          },
          { key: "Depth", value: run.depth > 0 && run.depth },
        ]}
      />
    </Card>
  );
}
