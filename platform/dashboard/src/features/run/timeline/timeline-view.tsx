import { useVirtualizer } from "@tanstack/react-virtual";
import { type KeyboardEvent, useEffect, useRef } from "react";
import { panned, type Tick, type TimeScale, ticksOf, type View, WHOLE, zoomed } from "./time-scale.ts";
import classes from "./timeline.module.css";
import { TimelineAxis, TimelineGrid } from "./timeline-axis.tsx";
import { Row, rowId } from "./timeline-row.tsx";
import { type TimelineRow, treeMove } from "./timeline-rows.ts";

const ROW_HEIGHT = 30;
/** Width of the whole timeline that a tick of its axis takes, so that its words stand apart from the next one's. */
const PER_TICK = 130;
/** Rows in sight before it scrolls. */
const MAX_ROWS = 16;

interface TimelineViewProps {
  rows: readonly TimelineRow[];
  scale: TimeScale;
  view: View;
  nowMs: number;
  selectedId: string | undefined;
  /** Other runs that are there. */
  loaded: ReadonlyMap<string, unknown>;
  onView: (view: View) => void;
  onSelect: (id: string) => void;
  onToggle: (id: string, isExpanded: boolean) => void;
  /** Room for so many rows, even if there are fewer. */
  minRows: number;
}

/** Spans as bars on a time axis. Arrow keys move, open and close; + − 0 and Shift with the arrows zoom and move the axis. */
export function TimelineView(props: TimelineViewProps) {
  const { rows, scale, view, nowMs, selectedId, loaded, onView, onSelect, onToggle } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const virtualizer = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_HEIGHT,
    scrollPaddingStart: 28,
    overscan: 10,
  });
  useWheelZoom(scroller, view, onView);
  const width = virtualizer.scrollRect?.width ?? 800;
  const ticks = ticksOf(scale, view, Math.max(2, Math.floor(width / PER_TICK)));
  const focusable = Math.max(
    0,
    rows.findIndex(({ span }) => span.id === selectedId),
  );
  const onKeyDown = (event: KeyboardEvent) => {
    const next = keyView(event, view);
    const move = next === undefined && !hasModifier(event) ? treeMove(rows, focusable, event.key) : undefined;
    if (next !== undefined || move !== undefined) event.preventDefault();
    if (next !== undefined) onView(next);
    if (move !== undefined) go(move);
  };
  const go = ({ to, expand }: { to: number; expand?: boolean }) => {
    const id = rows[to]?.span.id;
    if (id === undefined) return;
    if (expand !== undefined) onToggle(id, expand);
    onSelect(id);
    virtualizer.scrollToIndex(to);
    requestAnimationFrame(() => document.getElementById(rowId(id))?.focus({ preventScroll: true }));
  };
  return (
    <div
      ref={scroller}
      className={classes.scroll}
      style={{
        maxHeight: MAX_ROWS * ROW_HEIGHT + 29,
        minHeight: Math.max(Math.min(rows.length, 4), props.minRows) * ROW_HEIGHT + 29,
      }}
    >
      <div className={classes.head}>
        <div aria-hidden>Span</div>
        <TimelineAxis ticks={ticks} scale={scale} view={view} onSelect={onView} />
        <div aria-hidden>Duration</div>
      </div>
      {/* A tree whose rows are mostly not there cannot be a <table>. */}
      <div
        role="treegrid"
        aria-label="Timeline"
        aria-rowcount={rows.length}
        className={classes.body}
        style={{ height: virtualizer.getTotalSize() }}
        onKeyDown={onKeyDown}
        tabIndex={-1}
      >
        <Lines ticks={ticks} />
        {virtualizer.getVirtualItems().map(({ index, start }) => {
          const row = rows[index] as TimelineRow;
          return (
            <Row
              key={row.span.id}
              row={row}
              index={index}
              top={start}
              isSelected={row.span.id === selectedId}
              isFocusable={index === focusable}
              isLoading={row.isExpanded === true && !isThere(row, loaded)}
              scale={scale}
              view={view}
              nowMs={row.span.endMs === undefined ? nowMs : 0}
              onSelect={onSelect}
              onToggle={onToggle}
            />
          );
        })}
      </div>
    </div>
  );
}

const hasModifier = ({ shiftKey, ctrlKey, metaKey, altKey }: KeyboardEvent) => shiftKey || ctrlKey || metaKey || altKey;

/** Behind the bars. */
function Lines({ ticks }: { ticks: readonly Tick[] }) {
  return (
    <div className={classes.gridColumns}>
      <div />
      <div>
        <TimelineGrid ticks={ticks} />
      </div>
    </div>
  );
}

function isThere({ span: { childRunId } }: TimelineRow, loaded: ReadonlyMap<string, unknown>): boolean {
  return childRunId === undefined || loaded.has(childRunId);
}

function keyView(event: KeyboardEvent, view: View): View | undefined {
  if (event.ctrlKey || event.metaKey || event.altKey) return undefined;
  if (event.key === "+" || event.key === "=") return zoomed(view, 0.5);
  if (event.key === "-") return zoomed(view, 2);
  if (event.key === "0") return WHOLE;
  if (!event.shiftKey) return undefined;
  if (event.key === "ArrowLeft") return panned(view, -0.2);
  return event.key === "ArrowRight" ? panned(view, 0.2) : undefined;
}

/** Ctrl or ⌘ with the wheel (or two fingers) zooms where the pointer is; sideways it moves along. */
function useWheelZoom(scroller: { current: HTMLDivElement | null }, view: View, onView: (view: View) => void): void {
  const latest = useRef({ view, onView });
  latest.current = { view, onView };
  useEffect(() => {
    const element = scroller.current;
    if (element === null) return undefined;
    const onWheel = (event: WheelEvent) => {
      const { view, onView } = latest.current;
      const track = element.querySelector(`.${classes.axis}`)?.getBoundingClientRect();
      if (track === undefined) return;
      if (event.ctrlKey || event.metaKey) {
        event.preventDefault();
        const place = Math.min(1, Math.max(0, (event.clientX - track.left) / track.width));
        onView(zoomed(view, Math.exp(event.deltaY / 240), place));
      } else if (event.deltaX !== 0 && Math.abs(event.deltaX) > Math.abs(event.deltaY) && view.to - view.from < 1) {
        event.preventDefault();
        onView(panned(view, event.deltaX / track.width));
      }
    };
    element.addEventListener("wheel", onWheel, { passive: false });
    return () => element.removeEventListener("wheel", onWheel);
  }, [scroller]);
}
