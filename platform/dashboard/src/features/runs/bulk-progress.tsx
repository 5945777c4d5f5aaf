import type { BulkActionItem } from "@gantry/sdk";
import { useEffect } from "react";
import { PlaceLink } from "../../layout/place-link.tsx";
import { useBulkAction } from "../../queries/use-bulk-action.ts";
import { IconButton } from "../../ui/button.tsx";
import { ErrorText } from "../../ui/error-state.tsx";
import { formatNumber } from "../../ui/format.ts";
import { Icon } from "../../ui/icon.tsx";
import classes from "./bulk.module.css";

interface BulkProgressProps {
  id: string;
  onChange: () => void;
  onClose: () => void;
}

/** How far a bulk action has come, until it is over and somebody puts it away. */
export function BulkProgress({ id, onChange, onClose }: BulkProgressProps) {
  const { data: action, error } = useBulkAction(id);
  const done = action === undefined ? 0 : action.counts.success + action.counts.failure;
  const isOver = action !== undefined && action.status !== "PENDING";
  useEffect(onChange, [done, isOver, onChange]);
  if (error !== null) return <ErrorText error={error} />;
  const total = action?.counts.total ?? 0;
  return (
    <div className={classes.progress} role="status">
      <Icon name={isOver ? "check-circle" : "spinner"} className={isOver ? classes.over : classes.spin} />
      <div className={classes.words}>
        <strong>{words(action)}</strong> {formatNumber(done)} of {formatNumber(total)}
        {action?.isSelected === false && ", and more to come"}
        {(action?.counts.failure ?? 0) > 0 && <Failures action={action as BulkActionItem} />}
        {isOver && (
          <>
            {" "}
            <PlaceLink page="runs" search={{ bulk: id }}>
              Show these runs
            </PlaceLink>
          </>
        )}
      </div>
      <progress aria-label="Progress" className={classes.meter} value={done} max={Math.max(1, total)} />
      <IconButton icon="x" size="sm" label="Dismiss" onClick={onClose} />
    </div>
  );
}

function words(action: BulkActionItem | undefined): string {
  if (action === undefined) return "Starting…";
  const isCancel = action.type === "CANCEL";
  if (action.status === "PENDING") return isCancel ? "Canceling" : "Replaying";
  if (action.status === "ABORTED") return "Stopped:";
  return isCancel ? "Canceled" : "Replayed";
}

function Failures({ action }: { action: BulkActionItem }) {
  const { counts, failures } = action;
  return (
    <details className={classes.failures}>
      <summary>{formatNumber(counts.failure)} could not be changed</summary>
      <ul>
        {failures.map(({ runId, code, message }) => (
          <li key={runId}>
            <code>{runId}</code> {message} <code>{code}</code>
          </li>
        ))}
      </ul>
    </details>
  );
}
