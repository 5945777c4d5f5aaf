import { memo } from "react";
import { cx } from "../../../ui/class-names.ts";
import { SEGMENT_WORDS, toneOf } from "./span-look.ts";
import { placeOf, type TimeScale, type View } from "./time-scale.ts";
import classes from "./timeline.module.css";
import type { SegmentUse, TimelineSpan } from "./timeline-span.ts";

interface BarProps {
  span: TimelineSpan;
  scale: TimeScale;
  view: View;
  nowMs: number;
}

/** A span on the time axis. */
export const TimelineBar = memo(function TimelineBar({ span, scale, view, nowMs }: BarProps) {
  const place = boxOf(span.startMs, span.endMs ?? Math.max(nowMs, span.startMs), scale, view);
  if (place === undefined) return null;
  const isThin = span.segments !== undefined;
  return (
    <>
      <div
        className={cx(
          classes.bar,
          classes[toneOf(span)],
          span.endMs === undefined && classes.growing,
          isThin && classes.base,
        )}
        style={place}
        data-state={span.state}
      />
      {span.segments?.map((segment) => {
        const box = boxOf(segment.startMs, segment.endMs ?? Math.max(nowMs, segment.startMs), scale, view);
        return box === undefined ? null : (
          <div
            key={segment.startMs}
            className={cx(classes.bar, segmentClass(segment.use))}
            style={box}
            title={SEGMENT_WORDS[segment.use]}
          />
        );
      })}
    </>
  );
});

/** What bars and the legend draw it with. */
export function segmentClass(use: SegmentUse): string | undefined {
  return { running: classes.info, held: classes.held, stored: classes.stored }[use];
}

/** In percent of the track; undefined where nothing of it is in sight. */
function boxOf(startMs: number, endMs: number, scale: TimeScale, view: View) {
  const from = placeOf(scale, startMs, view);
  const to = placeOf(scale, endMs, view);
  if (to < 0 || from > 1) return undefined;
  const left = Math.max(from, -0.01);
  return { left: `${left * 100}%`, width: `${Math.max(0, Math.min(to, 1.01) - left) * 100}%` };
}
