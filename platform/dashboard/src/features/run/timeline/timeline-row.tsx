import { memo } from "react";
import { cx } from "../../../ui/class-names.ts";
import { useClock } from "../../../ui/clock.ts";
import { formatDuration } from "../../../ui/format.ts";
import { Icon } from "../../../ui/icon.tsx";
import { durationOf, iconOf, KIND_LOOK, STATE_WORDS, toneOf } from "./span-look.ts";
import type { TimeScale, View } from "./time-scale.ts";
import classes from "./timeline.module.css";
import { TimelineBar } from "./timeline-bar.tsx";
import type { TimelineRow } from "./timeline-rows.ts";
import type { TimelineSpan } from "./timeline-span.ts";

interface RowProps {
  row: TimelineRow;
  index: number;
  top: number;
  isSelected: boolean;
  isFocusable: boolean;
  isLoading: boolean;
  scale: TimeScale;
  view: View;
  /** Of rows that have ended it does not matter, and is 0: they are not drawn again. */
  nowMs: number;
  onSelect: (id: string) => void;
  onToggle: (id: string, isExpanded: boolean) => void;
}

export const Row = memo(function Row({ row, index, top, ...rest }: RowProps) {
  const { span, level, isExpanded } = row;
  const { isSelected, isFocusable, isLoading, scale, view, nowMs, onSelect, onToggle } = rest;
  return (
    // The grid around it has the keys.
    <div
      role="row"
      id={rowId(span.id)}
      aria-level={level}
      aria-rowindex={index + 1}
      aria-setsize={row.siblings}
      aria-posinset={row.place}
      aria-expanded={isExpanded}
      aria-selected={isSelected}
      tabIndex={isFocusable ? 0 : -1}
      className={cx(classes.row, isSelected && classes.selected)}
      style={{ transform: `translateY(${top}px)` }}
      onClick={() => onSelect(span.id)}
    >
      <div role="gridcell" className={classes.name} style={{ paddingLeft: 6 + Math.min(level - 1, 12) * 14 }}>
        {isExpanded === undefined ? (
          <span className={classes.noToggle} />
        ) : (
          // Arrow keys do it.
          // The row says whether it is expanded.
          <span
            className={classes.toggle}
            onClick={(event) => {
              event.stopPropagation();
              onToggle(span.id, !isExpanded);
            }}
          >
            <Icon name={isLoading ? "spinner" : isExpanded ? "chevron-down" : "chevron-right"} size={12} />
          </span>
        )}
        <Icon name={iconOf(span)} size={14} className={cx(classes.kind, classes[`${toneOf(span)}Text`])} />
        <span className={classes.label} title={span.label}>
          <span className="visually-hidden">{KIND_LOOK[span.kind].word}: </span>
          {span.label}
        </span>
        {span.note !== undefined && <span className={classes.note}>{span.note}</span>}
        <span className="visually-hidden">, {STATE_WORDS[span.state]}</span>
      </div>
      <div role="gridcell" className={classes.track} aria-label={span.endMs === undefined ? "goes on" : undefined}>
        <TimelineBar span={span} scale={scale} view={view} nowMs={nowMs} />
      </div>
      <div role="gridcell" className={classes.duration}>
        {span.dueAtMs !== undefined && span.endMs === undefined ? (
          <Countdown atMs={span.dueAtMs} />
        ) : (
          <RowDuration span={span} nowMs={nowMs} />
        )}
      </div>
    </div>
  );
});

export const rowId = (spanId: string) => `span-${spanId}`;

function RowDuration({ span, nowMs }: { span: TimelineSpan; nowMs: number }) {
  if (span.endMs !== undefined) return <>{durationOf(span, span.endMs)}</>;
  // By whole seconds: tenths that come and go cannot be read.
  const elapsed = Math.max(0, nowMs - span.startMs);
  return <>{elapsed < 1000 ? "…" : formatDuration(Math.floor(elapsed / 1000) * 1000).replace(".0", "")}</>;
}

/** How long it still is. */
export function Countdown({ atMs }: { atMs: number }) {
  const text = useClock((now) =>
    atMs <= now ? "due" : `in ${formatDuration(Math.ceil((atMs - now) / 1000) * 1000).replace(".0", "")}`,
  );
  return (
    <span className={classes.countdown} title={`Due at ${new Date(atMs).toLocaleString()}`}>
      {text}
    </span>
  );
}
