import type { ClusterItem, ClusterWorkerItem } from "@gantry/sdk";
import { QueryView } from "../../queries/query-view.tsx";
import { Card } from "../../ui/card.tsx";
import { EmptyState } from "../../ui/empty-state.tsx";
import { Notice } from "../../ui/notice.tsx";
import { Page, Stack } from "../../ui/page.tsx";
import { type Column, Table } from "../../ui/table.tsx";
import { RelativeTime } from "../../ui/time.tsx";
import { CheckpointNodes } from "./checkpoint-nodes.tsx";
import { NodeList } from "./node-list.tsx";
import { useCluster } from "./use-cluster.ts";
import { AgeCell, PhaseBadge, ReasonCell, WhereCell, WorkCell, WorkerName } from "./worker-cells.tsx";

const WORDS = {
  kubernetes: "Jobs of this environment's runs, why pods wait or ended, and what the nodes have room for.",
  process: "Worker processes on this machine: one for each version with work.",
  none: "This platform starts no workers.",
} as const;

/** What executes runs: Jobs and pods on a cluster, processes on a laptop. */
export default function ClusterPage() {
  const query = useCluster();
  return (
    <Page
      title="Cluster"
      description={query.data === undefined ? "What executes this environment's runs." : WORDS[query.data.executor]}
    >
      <QueryView query={query} failed="The cluster could not be looked at">
        {(cluster) => (
          <Stack>
            {cluster.problem !== null && (
              <Notice tone="danger" icon="alert">
                Runs cannot start: {cluster.problem}
              </Notice>
            )}
            <Workers cluster={cluster} />
            <Nodes cluster={cluster} />
            <CheckpointNodes cluster={cluster} />
          </Stack>
        )}
      </QueryView>
    </Page>
  );
}

const COLUMNS: Column<ClusterWorkerItem>[] = [
  { id: "phase", header: "Phase", width: "110px", cell: ({ phase }) => <PhaseBadge phase={phase} /> },
  { id: "worker", header: "Worker", cell: (worker) => <WorkerName worker={worker} /> },
  { id: "work", header: "Works on", cell: (worker) => <WorkCell worker={worker} /> },
  { id: "reason", header: "Why, and what to do", cell: (worker) => <ReasonCell worker={worker} /> },
  {
    id: "where",
    header: "Node, memory",
    hideBelow: 900,
    width: "130px",
    cell: (worker) => <WhereCell worker={worker} />,
  },
  { id: "age", header: "Made", hideBelow: 640, width: "100px", cell: (worker) => <AgeCell worker={worker} /> },
];

function Workers({ cluster: { workers, executor, isTruncated, observedAt } }: { cluster: ClusterItem }) {
  return (
    <Card
      title={executor === "kubernetes" ? "Jobs and pods" : "Worker processes"}
      hint={
        <>
          {workers.length}
          {isTruncated && " newest"}, seen <RelativeTime at={observedAt} />
        </>
      }
      isFlush
    >
      <Table
        hasCards
        label="Workers"
        columns={COLUMNS}
        rows={workers}
        rowKey={({ name }) => name}
        empty={<NoWorkers executor={executor} />}
      />
    </Card>
  );
}

function Nodes({ cluster: { nodes, executor } }: { cluster: ClusterItem }) {
  if (executor !== "kubernetes") return null;
  if (nodes === null)
    return (
      <Card title="Nodes">
        <p className="muted">
          The platform may not see nodes. Set <code>runs.readNodes</code> in the chart to show their room here, and to
          know which runs fit on none.
        </p>
      </Card>
    );
  return (
    <Card title="Nodes" hint="What pods may have, and what Gantry's runs have asked for." isFlush>
      <NodeList nodes={nodes} />
    </Card>
  );
}

function NoWorkers({ executor }: { executor: ClusterItem["executor"] }) {
  if (executor === "none")
    return (
      <EmptyState icon="cluster" title="No executor">
        Set one with <code>GANTRY_PLATFORM_EXECUTOR</code>: runs wait until then.
      </EmptyState>
    );
  return (
    <EmptyState
      icon="cluster"
      title="Nothing runs now"
      command={executor === "kubernetes" ? "kubectl get jobs -A -l gantry.dev/run" : undefined}
    >
      {executor === "kubernetes"
        ? "Each execution of a run is a Job. Those that have ended stay for a minute, failed ones for ten."
        : "A worker starts with the first run of a version, and ends when nobody needs it."}
    </EmptyState>
  );
}
