import type { RunStatus } from "@gantry/sdk/contract";
import { Badge } from "./badge.tsx";
import { Icon } from "./icon.tsx";
import { RUN_STATUS_LOOK } from "./run-status-look.ts";
import classes from "./status-badge.module.css";

/** A run's status: icon and word. */
export function StatusBadge({ status }: { status: RunStatus }) {
  const look = RUN_STATUS_LOOK[status];
  return (
    <Badge tone={look.tone} icon={look.icon} isActive={status === "EXECUTING"} title={look.meaning}>
      {look.text}
    </Badge>
  );
}

/** The icon alone, with its word for screen readers: where rows are narrow. */
export function StatusIcon({ status, size = 16 }: { status: RunStatus; size?: number }) {
  const look = RUN_STATUS_LOOK[status];
  return <Icon name={look.icon} size={size} label={look.text} className={classes[look.tone]} />;
}
