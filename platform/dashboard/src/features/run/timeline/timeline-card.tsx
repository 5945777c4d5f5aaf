import { useCallback, useMemo, useState } from "react";
import { IconButton } from "../../../ui/button.tsx";
import { Card } from "../../../ui/card.tsx";
import type { ActivitySnapshot } from "../run-activity.ts";
import type { RunView } from "../run-view.ts";
import { SpanDetails } from "./span-details.tsx";
import { gaps, growingEnd, linearScale, shortenedScale, type View, WHOLE, zoomed } from "./time-scale.ts";
import classes from "./timeline.module.css";
import { TimelineLegend } from "./timeline-legend.tsx";
import { buildTimeline } from "./timeline-model.ts";
import { type Expansion, openedRuns, timelineRows } from "./timeline-rows.ts";
import type { SpanKind, TimelineSpan } from "./timeline-span.ts";
import { TimelineTable } from "./timeline-table.tsx";
import { TimelineView } from "./timeline-view.tsx";
import { useChildSources } from "./use-child-sources.ts";
import { useNow } from "./use-now.ts";

/** Nothing of the run is at work meanwhile, unless something else is. */
const IDLE: ReadonlySet<SpanKind> = new Set(["delay", "queue", "backoff", "time", "token"]);
const AT_WORK: ReadonlySet<SpanKind> = new Set(["step", "span", "child", "batch", "trigger", "hook"]);

/** What a run did and does, on a time axis or as a table. */
export function TimelineCard({ run, activity }: { run: RunView; activity: ActivitySnapshot }) {
  // A run that goes on has room for what is to come: nothing below it moves.
  const [wasLive] = useState(!run.isCompleted);
  const [expansion, setExpansion] = useState<Expansion>(new Map());
  const [selectedId, setSelectedId] = useState<string>();
  const [view, setView] = useState<View>(WHOLE);
  const [isTable, setTable] = useState(false);
  const [isShortened, setShortened] = useState(true);
  const opened = useOpened(run, activity, expansion);
  const { bare, rows, loaded } = opened;
  const nowMs = useNow(!run.isCompleted);
  const scale = useScale(bare, nowMs, isShortened);
  const toggle = useCallback(
    (id: string, isExpanded: boolean) => setExpansion((before) => new Map(before).set(id, isExpanded)),
    [],
  );
  const select = useCallback((id: string) => setSelectedId(id), []);
  const hasLegend = !isTable && (wasLive || rows.some(({ span }) => span.segments !== undefined));
  const selected = rows.find(({ span }) => span.id === selectedId)?.span;
  const zoom = (factor: number) => setView(zoomed(view, factor));
  return (
    <Card
      isFlush
      title="Timeline"
      hint={`${rows.length.toLocaleString("en")} ${rows.length === 1 ? "span" : "spans"}`}
      actions={
        <div className={classes.toolbar} role="toolbar" aria-label="Timeline">
          {!isTable && (
            <>
              <IconButton size="sm" icon="plus" label="Zoom in (+)" onClick={() => zoom(0.5)} />
              <IconButton size="sm" icon="minus" label="Zoom out (−)" onClick={() => zoom(2)} />
              <IconButton size="sm" icon="refresh" label="Show all (0)" onClick={() => setView(WHOLE)} />
              <IconButton
                size="sm"
                icon="hourglass"
                label={isShortened ? "Draw idle time as long as it was" : "Draw idle time short"}
                aria-pressed={isShortened}
                variant={isShortened ? "secondary" : "ghost"}
                onClick={() => setShortened(!isShortened)}
              />
            </>
          )}
          <IconButton
            size="sm"
            icon={isTable ? "runs" : "tasks"}
            label={isTable ? "Show bars" : "Show as a table"}
            onClick={() => setTable(!isTable)}
          />
        </div>
      }
    >
      <div className={classes.box}>
        {isTable ? (
          <TimelineTable rows={rows} startMs={bare.startMs} nowMs={nowMs} onOpen={select} />
        ) : (
          <TimelineView
            rows={rows}
            scale={scale}
            view={view}
            nowMs={nowMs}
            selectedId={selectedId}
            loaded={loaded}
            onView={setView}
            onSelect={select}
            onToggle={toggle}
            minRows={wasLive ? 9 : activity.isLoaded ? 1 : 6}
          />
        )}
        {hasLegend && <TimelineLegend />}
        {selected && <SpanDetails span={selected} onClose={() => setSelectedId(undefined)} />}
      </div>
    </Card>
  );
}

/** Rows of the run, and of other runs as they are opened and loaded. */
function useOpened(run: RunView, { journal, events }: ActivitySnapshot, expansion: Expansion) {
  const bare = useMemo(() => buildTimeline({ run, journal, events }), [run, journal, events]);
  const [known, setKnown] = useState<readonly string[]>([]);
  const loaded = useChildSources(known);
  const rows = useMemo(() => {
    const root = loaded.size === 0 ? bare : buildTimeline({ run, journal, events }, loaded);
    return timelineRows(root, expansion);
  }, [bare, loaded, expansion, run, journal, events]);
  const wanted = openedRuns(rows);
  if (wanted.join() !== known.join()) setKnown(wanted);
  return { bare, rows, loaded };
}

function useScale(root: TimelineSpan, nowMs: number, isShortened: boolean) {
  const { startMs } = root;
  const endMs = root.endMs ?? growingEnd(startMs, nowMs);
  return useMemo(() => {
    if (!isShortened) return linearScale(startMs, endMs);
    const stretches = (kinds: ReadonlySet<SpanKind>) =>
      root.children
        .flatMap((span) => [span, ...span.children])
        .filter(({ kind }) => kinds.has(kind))
        .map((span) => [span.startMs, span.endMs ?? endMs] as const);
    return shortenedScale(startMs, endMs, [...gaps(startMs, endMs, stretches(IDLE)), ...stretches(AT_WORK)], 2_000);
  }, [root, startMs, endMs, isShortened]);
}
