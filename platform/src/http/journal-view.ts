import type { JournalEntryReply, JournalKind, WireError } from "@gantry/sdk/contract";
import type { JournalView } from "../journal/journal-store.ts";
import { readPacket, runError } from "./run-view.ts";

/** Values are shown whole up to so many bytes. */
const SHOWN_BYTES = 4096;

/** A durable call of a run as people see it. */
export function journalEntry(view: JournalView): JournalEntryReply {
  return {
    entry: view.entry,
    kind: view.kind as JournalKind,
    key: view.key,
    label: view.label,
    state: view.completedAt === undefined ? "OPEN" : view.ok === true ? "COMPLETED" : "FAILED",
    attempt: view.attempt,
    tries: view.tries,
    openedAt: view.openedAt.toISOString(),
    startedAt: view.startedAt?.toISOString(),
    dueAt: view.dueAt?.toISOString(),
    completedAt: view.completedAt?.toISOString(),
    durationMs: durationMs(view),
    tokenId: view.tokenId,
    childRunId: view.childRunId,
    batchId: view.batchId,
    ...outputFields(view),
    error: view.error === undefined || view.error === null ? undefined : runError(view.error as WireError),
  };
}

function durationMs({ startedAt, openedAt, completedAt }: JournalView): number | undefined {
  return completedAt === undefined ? undefined : Math.max(0, completedAt.getTime() - (startedAt ?? openedAt).getTime());
}

function outputFields({ value, valueType, valueBytes = value?.length ?? 0 }: JournalView) {
  if (value === undefined || valueType === undefined) return {};
  const size = { outputType: valueType, outputBytes: valueBytes };
  if (valueBytes <= SHOWN_BYTES) return { output: readPacket({ data: value, type: valueType }).value, ...size };
  return { outputStart: beginningOf(value), ...size };
}

/** Cut where a character ends. */
function beginningOf(value: Buffer): string {
  let end = SHOWN_BYTES;
  while (end > 0 && ((value[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return value.toString("utf8", 0, end);
}
