import { cx } from "../../../ui/class-names.ts";
import { SEGMENT_WORDS } from "./span-look.ts";
import classes from "./timeline.module.css";
import { segmentClass } from "./timeline-bar.tsx";
import type { SegmentUse } from "./timeline-span.ts";

const USES: readonly SegmentUse[] = ["running", "held", "stored"];

/** What the stretches of a bar of executions mean. */
export function TimelineLegend() {
  return (
    <ul className={classes.legend} aria-label="Executions">
      {USES.map((use) => (
        <li key={use}>
          <span className={cx(classes.swatch, segmentClass(use))} aria-hidden />
          {SEGMENT_WORDS[use]}
        </li>
      ))}
    </ul>
  );
}
