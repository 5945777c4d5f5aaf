import type { TimelineSpan } from "./timeline-span.ts";

/** A span as one line of the timeline. */
export interface TimelineRow {
  span: TimelineSpan;
  /** From 1. */
  level: number;
  /** Undefined: there is nothing below it. */
  isExpanded: boolean | undefined;
  /** Its place among its siblings, from 1, and how many they are. */
  place: number;
  siblings: number;
}

/** Which spans show what is below them; those that are not named follow `byDefault`. */
export type Expansion = ReadonlyMap<string, boolean>;

/** Other runs are loaded only when somebody opens them. */
const byDefault = (span: TimelineSpan) => span.kind !== "child" && span.kind !== "trigger";

export function timelineRows(root: TimelineSpan, expansion: Expansion): TimelineRow[] {
  const rows: TimelineRow[] = [];
  const add = (span: TimelineSpan, level: number, place: number, siblings: number) => {
    const isExpanded = canExpand(span) ? (expansion.get(span.id) ?? byDefault(span)) : undefined;
    rows.push({ span, level, isExpanded, place, siblings });
    if (isExpanded) span.children.forEach((child, index) => add(child, level + 1, index + 1, span.children.length));
  };
  add(root, 1, 1, 1);
  return rows;
}

export function canExpand(span: TimelineSpan): boolean {
  return span.children.length > 0 || span.childRunId !== undefined;
}

/** The other runs that are open in it, and so have to be loaded. */
export function openedRuns(rows: readonly TimelineRow[]): string[] {
  return rows.flatMap(({ span, isExpanded }) => (isExpanded && span.childRunId !== undefined ? [span.childRunId] : []));
}

/** Where a key leads from a row, as in any tree: what to select, and what to open or close. */
export function treeMove(
  rows: readonly TimelineRow[],
  at: number,
  key: string,
): { to: number; expand?: boolean } | undefined {
  const row = rows[at];
  if (row === undefined) return rows.length > 0 ? { to: 0 } : undefined;
  switch (key) {
    case "ArrowDown":
      return { to: Math.min(at + 1, rows.length - 1) };
    case "ArrowUp":
      return { to: Math.max(at - 1, 0) };
    case "PageDown":
      return { to: Math.min(at + 12, rows.length - 1) };
    case "PageUp":
      return { to: Math.max(at - 12, 0) };
    case "Home":
      return { to: 0 };
    case "End":
      return { to: rows.length - 1 };
    case "ArrowRight":
      if (row.isExpanded === false) return { to: at, expand: true };
      return { to: row.isExpanded && (rows[at + 1]?.level ?? 0) > row.level ? at + 1 : at };
    case "ArrowLeft":
      if (row.isExpanded) return { to: at, expand: false };
      return {
        to: Math.max(
          0,
          rows.findLastIndex((each, index) => index < at && each.level < row.level),
        ),
      };
    default:
      return undefined;
  }
}
