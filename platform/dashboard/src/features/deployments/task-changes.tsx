import { Badge } from "../../ui/badge.tsx";
import { ErrorText } from "../../ui/error-state.tsx";
import { Skeleton } from "../../ui/skeleton.tsx";
import classes from "./deployments.module.css";
import { useDeployment } from "./use-deployments.ts";
import { diffVersions, type TaskChange } from "./version-diff.ts";

const KINDS = {
  added: { tone: "success", icon: "plus", text: "added" },
  removed: { tone: "danger", icon: "minus", text: "removed" },
  changed: { tone: "warning", icon: "edit", text: "changed" },
} as const;

/** What one version changed of another's tasks. */
export function TaskChanges({ from, to }: { from: string; to: string }) {
  const [before, after] = [useDeployment(from), useDeployment(to)];
  const error = before.error ?? after.error;
  if (error) return <ErrorText error={error} />;
  if (before.data === undefined || after.data === undefined) return <Skeleton height={52} />;
  const changes = diffVersions(before.data.worker.tasks, after.data.worker.tasks);
  if (changes.length === 0) {
    return <p className={`${classes.none} muted`}>The tasks are declared as in {from}; what differs is their code.</p>;
  }
  return (
    <ul className={classes.changes} aria-label={`Changes from ${from} to ${to}`}>
      {changes.map((change) => (
        <Change key={change.id} change={change} />
      ))}
    </ul>
  );
}

function Change({ change }: { change: TaskChange }) {
  const { tone, icon, text } = KINDS[change.kind];
  return (
    <li className={classes.change}>
      <span>
        <Badge tone={tone} icon={icon}>
          {text}
        </Badge>
      </span>
      <span className="truncate">
        <b>{change.id}</b> <span className={classes.file}>{change.filePath}</span>
      </span>
      {change.kind === "changed" && (
        <ul className={classes.fields}>
          {change.fields.map(({ field, before, after }) => (
            <li key={field}>
              <span className="muted">{field}</span>
              <del>{before}</del>
              <ins>{after}</ins>
            </li>
          ))}
        </ul>
      )}
    </li>
  );
}
