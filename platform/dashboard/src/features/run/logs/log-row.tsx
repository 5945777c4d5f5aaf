import { memo } from "react";
import { cx } from "../../../ui/class-names.ts";
import { JsonView } from "../../../ui/json-view.tsx";
import { type AnsiPart, ansiParts } from "./ansi.ts";
import classes from "./log.module.css";
import type { LogLine } from "./log-model.ts";

interface LogRowProps {
  line: LogLine;
  isOpen: boolean;
  onToggle: (cursor: string) => void;
}

/** A line of the log: time, level, words, and its data where it is opened. Everything in it is text. */
export const LogRow = memo(function LogRow({ line, isOpen, onToggle }: LogRowProps) {
  const data = line.kind === "event" && isWorkerNote(line.data) ? undefined : line.data;
  const hasMore = data !== undefined || line.message.length > 200 || line.message.includes("\n");
  return (
    <div className={cx(classes.row, classes[`${line.shown}Row`])}>
      <time className={classes.time} dateTime={line.at.toISOString()} title={line.at.toISOString()}>
        {clock.format(line.at)}
      </time>
      <span className={cx(classes.tag, classes[line.shown])}>{line.shown}</span>
      <div className={classes.text}>
        <span className={isOpen ? classes.whole : classes.cut}>
          <Parts parts={ansiParts(isOpen ? line.message : line.message.slice(0, 600))} />
          {!isOpen && data !== undefined && <span className={classes.data}> {preview(data)}</span>}
        </span>
        {isOpen && data !== undefined && <JsonView value={data} label="Data of the line" maxHeight={280} />}
      </div>
      {hasMore && (
        <button type="button" className={classes.more} aria-expanded={isOpen} onClick={() => onToggle(line.cursor)}>
          {isOpen ? "less" : "more"}
        </button>
      )}
    </div>
  );
});

const clock = new Intl.DateTimeFormat("en-GB", {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  fractionalSecondDigits: 3,
});

function Parts({ parts }: { parts: readonly AnsiPart[] }) {
  return parts.map((part, index) => (
    // Parts of one text.
    <span
      key={index}
      className={cx(part.color && classes[part.color], part.isBold && classes.bold, part.isDim && classes.dim)}
    >
      {part.text}
    </span>
  ));
}

/** The same as its words, for the timeline. */
function isWorkerNote(data: unknown): boolean {
  return typeof data === "object" && data !== null && ("checkpoint" in data || "execution" in data);
}

function preview(data: unknown): string {
  return (JSON.stringify(data) ?? "").slice(0, 300);
}
