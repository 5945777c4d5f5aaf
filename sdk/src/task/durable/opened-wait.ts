/** One wait in the shapes of those who are told of it: the host, the caller, the hooks. */
import type { JournalOpen, JournalRecord, OpenWait } from "../../contract/journal.ts";
import type { TaskWait } from "../hooks.ts";
import type { OpenedWait } from "./durable-run.ts";

export interface Wait {
  open: OpenWait;
  opened: OpenedWait;
  forHooks: TaskWait;
}

/** `nowMs`: a wait for a duration is due that much later. */
export function newWait(entry: JournalOpen, runCount: number, nowMs: number): Wait {
  const ids = {
    tokenId: entry.kind === "token" ? entry.tokenId : undefined,
    childRunId: entry.kind === "child" ? entry.childRunId : undefined,
    batchId: entry.kind === "batch" ? entry.batchId : undefined,
  };
  return waitOf({ ...entry, ...ids, dueAt: dueAtOf(entry, nowMs) }, runCount);
}

export function recordedWait(record: JournalRecord, runCount: number): Wait {
  return waitOf(record as JournalRecord & { kind: OpenWait["kind"] }, runCount);
}

interface WaitFields {
  entry: number;
  kind: OpenWait["kind"];
  label: string;
  dueAt?: number | undefined;
  tokenId?: string | undefined;
  childRunId?: string | undefined;
  batchId?: string | undefined;
}

function waitOf(fields: WaitFields, runCount: number): Wait {
  const { entry, kind, label, dueAt, childRunId, batchId } = fields;
  return {
    open: { entry, kind, label, ...(dueAt === undefined ? {} : { dueAt }) },
    opened: { entry, dueAt, childRunId, batchId },
    forHooks: hookView(fields, runCount),
  };
}

function hookView(
  { kind, dueAt = 0, tokenId = "", childRunId = "", batchId = "" }: WaitFields,
  runCount: number,
): TaskWait {
  switch (kind) {
    case "time":
      return { type: "duration", date: new Date(dueAt) };
    case "token":
      return { type: "token", token: tokenId };
    case "child":
      return { type: "task", runId: childRunId };
    case "batch":
      return { type: "batch", batchId, runCount };
  }
}

function dueAtOf(entry: JournalOpen, nowMs: number): number | undefined {
  if (entry.kind === "time") return "at" in entry.due ? entry.due.at : nowMs + entry.due.inMs;
  return entry.kind === "token" && entry.timeoutMs !== undefined ? nowMs + entry.timeoutMs : undefined;
}
