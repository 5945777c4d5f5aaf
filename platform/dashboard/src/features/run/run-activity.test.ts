// @vitest-environment node
import type { JournalItem, RunEventItem } from "@gantry/sdk";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { EVENTS_PAGE, RunActivity } from "./run-activity.ts";

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("document", { hidden: false });
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const event = (cursor: number, fields: Partial<RunEventItem> = {}): RunEventItem => ({
  at: new Date(cursor),
  attempt: 1,
  kind: "log",
  level: "info",
  message: `line ${cursor}`,
  cursor: String(cursor),
  ...fields,
});
const entry = (number: number, state: JournalItem["state"]): JournalItem => ({
  entry: number,
  kind: "step",
  key: `step ${number}`,
  label: `step ${number}`,
  state,
  attempt: 1,
  tries: 1,
  openedAt: new Date(0),
});

function platform() {
  const stored = { events: [] as RunEventItem[], journal: [] as JournalItem[] };
  const asked = { events: [] as (string | undefined)[], journal: [] as (number | undefined)[] };
  const activity = new RunActivity({
    async events(after) {
      asked.events.push(after);
      return stored.events.filter(({ cursor }) => Number(cursor) > Number(after ?? 0)).slice(0, EVENTS_PAGE);
    },
    async journal(after) {
      asked.journal.push(after);
      return stored.journal.filter(({ entry }) => entry > (after ?? -1));
    },
  });
  return { stored, asked, activity };
}
const settle = () => vi.advanceTimersByTimeAsync(0);

test("all pages are read at first, then only what is new", async () => {
  const { stored, asked, activity } = platform();
  stored.events = Array.from({ length: EVENTS_PAGE + 3 }, (_, index) => event(index + 1));
  const leave = activity.subscribe(() => undefined);
  await settle();
  expect(activity.getSnapshot()).toMatchObject({ isLoaded: true, error: undefined });
  expect(activity.getSnapshot().lines).toHaveLength(EVENTS_PAGE + 3);
  stored.events.push(event(EVENTS_PAGE + 4, { kind: "event" }));
  await vi.advanceTimersByTimeAsync(1000);
  expect(activity.getSnapshot().events).toHaveLength(1);
  expect(asked.events.slice(0, 3)).toEqual([undefined, String(EVENTS_PAGE), String(EVENTS_PAGE + 3)]);
  leave();
});

test("the journal is asked for from its first open entry on", async () => {
  const { stored, asked, activity } = platform();
  stored.journal = [entry(0, "COMPLETED"), entry(1, "FAILED"), entry(2, "OPEN"), entry(3, "COMPLETED")];
  const leave = activity.subscribe(() => undefined);
  await settle();
  stored.journal[2] = entry(2, "COMPLETED");
  activity.poke({ isCompleted: false, attemptCount: 0 });
  await vi.advanceTimersByTimeAsync(50);
  expect(asked.journal).toEqual([undefined, 1]);
  expect(activity.getSnapshot().journal.map(({ state }) => state)).toEqual([
    "COMPLETED",
    "FAILED",
    "COMPLETED",
    "COMPLETED",
  ]);
  activity.poke({ isCompleted: false, attemptCount: 2 });
  await vi.advanceTimersByTimeAsync(50);
  expect(asked.journal.at(-1)).toBe(0);
  leave();
});

test("a run that has ended is asked about a last time and then left alone", async () => {
  const { asked, activity } = platform();
  const leave = activity.subscribe(() => undefined);
  await settle();
  activity.poke({ isCompleted: true, attemptCount: 1 });
  await vi.advanceTimersByTimeAsync(60_000);
  expect(asked.events).toHaveLength(3);
  leave();
});

test("nobody who looks, nothing that is asked; who comes again sees what was known", async () => {
  const { stored, asked, activity } = platform();
  stored.events = [event(1)];
  activity.subscribe(() => undefined)();
  await vi.advanceTimersByTimeAsync(10_000);
  const before = asked.events.length;
  const leave = activity.subscribe(() => undefined);
  await settle();
  expect(asked.events.length).toBe(before + 1);
  expect(activity.getSnapshot().lines.map(({ cursor }) => cursor)).toEqual(["1"]);
  leave();
});
