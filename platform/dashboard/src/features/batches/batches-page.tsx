import type { BatchListItem } from "@gantry/sdk";
import { useSearch } from "@tanstack/react-router";
import { AgePager } from "../../layout/pager.tsx";
import { PlaceLink, RunLink } from "../../layout/place-link.tsx";
import { QueryView } from "../../queries/query-view.tsx";
import { EmptyState } from "../../ui/empty-state.tsx";
import { formatNumber } from "../../ui/format.ts";
import { Page, Stack } from "../../ui/page.tsx";
import { type Column, Table } from "../../ui/table.tsx";
import { RelativeTime } from "../../ui/time.tsx";
import { batchProgress } from "./batch-progress.ts";
import { BatchBadge, ProgressCell } from "./batch-views.tsx";
import { useBatches } from "./use-batches.ts";

type Search = { after?: string; before?: string };

/** Runs that were triggered together: how far each batch is, and what failed. */
export default function BatchesPage() {
  const search = useSearch({ strict: false }) as Search;
  const query = useBatches(search);
  return (
    <Page
      title="Batches"
      description="Runs that were triggered together. A batch is done when all of its runs have ended."
    >
      <QueryView query={query} failed="Batches could not be loaded">
        {({ batches, hasNext, hasPrevious }) => (
          <Stack gap={12}>
            <Table
              hasCards
              label="Batches"
              columns={COLUMNS}
              rows={batches}
              rowKey={({ id }) => id}
              empty={<NoBatches />}
            />
            <AgePager
              newer={hasPrevious && batches[0] ? { before: batches[0].id } : undefined}
              older={hasNext && batches.length > 0 ? { after: batches.at(-1)?.id } : undefined}
            />
          </Stack>
        )}
      </QueryView>
    </Page>
  );
}

const COLUMNS: Column<BatchListItem>[] = [
  {
    id: "batch",
    header: "Batch",
    cell: ({ id }) => (
      <PlaceLink page="batches/$batchId" params={{ batchId: id }}>
        <span className="mono">{id}</span>
      </PlaceLink>
    ),
  },
  { id: "status", header: "Status", width: "140px", cell: (batch) => <BatchBadge batch={batch} /> },
  { id: "progress", header: "Progress", width: "240px", cell: (batch) => <ProgressCell batch={batch} /> },
  {
    id: "failed",
    header: "Failed",
    align: "end",
    width: "80px",
    cell: ({ id, runCount, counts }) => {
      const { failed } = batchProgress(runCount, counts);
      if (failed === 0) return <span className="muted">0</span>;
      return (
        <PlaceLink page="batches/$batchId" params={{ batchId: id }}>
          {formatNumber(failed)}
        </PlaceLink>
      );
    },
  },
  {
    id: "parent",
    header: "Triggered by",
    hideBelow: 1200,
    cell: ({ parentRunId }) =>
      parentRunId === undefined ? <span className="muted">API</span> : <RunLink runId={parentRunId} isShort />,
  },
  {
    id: "created",
    header: "Made",
    hideBelow: 640,
    width: "100px",
    cell: ({ createdAt }) => <RelativeTime at={createdAt} />,
  },
];

function NoBatches() {
  return (
    <EmptyState
      icon="batch"
      title="No batches yet"
      code={'await tasks.batchTrigger("send-email", users.map((user) => ({ payload: user })));'}
    >
      Trigger up to 1,000 runs in one call, and wait for all of them with <code>batchTriggerAndWait</code>.
    </EmptyState>
  );
}
