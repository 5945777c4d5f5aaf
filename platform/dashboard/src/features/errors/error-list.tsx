import type { ErrorGroupItem } from "@gantry/sdk";
import { Sparkline } from "../../ui/charts.tsx";
import { cx } from "../../ui/class-names.ts";
import { formatNumber } from "../../ui/format.ts";
import { RelativeTime } from "../../ui/time.tsx";
import classes from "./errors-page.module.css";

interface ErrorListProps {
  groups: readonly ErrorGroupItem[];
  selected: string | undefined;
  onSelect: (fingerprint: string) => void;
}

/** Groups of failed runs, the latest first. */
export function ErrorList({ groups, selected, onSelect }: ErrorListProps) {
  return (
    <ul className={classes.list} aria-label="Errors">
      {groups.map((group) => (
        <li key={group.fingerprint}>
          <button
            type="button"
            aria-pressed={group.fingerprint === selected}
            className={cx(classes.group, group.fingerprint === selected && classes.selected)}
            onClick={() => onSelect(group.fingerprint)}
          >
            <span className={classes.groupHead}>
              <strong className="truncate">{group.name}</strong>
              <span className={classes.count} title={`${formatNumber(group.count)} runs`}>
                {formatNumber(group.count)}
              </span>
            </span>
            <span className={classes.message}>{group.message}</span>
            <span className={classes.groupFoot}>
              <span className="truncate">{group.taskIdentifier}</span>
              <span className={classes.seen}>
                <RelativeTime at={group.lastSeenAt} />
              </span>
              <Sparkline
                values={group.series.map(({ count }) => count)}
                label={`${group.count} runs over the period`}
                tone="danger"
                width={72}
                height={18}
              />
            </span>
          </button>
        </li>
      ))}
    </ul>
  );
}
