import type { RunListItem } from "@gantry/sdk";
import { isFinalRunStatus } from "@gantry/sdk/contract";
import { useEnvironment } from "../../session/session-provider.tsx";
import { Chip } from "../../ui/badge.tsx";
import { Checkbox } from "../../ui/field.tsx";
import { Link } from "../../ui/link.tsx";
import { StatusBadge } from "../../ui/status-badge.tsx";
import type { Column } from "../../ui/table.tsx";
import { Duration, RelativeTime } from "../../ui/time.tsx";
import classes from "./runs-table.module.css";
import type { Selection } from "./use-selection.ts";

export function runColumns(selection: Selection): Column<RunListItem>[] {
  return [
    {
      id: "select",
      width: "44px",
      header: (
        <span className={classes.check} data-on={selection.isMixed || selection.isEveryRow || undefined}>
          <Checkbox
            aria-label="Select all loaded runs"
            checked={selection.isEveryRow}
            isMixed={selection.isMixed}
            onChange={selection.toggleRows}
          />
        </span>
      ),
      cell: (run) => <SelectBox run={run} selection={selection} />,
    },
    { id: "task", header: "Task", width: "minmax(150px, 2fr)", cell: (run) => <RunName run={run} /> },
    { id: "status", header: "Status", width: "142px", cell: ({ status }) => <StatusBadge status={status} /> },
    {
      id: "run",
      header: "Run",
      width: "124px",
      hideBelow: 900,
      cell: ({ id }) => (
        <span className={classes.id} title={id}>
          {shortId(id)}
        </span>
      ),
    },
    {
      id: "tags",
      header: "Tags",
      width: "minmax(80px, 1.6fr)",
      hideBelow: 900,
      cell: ({ tags }) => <Tags tags={tags} />,
    },
    {
      id: "queue",
      header: "Queue",
      width: "minmax(80px, 1fr)",
      hideBelow: 1200,
      cell: ({ queue }) => (
        <span className={`${classes.time} truncate`} title={queue}>
          {queue?.replace(/^task\//, "")}
        </span>
      ),
    },
    {
      id: "version",
      header: "Version",
      width: "104px",
      hideBelow: 1200,
      cell: ({ version }) => <span className={classes.id}>{version ?? "–"}</span>,
    },
    {
      id: "attempts",
      header: "Attempts",
      width: "78px",
      align: "end",
      hideBelow: 1200,
      cell: ({ attemptCount }) => <span className={classes.time}>{attemptCount === 0 ? "–" : attemptCount}</span>,
    },
    { id: "duration", header: "Duration", width: "88px", align: "end", cell: (run) => <RunDuration run={run} /> },
    {
      id: "created",
      header: "Created",
      width: "92px",
      align: "end",
      cell: ({ createdAt }) => (
        <span className={classes.time}>
          <RelativeTime at={createdAt} />
        </span>
      ),
    },
  ];
}

/** The part of an id that tells runs apart: ids of one moment begin alike. */
export const shortId = (id: string): string => `…${id.slice(-10)}`;

export function SelectBox({ run, selection }: { run: RunListItem; selection: Selection }) {
  const isOn = selection.has(run.id);
  return (
    <span className={classes.check} data-on={isOn || undefined}>
      <Checkbox
        aria-label={`Select ${run.taskIdentifier} ${shortId(run.id)}`}
        checked={isOn}
        onChange={() => selection.toggle(run.id)}
      />
    </span>
  );
}

export function RunName({ run }: { run: RunListItem }) {
  const { project, environment } = useEnvironment();
  return (
    <Link
      look="quiet"
      className={`${classes.task} truncate`}
      to="/projects/$project/$environment/runs/$runId"
      params={{ project, environment, runId: run.id }}
      title={run.taskIdentifier}
    >
      {run.taskIdentifier}
    </Link>
  );
}

export function RunDuration({ run }: { run: RunListItem }) {
  if (run.startedAt === undefined) return <span className={classes.time}>–</span>;
  const isOver = isFinalRunStatus(run.status);
  return (
    <span className={classes.time}>
      <Duration from={run.startedAt} to={isOver ? (run.finishedAt ?? run.updatedAt) : undefined} />
    </span>
  );
}

const SHOWN_TAGS = 2;

export function Tags({ tags }: { tags: readonly string[] }) {
  return (
    <span className={classes.tags}>
      {tags.slice(0, SHOWN_TAGS).map((tag) => (
        <Chip key={tag} title={tag}>
          {tag}
        </Chip>
      ))}
      {tags.length > SHOWN_TAGS && (
        <span className={classes.more} title={tags.slice(SHOWN_TAGS).join("\n")}>
          +{tags.length - SHOWN_TAGS}
        </span>
      )}
    </span>
  );
}
