import type { JournalItem, RealtimeRun, RelatedRun, RunCheckpointItem } from "@gantry/sdk";
import type { JournalEntryReply, RunReply } from "@gantry/sdk/contract";

const RUN_DATES = [
  "createdAt",
  "updatedAt",
  "startedAt",
  "finishedAt",
  "delayedUntil",
  "expiredAt",
  "cancelRequestedAt",
] as const;
type RunDate = (typeof RUN_DATES)[number];

/** A run as its page shows it: payload and output as plain JSON, dates as Dates. */
export type RunView = Omit<RunReply, RunDate | "checkpoint" | "relatedRuns"> & {
  createdAt: Date;
  updatedAt: Date;
  checkpoint?: RunCheckpointItem | undefined;
} & { [K in Exclude<RunDate, "createdAt" | "updatedAt">]?: Date | undefined } & {
  relatedRuns: { root?: RelatedRun; parent?: RelatedRun; children?: RelatedRun[] };
};

export function runView(reply: RunReply): RunView {
  const { root, parent, children } = reply.relatedRuns;
  const { checkpoint } = reply;
  return {
    ...(revived(reply, RUN_DATES) as unknown as RunView),
    ...(checkpoint && { checkpoint: revived(checkpoint, ["parkedAt"]) as unknown as RunCheckpointItem }),
    relatedRuns: {
      ...(root && { root: revived(root, RUN_DATES) as unknown as RelatedRun }),
      ...(parent && { parent: revived(parent, RUN_DATES) as unknown as RelatedRun }),
      ...(children && { children: children.map((each) => revived(each, RUN_DATES) as unknown as RelatedRun) }),
    },
  };
}

/** Neither executing nor over: something holds it back, or it waits. */
export const isHeldBack = (run: Pick<RunView, "isCompleted" | "status">): boolean =>
  !run.isCompleted && run.status !== "EXECUTING";

const JOURNAL_DATES = ["openedAt", "startedAt", "dueAt", "completedAt"] as const;

export const journalItem = (entry: JournalEntryReply): JournalItem =>
  revived(entry, JOURNAL_DATES) as unknown as JournalItem;

function revived<T extends object>(value: T, names: readonly string[]): Record<string, unknown> {
  const dates = names.flatMap((name) => {
    const text = (value as Record<string, unknown>)[name];
    return typeof text === "string" ? [[name, new Date(text)]] : [];
  });
  return { ...value, ...Object.fromEntries(dates) };
}

/** What a live update may change and is worth drawing the page for. Metadata has a panel of its own. */
const LIVE_FIELDS = [
  "status",
  "version",
  "isQueued",
  "isExecuting",
  "isWaiting",
  "isCompleted",
  "isSuccess",
  "isFailed",
  "isCancelled",
  "startedAt",
  "finishedAt",
  "delayedUntil",
  "expiredAt",
  "cancelRequestedAt",
  "durationMs",
  "attemptCount",
  "tags",
  "attempts",
  "error",
] as const satisfies readonly (keyof RealtimeRun & keyof RunView)[];

/** The run as it is now: what was asked for, with what came since on top. */
export function withLive(view: RunView, live: RealtimeRun | undefined): RunView {
  if (live === undefined || (view.revision ?? 0) > (live.revision ?? 0)) return view;
  const fresh = LIVE_FIELDS.flatMap((name) => (live[name] === undefined ? [] : [[name, live[name]]]));
  return { ...view, ...Object.fromEntries(fresh) } as RunView;
}

/** Whether two states of a run differ in nothing but its metadata and its counters. */
export function isSameButMetadata(one: RealtimeRun | undefined, other: RealtimeRun | undefined): boolean {
  if (one === undefined || other === undefined) return one === other;
  return LIVE_FIELDS.every(
    (name) => name === "durationMs" || JSON.stringify(one[name]) === JSON.stringify(other[name]),
  );
}
