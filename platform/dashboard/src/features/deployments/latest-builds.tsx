import type { BuildItem } from "@gantry/sdk";
import { PlaceLink } from "../../layout/place-link.tsx";
import { Card } from "../../ui/card.tsx";
import { type Column, Table } from "../../ui/table.tsx";
import { Duration, RelativeTime } from "../../ui/time.tsx";
import { BuildBadge } from "./build-badge.tsx";
import { useBuilds } from "./use-deployments.ts";

const SHOWN_BUILDS = 5;

const BUILD_COLUMNS: Column<BuildItem>[] = [
  { id: "status", header: "Status", width: "130px", cell: (build) => <BuildBadge build={build} /> },
  {
    id: "build",
    header: "Build",
    cell: ({ id, version, error }) => (
      <PlaceLink page="builds/$buildId" params={{ buildId: id }}>
        {version ?? error?.code ?? "its log"}
      </PlaceLink>
    ),
  },
  {
    id: "error",
    header: "What is wrong",
    hideBelow: 900,
    cell: ({ error }) => <span className="muted">{error?.message}</span>,
  },
  {
    id: "took",
    header: "Took",
    width: "90px",
    cell: ({ startedAt, endedAt }) => <Duration from={startedAt} to={endedAt} />,
  },
  {
    id: "when",
    header: "Begun",
    hideBelow: 640,
    width: "110px",
    cell: ({ startedAt }) => <RelativeTime at={startedAt} />,
  },
];

/** The latest builds: those under way, and what failed. In `gantry dev` there are none. */
export function LatestBuilds() {
  const { data = [] } = useBuilds();
  if (data.length === 0) return null;
  return (
    <Card title="Latest builds" isFlush>
      <Table
        hasCards
        label="Latest builds"
        columns={BUILD_COLUMNS}
        rows={data.slice(0, SHOWN_BUILDS)}
        rowKey={({ id }) => id}
      />
    </Card>
  );
}
