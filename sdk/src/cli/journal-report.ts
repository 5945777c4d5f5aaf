import type { JournalItem } from "../client/replies.ts";
import { age, duration, type Terminal, table } from "./terminal.ts";

const COLORS = { OPEN: "cyan", COMPLETED: "green", FAILED: "red" } as const;

/** A run's durable calls in the order in which it made them. */
export function journalTable(entries: JournalItem[], terminal: Terminal): string {
  const rows = entries.map((entry) => [
    String(entry.entry),
    entry.kind,
    entry.label,
    terminal.colors[COLORS[entry.state]](entry.state),
    String(entry.tries),
    tookText(entry, terminal.now()),
    waitsText(entry, terminal.now()),
  ]);
  return table(["ENTRY", "KIND", "LABEL", "STATE", "TRIES", "TOOK", "WAITS UNTIL"], rows, terminal.colors);
}

function tookText({ state, durationMs, openedAt }: JournalItem, now: number): string {
  if (durationMs !== undefined) return duration(durationMs);
  return state === "OPEN" ? duration(now - openedAt.getTime()) : "-";
}

/** Only of a wait that is open: when it ends at the latest, or for what it waits. */
function waitsText({ state, dueAt, tokenId, childRunId, batchId }: JournalItem, now: number): string {
  if (state !== "OPEN") return "";
  const time = dueAt === undefined ? undefined : `${dueAt.toISOString()} (${age(dueAt, now)})`;
  return [childRunId ?? batchId ?? tokenId, time].filter((part) => part !== undefined).join(", ");
}
