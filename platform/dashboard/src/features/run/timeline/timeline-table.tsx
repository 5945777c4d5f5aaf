import { formatInstant } from "../../../ui/format.ts";
import type { Column } from "../../../ui/table.tsx";
import { VirtualTable } from "../../../ui/virtual-table.tsx";
import { durationOf, formatOffset, KIND_LOOK, STATE_WORDS } from "./span-look.ts";
import { Countdown } from "./timeline-row.tsx";
import type { TimelineRow } from "./timeline-rows.ts";

interface TimelineTableProps {
  rows: readonly TimelineRow[];
  startMs: number;
  nowMs: number;
  onOpen: (id: string) => void;
}

/** The timeline in words: what it draws, as a table. */
export function TimelineTable({ rows, startMs, nowMs, onOpen }: TimelineTableProps) {
  const columns: Column<TimelineRow>[] = [
    { id: "kind", header: "Kind", width: "110px", cell: ({ span }) => KIND_LOOK[span.kind].word },
    {
      id: "name",
      header: "Name",
      cell: ({ span, level }) => (
        <span className="truncate" title={span.label}>
          {"\u2007".repeat(Math.min(level - 1, 8))}
          {span.label}
          {span.note !== undefined && <span className="muted"> {span.note}</span>}
        </span>
      ),
    },
    { id: "state", header: "State", width: "110px", cell: ({ span }) => STATE_WORDS[span.state] },
    {
      id: "start",
      header: "Starts after",
      width: "110px",
      align: "end",
      hideBelow: 640,
      cell: ({ span }) => <span title={formatInstant(span.startMs)}>{formatOffset(span.startMs - startMs)}</span>,
    },
    {
      id: "duration",
      header: "Duration",
      width: "110px",
      align: "end",
      cell: ({ span }) =>
        span.dueAtMs !== undefined && span.endMs === undefined ? (
          <Countdown atMs={span.dueAtMs} />
        ) : (
          durationOf(span, nowMs)
        ),
    },
  ];
  return (
    <div style={{ height: Math.min(rows.length, 14) * 32 + 48, display: "flex", flexDirection: "column" }}>
      <VirtualTable
        label="Timeline as a table"
        columns={columns}
        rows={rows}
        rowKey={({ span }) => span.id}
        rowHeight={32}
        onOpen={({ span }) => onOpen(span.id)}
      />
    </div>
  );
}
