import { useVirtualizer } from "@tanstack/react-virtual";
import { useDeferredValue, useEffect, useMemo, useRef, useState } from "react";
import { Button } from "../../../ui/button.tsx";
import { cx } from "../../../ui/class-names.ts";
import { CopyButton } from "../../../ui/copy-button.tsx";
import { ErrorText } from "../../../ui/error-state.tsx";
import { Input } from "../../../ui/field.tsx";
import { formatNumber } from "../../../ui/format.ts";
import { stripAnsi } from "./ansi.ts";
import classes from "./log.module.css";
import { countLevels, FilteredLog, LOG_LEVELS, type LogLevel, type LogLine } from "./log-model.ts";
import { LogRow } from "./log-row.tsx";

interface LogPanelProps {
  lines: readonly LogLine[];
  isLoaded: boolean;
  /** The run goes on: more may come. */
  isLive: boolean;
  /** Why the last look failed. */
  error?: unknown;
}

const ROW_HEIGHT = 22;

/** All that a run said: filtered by level and words, following its end while it is at the end. */
export function LogPanel({ lines, isLoaded, isLive, error }: LogPanelProps) {
  const [hidden, setHidden] = useState<ReadonlySet<LogLevel>>(new Set());
  const [text, setText] = useState("");
  const wanted = useDeferredValue(text);
  const filtered = useMemo(
    () => new FilteredLog({ levels: new Set(LOG_LEVELS.filter((level) => !hidden.has(level))), text: wanted }),
    [hidden, wanted],
  );
  const shown = filtered.update(lines);
  const counts = useMemo(() => countLevels(lines), [lines]);
  const toggle = (level: LogLevel) =>
    setHidden((before) => {
      const after = new Set(before);
      if (!after.delete(level)) after.add(level);
      return after;
    });
  return (
    <div className={classes.panel}>
      <div className={classes.toolbar}>
        <div className={classes.search}>
          <Input
            icon="search"
            type="search"
            placeholder="Find in the log"
            aria-label="Find in the log"
            value={text}
            onChange={(event) => setText(event.target.value)}
          />
        </div>
        <div className={classes.levels} role="group" aria-label="Levels">
          {LOG_LEVELS.map((level) => (
            <button
              key={level}
              type="button"
              aria-pressed={!hidden.has(level)}
              className={cx(classes.level, classes[level])}
              onClick={() => toggle(level)}
            >
              {level} <span>{formatNumber(counts[level])}</span>
            </button>
          ))}
        </div>
        <CopyButton label="Copy the lines shown" text={shown.length > 20_000 ? "" : asText(shown)} />
      </div>
      {error !== undefined && <ErrorText error={error} />}
      <LogList lines={shown} isLive={isLive} emptyText={emptyText(lines.length, isLoaded, isLive)} />
    </div>
  );
}

function emptyText(all: number, isLoaded: boolean, isLive: boolean): string {
  if (!isLoaded) return "Loading…";
  if (all > 0) return "No line fits the filter.";
  return isLive ? "Nothing yet. Lines of console and logger appear here as they come." : "It logged nothing.";
}

function asText(lines: readonly LogLine[]): string {
  return lines
    .map(({ at, shown, message }) => `${at.toISOString()} ${shown.toUpperCase()} ${stripAnsi(message)}`)
    .join("\n");
}

interface LogListProps {
  lines: readonly LogLine[];
  isLive: boolean;
  emptyText: string;
}

function LogList({ lines, isLive, emptyText }: LogListProps) {
  const scroller = useRef<HTMLDivElement>(null);
  const [isFollowing, setFollowing] = useState(true);
  const [wasLive] = useState(isLive);
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set());
  const virtualizer = useVirtualizer({
    count: lines.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_HEIGHT,
    getItemKey: (index) => lines[index]?.cursor ?? index,
    overscan: 20,
  });
  const count = lines.length;
  useEffect(() => {
    if (isFollowing && isLive && count > 0) virtualizer.scrollToIndex(count - 1, { align: "end" });
  }, [count, isFollowing, isLive, virtualizer]);
  const onScroll = () => {
    const { scrollTop, clientHeight, scrollHeight } = scroller.current ?? {
      scrollTop: 0,
      clientHeight: 0,
      scrollHeight: 0,
    };
    setFollowing(scrollHeight - scrollTop - clientHeight < ROW_HEIGHT * 2);
  };
  const toggle = (cursor: string) =>
    setOpen((before) => {
      const after = new Set(before);
      if (!after.delete(cursor)) after.add(cursor);
      return after;
    });
  return (
    <div className={classes.listBox}>
      <div
        ref={scroller}
        role="log"
        aria-label="Log"
        aria-live="off"
        // What scrolls must be reachable by keyboard.
        tabIndex={0}
        className={classes.list}
        style={wasLive ? undefined : { height: Math.min(380, Math.max(96, count * ROW_HEIGHT + 24)) }}
        onScroll={onScroll}
      >
        {count === 0 && <p className={classes.empty}>{emptyText}</p>}
        <div className={classes.sizer} style={{ height: virtualizer.getTotalSize() }}>
          {virtualizer.getVirtualItems().map(({ index, start, key }) => (
            <div
              key={key}
              data-index={index}
              data-log-line
              ref={virtualizer.measureElement}
              className={classes.place}
              style={{ transform: `translateY(${start}px)` }}
            >
              <LogRow line={lines[index] as LogLine} isOpen={open.has(lines[index]?.cursor ?? "")} onToggle={toggle} />
            </div>
          ))}
        </div>
      </div>
      {isLive && !isFollowing && (
        <div className={classes.follow}>
          <Button
            size="sm"
            variant="primary"
            icon="arrow-down"
            onClick={() => {
              setFollowing(true);
              virtualizer.scrollToIndex(count - 1, { align: "end" });
            }}
          >
            Follow
          </Button>
        </div>
      )}
    </div>
  );
}
