import type { JournalItem, RelatedRun, RunEventItem } from "@gantry/sdk";
import { describe, expect, test } from "vitest";
import { buildTimeline } from "./timeline-model.ts";
import { openedRuns, timelineRows, treeMove } from "./timeline-rows.ts";
import type { Attempt, TimelineRun, TimelineSource, TimelineSpan } from "./timeline-span.ts";

const START = Date.parse("2026-01-01T00:00:00Z");
const at = (seconds: number) => new Date(START + seconds * 1000);
const seconds = (ms: number | undefined) => (ms === undefined ? undefined : (ms - START) / 1000);

const run = (fields: Partial<TimelineRun> = {}): TimelineRun => ({
  id: "run_1",
  status: "EXECUTING",
  taskIdentifier: "import",
  createdAt: at(0),
  startedAt: at(1),
  isCompleted: false,
  relatedRuns: {},
  ...fields,
});
const attempt = (number: number, from: number, to: number, fields: Partial<Attempt> = {}): Attempt => ({
  number,
  startedAt: at(from).toISOString(),
  finishedAt: at(to).toISOString(),
  outcome: "FAILED",
  ...fields,
});
const call = (entry: number, from: number, to: number | undefined, fields: Partial<JournalItem> = {}): JournalItem => ({
  entry,
  kind: "step",
  key: `step ${entry}`,
  label: `step ${entry}`,
  state: to === undefined ? "OPEN" : "COMPLETED",
  attempt: 1,
  tries: 1,
  openedAt: at(from),
  ...(to === undefined ? {} : { completedAt: at(to) }),
  ...fields,
});
const note = (atSeconds: number, data: object, fields: Partial<RunEventItem> = {}): RunEventItem => ({
  at: at(atSeconds),
  attempt: 1,
  kind: "event",
  level: "info",
  message: "note",
  cursor: String(atSeconds),
  data,
  ...fields,
});
const source = (fields: Partial<TimelineSource>): TimelineSource => ({
  run: run(),
  journal: [],
  events: [],
  ...fields,
});

/** `kind label from–to state`, indented by depth. */
function drawn(span: TimelineSpan, depth = 0): string[] {
  const end = span.endMs === undefined ? "…" : seconds(span.endMs);
  const line = `${"  ".repeat(depth)}${span.kind} ${span.label} ${seconds(span.startMs)}–${end} ${span.state}`;
  return [line, ...span.children.flatMap((child) => drawn(child, depth + 1))];
}

describe("a run's timeline", () => {
  const cases: Record<string, { of: TimelineSource; want: string[] }> = {
    "a queued run waits and has nothing else": {
      of: source({ run: { ...run({ status: "QUEUED" }), startedAt: undefined } }),
      want: ["run import 0–… open", "  queue Queued 0–… open"],
    },
    "a delayed one says so until it is due": {
      of: source({ run: { ...run({ status: "DELAYED", delayedUntil: at(60) }), startedAt: undefined } }),
      want: ["run import 0–… open", "  delay Delayed 0–… open"],
    },
    "one that expired was never started": {
      of: source({
        run: { ...run({ status: "EXPIRED", isCompleted: true, finishedAt: at(9) }), startedAt: undefined },
      }),
      want: ["run import 0–9 failed", "  queue Queued 0–9 left"],
    },
    "an executing one has an attempt that goes on": {
      of: source({ journal: [call(0, 2, 3), call(1, 3, undefined)] }),
      want: [
        "run import 0–… open",
        "  queue Queued 0–1 done",
        "  attempt Attempt 1 1–… open",
        "    step step 0 2–3 done",
        "    step step 1 3–… open",
      ],
    },
    "retries stand after each other, with the pause between them": {
      of: source({
        run: run({
          status: "FAILED",
          isCompleted: true,
          finishedAt: at(9),
          attempts: [attempt(1, 1, 4, { retryDelayMs: 2000 }), attempt(2, 6, 9)],
        }),
        journal: [
          call(0, 2, 3),
          call(1, 7, 9, { attempt: 2, state: "FAILED", error: { name: "Oops", message: "no\nmore" } }),
        ],
      }),
      want: [
        "run import 0–9 failed",
        "  queue Queued 0–1 done",
        "  attempt Attempt 1 1–4 failed",
        "    step step 0 2–3 done",
        "  backoff Before the retry 4–6 done",
        "  attempt Attempt 2 6–9 failed",
        "    step step 1 7–9 failed",
      ],
    },
    "a retry that is due is waited for": {
      of: source({ run: run({ status: "DELAYED", attempts: [attempt(1, 1, 4, { retryDelayMs: 60_000 })] }) }),
      want: [
        "run import 0–… open",
        "  queue Queued 0–1 done",
        "  attempt Attempt 1 1–4 failed",
        "  backoff Before the retry 4–… open",
      ],
    },
    "an attempt that goes on in another process begins where it began first": {
      of: source({
        run: run({
          status: "COMPLETED",
          isCompleted: true,
          finishedAt: at(100),
          attempts: [attempt(1, 95, 100, { outcome: "COMPLETED" })],
        }),
        journal: [call(0, 2, 3), call(1, 4, 90, { kind: "time", label: "90 seconds" })],
        events: [note(9, { checkpoint: { mode: "replay", reason: "LONG_WAIT" } }), note(95, { execution: "resumed" })],
      }),
      want: [
        "run import 0–100 done",
        "  queue Queued 0–1 done",
        "  attempt Attempt 1 1–100 done",
        "    worker Executions 1–100 done",
        "    step step 0 2–3 done",
        "    time 90 seconds 4–90 done",
      ],
    },
    "what a canceled run left is not called open": {
      of: source({
        run: run({ status: "CANCELED", isCompleted: true, finishedAt: at(5) }),
        journal: [call(0, 2, undefined, { kind: "token", label: "waitpoint_1" })],
      }),
      want: [
        "run import 0–5 canceled",
        "  queue Queued 0–1 done",
        "  attempt Attempt 1 1–5 canceled",
        "    token waitpoint_1 2–5 left",
      ],
    },
    "what logger.trace measured is a span, clocks are none": {
      of: source({
        journal: [call(0, 2, 3, { kind: "clock" })],
        events: [note(4, { durationMs: 1500 }, { message: "parse" })],
      }),
      want: [
        "run import 0–… open",
        "  queue Queued 0–1 done",
        "  attempt Attempt 1 1–… open",
        "    span parse 2.5–4 done",
      ],
    },
  };
  test.each(Object.entries(cases))("%s", (_, { of, want }) => {
    expect(drawn(buildTimeline(of))).toEqual(want);
  });

  test("says of a loss how often", () => {
    const lost = run({ attempts: [attempt(1, 1, 4, { outcome: "LOST" })] });
    const span = buildTimeline(source({ run: lost })).children[1];
    expect(span).toMatchObject({ state: "open", note: "lost its worker once" });
  });

  test("knows when a worker was kept and when it was gone", () => {
    const spans = buildTimeline(
      source({
        journal: [call(0, 2, 20, { kind: "time" })],
        events: [
          note(3, { checkpoint: { mode: "hold", reason: "HOLDING_FIRST" } }),
          note(8, { checkpoint: { mode: "replay", reason: "LONG_WAIT" } }),
          note(21, { execution: "resumed" }),
        ],
      }),
    );
    const workers = spans.children[1]?.children.find(({ kind }) => kind === "worker");
    expect(workers?.segments?.map(({ use, startMs, endMs }) => [use, seconds(startMs), seconds(endMs)])).toEqual([
      ["running", 1, 3],
      ["held", 3, 8],
      ["running", 20, undefined],
    ]);
  });

  test("knows how long a process was in Postgres", () => {
    const spans = buildTimeline(
      source({
        journal: [call(0, 2, 20, { kind: "time" }), call(1, 22, undefined, { kind: "time" })],
        events: [
          note(3, { checkpoint: { mode: "process", reason: "PROCESS_MODE" } }),
          note(20, { execution: "restored" }),
          note(23, { checkpoint: { mode: "process", reason: "PROCESS_MODE" } }),
          note(24, { checkpoint: { mode: "hold", reason: "CHECKPOINT_REFUSED" } }),
        ],
      }),
    );
    const workers = spans.children[1]?.children.find(({ kind }) => kind === "worker");
    expect(workers?.segments?.map(({ use, startMs, endMs }) => [use, seconds(startMs), seconds(endMs)])).toEqual([
      ["running", 1, 3],
      ["stored", 3, 20],
      ["running", 20, 23],
      ["stored", 23, 24],
      ["held", 24, undefined],
    ]);
  });
});

describe("the lines of a timeline", () => {
  const related = (id: string, batchId?: string) =>
    ({ ...run({ id, taskIdentifier: "resize" }), ...(batchId ? { batchId } : {}) }) as unknown as RelatedRun;
  const parent = source({
    run: run({ relatedRuns: { children: [related("run_b1", "batch_1"), related("run_b2", "batch_1")] } }),
    journal: [
      call(0, 2, undefined, { kind: "child", label: "resize", childRunId: "run_c" }),
      call(1, 3, undefined, { kind: "batch", label: "2 × resize", batchId: "batch_1" }),
    ],
  });
  const labels = (expansion: Map<string, boolean>, loaded = new Map<string, TimelineSource>()) =>
    timelineRows(buildTimeline(parent, loaded), expansion).map(({ span, level, isExpanded }) =>
      [level, span.id, isExpanded === undefined ? "" : isExpanded ? "-" : "+"].join(" "),
    );

  test("show attempts and batches, and other runs closed", () => {
    expect(labels(new Map())).toEqual([
      "1 run_1 -",
      "2 run_1.queue ",
      "2 run_1.1 -",
      "3 run_1.j0 +",
      "3 run_1.j1 -",
      "4 run_b1.row +",
      "4 run_b2.row +",
    ]);
  });

  test("a child that is opened is asked for, and shows its own spans once they are there", () => {
    const open = new Map([
      ["run_1.j0", true],
      ["run_1.j1", false],
    ]);
    expect(openedRuns(timelineRows(buildTimeline(parent), open))).toEqual(["run_c"]);
    const child = source({ run: run({ id: "run_c" }), journal: [call(0, 4, 5)] });
    expect(labels(open, new Map([["run_c", child]]))).toEqual([
      "1 run_1 -",
      "2 run_1.queue ",
      "2 run_1.1 -",
      "3 run_1.j0 -",
      "4 run_c.queue ",
      "4 run_c.1 -",
      "5 run_c.j0 ",
      "3 run_1.j1 +",
    ]);
  });

  const rows = timelineRows(buildTimeline(parent), new Map());
  const moves: Record<string, { from: number; key: string; want: object | undefined }> = {
    "down goes to the next": { from: 0, key: "ArrowDown", want: { to: 1 } },
    "down stays at the last": { from: 6, key: "ArrowDown", want: { to: 6 } },
    "right opens what is closed": { from: 3, key: "ArrowRight", want: { to: 3, expand: true } },
    "right goes into what is open": { from: 2, key: "ArrowRight", want: { to: 3 } },
    "left closes what is open": { from: 2, key: "ArrowLeft", want: { to: 2, expand: false } },
    "left goes to the parent": { from: 3, key: "ArrowLeft", want: { to: 2 } },
    "other keys are none of its": { from: 3, key: "a", want: undefined },
  };
  test.each(Object.entries(moves))("%s", (_, { from, key, want }) => {
    expect(treeMove(rows, from, key)).toEqual(want);
  });

  test("thousands of steps are made in no time that anybody would feel", () => {
    const journal = Array.from({ length: 10_000 }, (_, entry) => call(entry, entry, entry + 1));
    expect(timelineRows(buildTimeline(source({ journal })), new Map())).toHaveLength(10_003);
  });
});
