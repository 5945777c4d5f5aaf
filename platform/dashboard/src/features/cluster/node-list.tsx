import type { ClusterItem } from "@gantry/sdk";
import { Badge } from "../../ui/badge.tsx";
import { formatBytes } from "../../ui/format.ts";
import { Meter } from "../../ui/meter.tsx";
import classes from "./cluster.module.css";
import { shareOf } from "./worker-words.ts";

type Node = NonNullable<ClusterItem["nodes"]>[number];
type Room = Node["cpu"];

/** Each node's room, and how much of it runs have asked for. */
export function NodeList({ nodes }: { nodes: readonly Node[] }) {
  return (
    <ul className={classes.nodes}>
      {nodes.map((node) => (
        <li key={node.name} className={classes.node}>
          <header>
            <strong className="mono truncate">{node.name}</strong>
            <NodeState node={node} />
          </header>
          <RoomLine name="cpu" room={node.cpu} format={(cores) => Number(cores.toFixed(2)).toString()} />
          <RoomLine name="memory" room={node.memoryBytes} format={formatBytes} />
          <RoomLine name="pods" room={node.pods} format={String} />
        </li>
      ))}
    </ul>
  );
}

function NodeState({ node: { isReady, isSchedulable, pressure } }: { node: Node }) {
  if (!isReady)
    return (
      <Badge tone="danger" icon="x-circle" title="Its kubelet does not answer: its runs get new executions.">
        Not ready
      </Badge>
    );
  if (!isSchedulable)
    return (
      <Badge tone="warning" icon="pause" title="Cordoned: no new pod comes here.">
        Cordoned
      </Badge>
    );
  if (pressure.length > 0)
    return (
      <Badge tone="warning" icon="alert">
        {pressure.join(", ")}
      </Badge>
    );
  return (
    <Badge tone="success" icon="check-circle">
      Ready
    </Badge>
  );
}

function RoomLine({ name, room, format }: { name: string; room: Room; format: (value: number) => string }) {
  const share = shareOf(room);
  const words = `${format(room.requested)} of ${format(room.total)}`;
  return (
    <div className={classes.room}>
      <span className="muted">{name}</span>
      <Meter
        label={`${name}: ${words} asked for by runs`}
        total={room.total}
        parts={[{ name, value: room.requested, tone: share >= 0.9 ? "warning" : "accent" }]}
      />
      <span>{words}</span>
    </div>
  );
}
