import { RunLink } from "../../layout/place-link.tsx";
import { Card } from "../../ui/card.tsx";
import { ErrorState } from "../../ui/error-state.tsx";
import { Row, Stack } from "../../ui/page.tsx";
import { Skeleton } from "../../ui/skeleton.tsx";
import { StatusBadge } from "../../ui/status-badge.tsx";
import { Duration } from "../../ui/time.tsx";
import { ConnectionBadge } from "../run/connection-badge.tsx";
import { ErrorView } from "../run/error/error-view.tsx";
import { WhyCard } from "../run/explain/why-card.tsx";
import { LogPanel } from "../run/logs/log-panel.tsx";
import { TimelineCard } from "../run/timeline/timeline-card.tsx";
import { useActivity, useLiveRun } from "../run/use-run.ts";
import { ValuePanel } from "../run/value-panel.tsx";

/** A run in brief, live. */
export function LiveRunCard({ runId }: { runId: string }) {
  const { run, error, refetch, observer, activity } = useLiveRun(runId);
  const snapshot = useActivity(activity);
  if (run === undefined)
    return error === undefined ? (
      <Skeleton height={320} />
    ) : (
      <ErrorState error={error} title="The run could not be loaded" onRetry={refetch} />
    );
  return (
    <Stack>
      <Card title={<RunLink runId={run.id} isShort />} actions={<ConnectionBadge observer={observer} />}>
        <Row gap={12}>
          <StatusBadge status={run.status} />
          <Duration from={run.startedAt ?? run.createdAt} to={run.finishedAt} />
          {run.version !== undefined && <span className="muted">version {run.version}</span>}
        </Row>
      </Card>
      <WhyCard run={run} journal={snapshot.journal} />
      {run.error !== undefined && <ErrorView error={run.error} />}
      {run.isSuccess && (
        <Card title="Output">
          <ValuePanel
            runId={run.id}
            label="Output"
            value={run.output}
            url={run.outputPresignedUrl}
            emptyText="It returned nothing."
          />
        </Card>
      )}
      <TimelineCard run={run} activity={snapshot} />
      <Card title="Log" isFlush>
        <LogPanel lines={snapshot.lines} isLoaded={snapshot.isLoaded} isLive={!run.isCompleted} />
      </Card>
    </Stack>
  );
}
