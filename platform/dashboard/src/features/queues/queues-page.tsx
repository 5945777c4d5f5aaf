import type { QueueItem } from "@gantry/sdk";
import { useSearch } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { NumberPager } from "../../layout/pager.tsx";
import { QueryView } from "../../queries/query-view.tsx";
import { useDenial } from "../../session/session-provider.tsx";
import { Button, IconButton } from "../../ui/button.tsx";
import { EmptyState } from "../../ui/empty-state.tsx";
import { Page } from "../../ui/page.tsx";
import { type Column, Table } from "../../ui/table.tsx";
import { LimitDialog } from "./limit-dialog.tsx";
import { DepthCell, OldestCell, QueueName, QueueStateBadge, RateCell, RunningCell } from "./queue-cells.tsx";
import classes from "./queues.module.css";
import { useEnvironmentLimit, usePauseQueue, useQueues } from "./use-queues.ts";

/** Where runs wait: how many, how long, what holds them; pause and limits. */
export default function QueuesPage() {
  // `queue`: the one that somebody was sent to.
  const { page: pageText, queue: named } = useSearch({ strict: false }) as { page?: string; queue?: string };
  const page = Math.max(1, Number(pageText) || 1);
  const query = useQueues(page);
  const environmentLimit = useEnvironmentLimit();
  const [limiting, setLimiting] = useState<QueueItem>();
  const columns = useColumns(environmentLimit, setLimiting);
  return (
    <Page
      title="Queues"
      description="Where runs wait for their turn. A queue that is paused, or at its limit, starts nothing new; what runs goes on."
    >
      <QueryView query={query} failed="Queues could not be loaded">
        {({ queues, hasNext }) => (
          <>
            <Table
              hasCards
              label="Queues"
              columns={columns}
              rows={queues}
              rowKey={({ id }) => id}
              isActive={({ name, type }) => named === (type === "task" ? `task/${name}` : name)}
              empty={<NoQueues />}
            />
            <NumberPager page={page} hasNext={hasNext} />
          </>
        )}
      </QueryView>
      {limiting && (
        <LimitDialog queue={limiting} environmentLimit={environmentLimit} onClose={() => setLimiting(undefined)} />
      )}
    </Page>
  );
}

function useColumns(environmentLimit: number | undefined, onLimit: (queue: QueueItem) => void): Column<QueueItem>[] {
  const { start, busyWith } = usePauseQueue();
  const denial = useDenial("developer");
  return useMemo(
    () => [
      { id: "name", header: "Queue", cell: (queue) => <QueueName queue={queue} /> },
      {
        id: "state",
        header: "State",
        width: "130px",
        cell: (queue) => <QueueStateBadge queue={queue} environmentLimit={environmentLimit} />,
      },
      { id: "queued", header: "Waiting", align: "end", width: "90px", cell: (queue) => <DepthCell queue={queue} /> },
      { id: "oldest", header: "Oldest", hideBelow: 640, width: "100px", cell: (queue) => <OldestCell queue={queue} /> },
      {
        id: "running",
        header: "Running",
        width: "210px",
        cell: (queue) => <RunningCell queue={queue} environmentLimit={environmentLimit} />,
      },
      { id: "rate", header: "Rate limit", hideBelow: 900, width: "150px", cell: (queue) => <RateCell queue={queue} /> },
      {
        id: "actions",
        header: <span className="visually-hidden">Actions</span>,
        align: "end",
        width: "150px",
        cell: (queue) => (
          <div className={classes.actions}>
            <Button
              size="sm"
              icon={queue.paused ? "play" : "pause"}
              aria-label={`${queue.paused ? "Resume" : "Pause"} ${queue.name}`}
              isBusy={busyWith?.id === queue.id}
              disabledReason={denial}
              onClick={() => start({ id: queue.id, name: queue.name, action: queue.paused ? "resume" : "pause" })}
            >
              {queue.paused ? "Resume" : "Pause"}
            </Button>
            <IconButton
              size="sm"
              icon="edit"
              label={`Limit of ${queue.name}`}
              disabledReason={denial}
              onClick={() => onLimit(queue)}
            />
          </div>
        ),
      },
    ],
    [environmentLimit, busyWith, denial, start, onLimit],
  );
}

function NoQueues() {
  return (
    <EmptyState icon="queue" title="No queues yet" command="npx gantry dev">
      Each task has a queue of its own as soon as a version is deployed, or <code>gantry dev</code> runs.
    </EmptyState>
  );
}
