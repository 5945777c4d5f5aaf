import type { TraceSpan } from "@gantry/sdk/contract";
import { expect, test } from "vitest";
import type { JournalView } from "../journal/journal-store.ts";
import type { RunDetail, StoredRunEvent } from "../runs/run.ts";
import { traceOf } from "./trace-view.ts";

const at = (second: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, second));
const NOW = at(60).getTime();

const run = (over: Partial<RunDetail> = {}) =>
  ({
    id: "run_1",
    taskId: "welcome",
    status: "WAITING",
    queue: "task/welcome",
    createdAt: at(0),
    startedAt: at(0),
    finishedAt: undefined,
    attempts: [],
    ...over,
  }) as unknown as RunDetail;

const entry = (over: Partial<JournalView>): JournalView => ({
  entry: 0,
  kind: "step",
  key: "k",
  label: "send",
  attempt: 1,
  openedAt: at(2),
  startedAt: at(1),
  tries: 1,
  dueAt: undefined,
  tokenId: undefined,
  childRunId: undefined,
  batchId: undefined,
  completedAt: at(2),
  ok: true,
  value: undefined,
  valueType: undefined,
  valueBytes: undefined,
  error: undefined,
  ...over,
});
const open = { startedAt: undefined, completedAt: undefined, ok: undefined };

const line = (second: number, message: string): StoredRunEvent => ({
  at: at(second),
  attempt: 1,
  kind: "log",
  level: "info",
  message,
  data: undefined,
  cursor: String(second),
});

const messages = (span: TraceSpan | undefined) => span?.children.map(({ data }) => data.message);

test("an attempt shows its steps, waits, children and lines by time, and no readings of the clock", () => {
  const journal = [
    entry({ entry: 0 }),
    entry({ entry: 1, kind: "clock", label: "now" }),
    entry({
      entry: 2,
      kind: "child",
      label: "resize",
      startedAt: undefined,
      openedAt: at(4),
      completedAt: at(9),
      childRunId: "run_2",
    }),
    entry({ entry: 3, kind: "time", label: "3 days", openedAt: at(10), ...open, dueAt: at(99) }),
  ];
  const root = traceOf(run(), { events: [line(0, "hello"), line(3, "sent")], journal }, NOW);
  const [attempt] = root.children;
  expect(messages(attempt)).toEqual(["hello", "step send", "sent", "wait for run of resize", "wait 3 days"]);
  expect(attempt?.children[3]).toMatchObject({
    id: "run_1.j2",
    data: { duration: 5e9, isPartial: false, properties: { kind: "child", childRunId: "run_2" } },
  });
});

test("what a run waits for is open, and says what became of the worker", () => {
  const checkpoint = { mode: "hold", reason: "UNSAFE" };
  const journal = [
    entry({}),
    entry({ entry: 1, kind: "token", label: "waitpoint_1", tokenId: "waitpoint_1", ...open }),
  ];
  const [attempt] = traceOf(run(), { events: [], journal, checkpoint }, NOW).children;
  expect(attempt?.children[0]?.data.properties?.checkpoint).toBeUndefined();
  expect(attempt?.children[1]?.data).toMatchObject({
    isPartial: true,
    isError: false,
    properties: { tokenId: "waitpoint_1", checkpoint },
  });
});

test("a wait that its run's end cut short is canceled there", () => {
  const ended = run({ status: "CANCELED", finishedAt: at(30) });
  const journal = [entry({ kind: "time", label: "1 h", openedAt: at(10), ...open })];
  const [attempt] = traceOf(ended, { events: [], journal }, NOW).children;
  expect(attempt?.children[0]?.data).toMatchObject({ isPartial: false, isCancelled: true, duration: 20e9 });
});

test("a step that failed shows its error and its tries", () => {
  const journal = [entry({ ok: false, tries: 3, error: { name: "Error", message: "no room" } })];
  const [attempt] = traceOf(run(), { events: [], journal }, NOW).children;
  expect(attempt?.children[0]?.data).toMatchObject({
    isError: true,
    properties: { tries: 3, error: { message: "no room" } },
  });
});

test("a call belongs to the attempt that made it", () => {
  const journal = [entry({}), entry({ entry: 1, label: "again", attempt: 2 })];
  const root = traceOf(run(), { events: [], journal }, NOW);
  expect(root.children.map(messages)).toEqual([["step send"], ["step again"]]);
});
