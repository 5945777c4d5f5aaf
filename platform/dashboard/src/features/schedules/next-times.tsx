import { RelativeTime } from "../../ui/time.tsx";
import { nextTimes, timeInZone } from "./schedule-form-state.ts";
import classes from "./schedules.module.css";

const SHOWN = 5;

/** The next five times of a pattern, in its zone. */
export function NextTimes({ cron, timezone, from }: { cron: string; timezone: string; from: number }) {
  return <Times times={nextTimes(cron, timezone, from, SHOWN)} timezone={timezone} />;
}

export function Times({ times, timezone }: { times: readonly (number | Date)[]; timezone: string }) {
  return (
    <ol className={classes.times} aria-label="Next times">
      {times.map((at) => (
        <li key={Number(at)}>
          <span>{timeInZone(at, timezone)}</span>
          <span className="muted">
            <RelativeTime at={at} />
          </span>
        </li>
      ))}
    </ol>
  );
}
