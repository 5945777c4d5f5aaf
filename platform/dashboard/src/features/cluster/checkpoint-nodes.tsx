import type { ClusterItem } from "@gantry/sdk";
import { type NodeCheckpoints, nodeCheckpoints } from "@gantry/sdk/contract";
import { Badge } from "../../ui/badge.tsx";
import { Card } from "../../ui/card.tsx";
import { EmptyState } from "../../ui/empty-state.tsx";
import { type Column, Table } from "../../ui/table.tsx";
import { RelativeTime } from "../../ui/time.tsx";
import classes from "./cluster.module.css";

type Node = NodeCheckpoints<Date>;

/** On which nodes processes of waiting runs can be stored and brought back, and why not on the others. */
export function CheckpointNodes({ cluster: { checkpoints, nodes } }: { cluster: ClusterItem }) {
  if (checkpoints === undefined) return null;
  if (!checkpoints.isEnabled)
    return (
      <Card title="Process checkpoints">
        <p className="muted">
          Not switched on: a run that waits is held, or leaves and is replayed. With{" "}
          <code>processCheckpoints.enabled</code> in the chart, tasks that say <code>checkpoint: "process"</code> free
          their pod in the middle of plain code.
        </p>
      </Card>
    );
  if (checkpoints.problem !== undefined)
    return (
      <Card title="Process checkpoints">
        <p>{checkpoints.problem}</p>
        <p className="muted">Until then tasks that want them start without: a run that waits is held or replayed.</p>
      </Card>
    );
  return (
    <Card title="Process checkpoints" hint="Where a waiting run's process can be stored and brought back." isFlush>
      <Table
        hasCards
        label="Nodes and process checkpoints"
        columns={COLUMNS}
        rows={nodeCheckpoints(checkpoints.nodes, nodes)}
        rowKey={({ name }) => name}
        empty={
          <EmptyState icon="cluster" title="Not tried on any node yet">
            The worker of a task that says <code>checkpoint: "process"</code> tries it on its node as it starts.
          </EmptyState>
        }
      />
    </Card>
  );
}

const COLUMNS: Column<Node>[] = [
  {
    id: "node",
    header: "Node",
    cell: ({ name }) => (
      <span className="mono truncate" title={name}>
        {name}
      </span>
    ),
  },
  { id: "state", header: "Works", width: "130px", cell: (node) => <State node={node} /> },
  { id: "why", header: "Why not", cell: (node) => <WhyNot node={node} /> },
  {
    id: "kernel",
    header: "Kernel",
    hideBelow: 900,
    width: "190px",
    cell: ({ tried }) => <span className="mono">{tried === undefined ? "–" : `${tried.kernel} ${tried.arch}`}</span>,
  },
  {
    id: "seen",
    header: "Tried",
    width: "110px",
    cell: ({ tried }) => (tried === undefined ? <span className="muted">–</span> : <RelativeTime at={tried.seenAt} />),
  },
];

function State({ node: { state } }: { node: Node }) {
  switch (state) {
    case "works":
      return (
        <Badge tone="success" icon="check-circle">
          Works
        </Badge>
      );
    case "fails":
      return (
        <Badge tone="warning" icon="x-circle">
          Does not
        </Badge>
      );
    case "untried":
      return <Badge icon="dot">Not tried</Badge>;
    case "gone":
      return <Badge icon="minus-circle">Gone</Badge>;
  }
}

function WhyNot({ node: { state, tried } }: { node: Node }) {
  switch (state) {
    case "works":
      return <span className="muted">–</span>;
    case "fails":
      return <span className={classes.whyNot}>{tried?.reason ?? "Its worker did not say."}</span>;
    case "untried":
      return <span className="muted">No run of a task that wants them was there yet.</span>;
    case "gone":
      return <span className="muted">The cluster has it no more.</span>;
  }
}
