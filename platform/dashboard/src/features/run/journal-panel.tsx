import type { JournalItem } from "@gantry/sdk";
import { useState } from "react";
import { Badge } from "../../ui/badge.tsx";
import { Dialog } from "../../ui/dialog.tsx";
import { EmptyState } from "../../ui/empty-state.tsx";
import { formatDuration } from "../../ui/format.ts";
import { JsonView } from "../../ui/json-view.tsx";
import { Stack } from "../../ui/page.tsx";
import type { Column } from "../../ui/table.tsx";
import { AbsoluteTime, Bytes } from "../../ui/time.tsx";
import { VirtualTable } from "../../ui/virtual-table.tsx";
import { ErrorView } from "./error/error-view.tsx";

const TONES = { OPEN: "info", COMPLETED: "success", FAILED: "danger" } as const;

const COLUMNS: Column<JournalItem>[] = [
  { id: "entry", header: "#", width: "64px", align: "end", cell: ({ entry }) => entry },
  { id: "kind", header: "Kind", width: "84px", cell: ({ kind }) => kind },
  {
    id: "label",
    header: "Name",
    cell: ({ label, key }) => (
      <span className="truncate" title={key}>
        {label || key}
      </span>
    ),
  },
  { id: "state", header: "State", width: "130px", cell: ({ state }) => <Badge tone={TONES[state]}>{state}</Badge> },
  { id: "attempt", header: "Attempt", width: "80px", align: "end", hideBelow: 900, cell: ({ attempt }) => attempt },
  {
    id: "at",
    header: "Opened",
    width: "190px",
    hideBelow: 900,
    cell: ({ openedAt }) => <AbsoluteTime at={openedAt} />,
  },
  {
    id: "duration",
    header: "Duration",
    width: "90px",
    align: "end",
    cell: ({ durationMs }) => (durationMs === undefined ? "–" : formatDuration(durationMs)),
  },
  {
    id: "size",
    header: "Result",
    width: "90px",
    align: "end",
    hideBelow: 640,
    cell: ({ outputBytes }) => (outputBytes === undefined ? "–" : <Bytes bytes={outputBytes} />),
  },
];

/** What the run will not do again, in the order of its calls. */
export function JournalPanel({ journal }: { journal: readonly JournalItem[] }) {
  const [opened, setOpened] = useState<JournalItem>();
  if (journal.length === 0)
    return (
      <EmptyState icon="batch" title="Nothing in the journal">
        Steps, waits and triggers are recorded here: what is in it is not done again.
      </EmptyState>
    );
  return (
    <div style={{ display: "flex", flexDirection: "column", height: Math.min(journal.length, 12) * 36 + 52 }}>
      <VirtualTable
        label="Journal"
        columns={COLUMNS}
        rows={journal}
        rowKey={({ entry }) => entry}
        rowHeight={36}
        onOpen={setOpened}
      />
      {opened && (
        <Dialog isOpen onClose={() => setOpened(undefined)} title={opened.label || opened.key} size="lg">
          <Stack gap={12}>
            <p className="muted">
              Entry {opened.entry} · {opened.kind} · <code>{opened.key}</code>
            </p>
            {opened.error !== undefined && <ErrorView error={opened.error} />}
            {"output" in opened && <JsonView value={opened.output} label="Result" />}
            {opened.outputStart !== undefined && (
              <JsonView value={opened.outputStart} label="Beginning of the result" />
            )}
          </Stack>
        </Dialog>
      )}
    </div>
  );
}
