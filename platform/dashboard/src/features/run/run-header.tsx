import type { RunObserver } from "@gantry/sdk";
import { PlaceLink } from "../../layout/place-link.tsx";
import { Badge, Chip } from "../../ui/badge.tsx";
import { CopyButton } from "../../ui/copy-button.tsx";
import { StatusBadge } from "../../ui/status-badge.tsx";
import { Duration, RelativeTime } from "../../ui/time.tsx";
import { ConnectionBadge } from "./connection-badge.tsx";
import { RunsLink } from "./place-links.tsx";
import classes from "./run-page.module.css";
import type { RunView } from "./run-view.ts";

/** The run's task and status, as the page's heading. */
export function RunHeading({ run, observer }: { run: RunView; observer: RunObserver }) {
  return (
    <>
      <span className={classes.task}>{run.taskIdentifier}</span>
      <StatusBadge status={run.status} />
      {run.cancelRequestedAt !== undefined && !run.isCompleted && (
        <Badge tone="warning" icon="cancel">
          Being canceled
        </Badge>
      )}
      {run.isTest && <Badge icon="flask">Test</Badge>}
      <ConnectionBadge observer={observer} />
    </>
  );
}

/** Id, duration, version, tags: one line of facts. */
export function RunFacts({ run }: { run: RunView }) {
  const startedAt = run.startedAt ?? run.createdAt;
  return (
    <span className={classes.facts}>
      <span className={classes.id}>
        <code>{run.id}</code>
        <CopyButton text={run.id} label="Copy the run's id" />
      </span>
      <span title="From its start to its end, waits included">
        {run.startedAt === undefined && !run.isCompleted ? "in line for " : ""}
        <strong>
          <Duration from={startedAt} to={run.finishedAt} />
        </strong>
      </span>
      <span>
        triggered <RelativeTime at={run.createdAt} />
      </span>
      {run.version !== undefined && (
        <span>
          version{" "}
          <PlaceLink page="deployments/$version" params={{ version: run.version }}>
            {run.version}
          </PlaceLink>
        </span>
      )}
      {run.attemptCount > 1 && <span>attempt {run.attemptCount}</span>}
      {run.tags.map((tag) => (
        <RunsLink key={tag} search={{ tag }}>
          <Chip title={tag}>{tag}</Chip>
        </RunsLink>
      ))}
    </span>
  );
}
