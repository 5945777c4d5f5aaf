import { type PointerEvent, useRef, useState } from "react";
import { formatOffset } from "./span-look.ts";
import { placeOf, type Tick, type TimeScale, type View } from "./time-scale.ts";
import classes from "./timeline.module.css";

interface AxisProps {
  ticks: readonly Tick[];
  scale: TimeScale;
  view: View;
  /** A stretch of the axis was drawn over: show it alone. */
  onSelect: (view: View) => void;
}

/** Times since the run was made. Drawing over it with the pointer zooms in; the buttons beside it do the same for keys. */
export function TimelineAxis({ ticks, scale, view, onSelect }: AxisProps) {
  const box = useRef<HTMLDivElement>(null);
  const [drawn, setDrawn] = useState<{ from: number; to: number }>();
  const placeAt = (event: PointerEvent) => {
    const { left, width } = box.current?.getBoundingClientRect() ?? { left: 0, width: 1 };
    return Math.min(1, Math.max(0, (event.clientX - left) / width));
  };
  const finish = () => {
    if (drawn !== undefined && Math.abs(drawn.to - drawn.from) > 0.01) {
      const width = view.to - view.from;
      const [from, to] = [Math.min(drawn.from, drawn.to), Math.max(drawn.from, drawn.to)];
      onSelect({ from: view.from + from * width, to: view.from + to * width });
    }
    setDrawn(undefined);
  };
  return (
    <div
      ref={box}
      className={classes.axis}
      aria-hidden
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        const place = placeAt(event);
        setDrawn({ from: place, to: place });
      }}
      onPointerMove={(event) => drawn && setDrawn({ from: drawn.from, to: placeAt(event) })}
      onPointerUp={finish}
      onPointerCancel={() => setDrawn(undefined)}
    >
      {ticks.map(({ place, offsetMs }) => (
        <span key={offsetMs} className={classes.tick} style={{ left: `${place * 100}%` }}>
          {formatOffset(offsetMs)}
        </span>
      ))}
      {drawn && (
        <div
          className={classes.drawn}
          style={{
            left: `${Math.min(drawn.from, drawn.to) * 100}%`,
            width: `${Math.abs(drawn.to - drawn.from) * 100}%`,
          }}
        />
      )}
      <Breaks scale={scale} view={view} />
    </div>
  );
}

/** Where idle time is drawn short. */
function Breaks({ scale, view }: { scale: TimeScale; view: View }) {
  return scale.pieces
    .filter(({ isShortened }) => isShortened)
    .map(({ startMs, endMs }) => (
      <span
        key={startMs}
        className={classes.break}
        title={`${formatOffset(endMs - startMs)} in which nothing ran, drawn short`}
        style={{ left: `${placeOf(scale, (startMs + endMs) / 2, view) * 100}%` }}
      >
        //
      </span>
    ));
}

/** Lines below the ticks, behind the bars. */
export function TimelineGrid({ ticks }: { ticks: readonly Tick[] }) {
  return (
    <div className={classes.grid} aria-hidden>
      {ticks.map(({ place, offsetMs }) => (
        <span key={offsetMs} style={{ left: `${place * 100}%` }} />
      ))}
    </div>
  );
}
