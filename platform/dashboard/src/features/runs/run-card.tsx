import type { RunListItem } from "@gantry/sdk";
import { StatusBadge } from "../../ui/status-badge.tsx";
import { RelativeTime } from "../../ui/time.tsx";
import { RunDuration, RunName, SelectBox, shortId, Tags } from "./run-columns.tsx";
import classes from "./runs-table.module.css";
import type { Selection } from "./use-selection.ts";

/** A run where there is no room for a row: on a phone. */
export function RunCard({ run, selection }: { run: RunListItem; selection: Selection }) {
  return (
    <div className={classes.card}>
      <div className={classes.line}>
        <RunName run={run} />
        <StatusBadge status={run.status} />
      </div>
      <div className={classes.line}>
        <Tags tags={run.tags} />
        <span className={classes.id}>{shortId(run.id)}</span>
        <RunDuration run={run} />
        <span className={classes.time}>
          <RelativeTime at={run.createdAt} />
        </span>
        <SelectBox run={run} selection={selection} />
      </div>
    </div>
  );
}
