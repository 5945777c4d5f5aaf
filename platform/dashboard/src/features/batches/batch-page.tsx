import type { RunListItem } from "@gantry/sdk";
import { isFailedRunStatus, isFinalRunStatus, type RunStatus } from "@gantry/sdk/contract";
import { useParams } from "@tanstack/react-router";
import { PlaceButton, PlaceLink, RunLink, TaskLink } from "../../layout/place-link.tsx";
import { QueryView } from "../../queries/query-view.tsx";
import { Card } from "../../ui/card.tsx";
import { EmptyState } from "../../ui/empty-state.tsx";
import { formatNumber } from "../../ui/format.ts";
import { KeyValueList } from "../../ui/key-value.tsx";
import { Page, Row, Stack } from "../../ui/page.tsx";
import { Skeleton } from "../../ui/skeleton.tsx";
import { StatusBadge } from "../../ui/status-badge.tsx";
import { type Column, Table } from "../../ui/table.tsx";
import { AbsoluteTime, Duration, RelativeTime } from "../../ui/time.tsx";
import { batchProgress } from "./batch-progress.ts";
import { ProgressBar } from "./batch-views.tsx";
import { useBatch, useBatchRuns } from "./use-batches.ts";

type Found = NonNullable<ReturnType<typeof useBatch>["data"]>;

/** One batch: how far it is, which of its runs failed, which items never became runs. */
export default function BatchPage() {
  const { batchId = "" } = useParams({ strict: false }) as { batchId?: string };
  const query = useBatch(batchId);
  return (
    <Page
      title="Batch"
      heading={<span className="mono">{batchId}</span>}
      breadcrumbs={[
        <PlaceLink key="batches" page="batches" look="quiet">
          Batches
        </PlaceLink>,
      ]}
      actions={
        <PlaceButton page="runs" search={{ batch: batchId }} icon="runs">
          All its runs
        </PlaceButton>
      }
    >
      <QueryView query={query} failed="The batch could not be loaded" skeleton={<Skeleton height={220} />}>
        {(found) => (
          <Stack>
            <Facts found={found} />
            <FailedItems errors={found.batch.processing.errors} />
            <Runs batchId={batchId} />
          </Stack>
        )}
      </QueryView>
    </Page>
  );
}

function Facts({ found: { batch, counts } }: { found: Found }) {
  const of = (wanted: (status: RunStatus) => boolean) =>
    counts.statuses.reduce((sum, { status, count }) => (wanted(status) ? sum + count : sum), 0);
  const progress = batchProgress(batch.runCount, {
    triggered: of(() => true),
    live: of((status) => !isFinalRunStatus(status)),
    failed: of(isFailedRunStatus),
    errors: batch.processing.errors.length,
  });
  return (
    <Card title="Progress">
      <Stack>
        <ProgressBar progress={progress} />
        <Row gap={12}>
          {counts.statuses
            .filter(({ count }) => count > 0)
            .map(({ status, count, isCapped }) => (
              <PlaceLink key={status} page="runs" search={{ batch: batch.id, status }} look="plain">
                <Row gap={4}>
                  <StatusBadge status={status} /> {formatNumber(count)}
                  {isCapped && "+"}
                </Row>
              </PlaceLink>
            ))}
        </Row>
        <KeyValueList
          items={[
            { key: "Made", value: <AbsoluteTime at={batch.createdAt} /> },
            { key: "Idempotency key", value: batch.idempotencyKey && <code>{batch.idempotencyKey}</code> },
          ]}
        />
      </Stack>
    </Card>
  );
}

type ItemError = Found["batch"]["processing"]["errors"][number];

function FailedItems({ errors }: { errors: readonly ItemError[] }) {
  if (errors.length === 0) return null;
  return (
    <Card title={`${errors.length} items could not be triggered`} isFlush>
      <Table
        hasCards
        label="Items that could not be triggered"
        rows={errors}
        rowKey={({ index }) => index}
        columns={[
          { id: "item", header: "Item", width: "80px", cell: ({ index }) => index },
          { id: "code", header: "Code", width: "200px", cell: ({ errorCode }) => <code>{errorCode ?? "–"}</code> },
          { id: "error", header: "What is wrong", cell: ({ error }) => error },
        ]}
      />
    </Card>
  );
}

const COLUMNS: Column<RunListItem>[] = [
  { id: "status", header: "Status", width: "140px", cell: ({ status }) => <StatusBadge status={status} /> },
  { id: "run", header: "Run", cell: ({ id }) => <RunLink runId={id} isShort /> },
  { id: "task", header: "Task", hideBelow: 640, cell: ({ taskIdentifier }) => <TaskLink taskId={taskIdentifier} /> },
  { id: "took", header: "Took", width: "100px", cell: ({ durationMs }) => <Duration ms={durationMs} /> },
  {
    id: "made",
    header: "Made",
    hideBelow: 640,
    width: "100px",
    cell: ({ createdAt }) => <RelativeTime at={createdAt} />,
  },
];

/** Those that failed first: they are what somebody looks for. */
function Runs({ batchId }: { batchId: string }) {
  const query = useBatchRuns(batchId);
  return (
    <QueryView query={query} failed="Its runs could not be loaded">
      {({ failed, newest }) => (
        <Stack>
          {failed.length > 0 && (
            <Card title="Failed runs" hint="The newest 50; the page of errors groups them." isFlush>
              <Table
                hasCards
                label="Failed runs of the batch"
                columns={COLUMNS}
                rows={failed}
                rowKey={({ id }) => id}
              />
            </Card>
          )}
          <Card title="Newest runs" hint="Up to 50; the list of runs has all of them." isFlush>
            <Table
              hasCards
              label="Newest runs of the batch"
              columns={COLUMNS}
              rows={newest}
              rowKey={({ id }) => id}
              empty={<EmptyState icon="runs" title="No runs yet" />}
            />
          </Card>
        </Stack>
      )}
    </QueryView>
  );
}
