import { expect, test } from "vitest";
import { type FeedRun, RunFeed } from "./run-feed.ts";

const run = (id: string, status: FeedRun["status"], rest: Partial<FeedRun> = {}): FeedRun => ({
  id,
  status,
  taskIdentifier: "t",
  createdAt: new Date(1000),
  updatedAt: new Date(1000),
  attemptCount: 1,
  ...rest,
});
const kinds = (feed: RunFeed, ...runs: FeedRun[]) => feed.take(runs).map((change) => `${change.run.id} ${change.kind}`);

test("a run is told when it is queued, starts, is tried again and ends, each once", () => {
  const feed = new RunFeed(0);
  expect(kinds(feed, run("a", "QUEUED"))).toEqual(["a queued"]);
  expect(kinds(feed, run("a", "QUEUED"))).toEqual([]);
  expect(kinds(feed, run("a", "EXECUTING"))).toEqual(["a started"]);
  expect(kinds(feed, run("a", "EXECUTING", { attemptCount: 2 }))).toEqual(["a retried"]);
  expect(feed.open.map(({ id }) => id)).toEqual(["a"]);
  expect(kinds(feed, run("a", "COMPLETED", { attemptCount: 2 }))).toEqual(["a ended"]);
  expect(kinds(feed, run("a", "COMPLETED", { attemptCount: 2 }))).toEqual([]);
  expect(feed.open).toEqual([]);
});

test("a run that was too quick to be seen before is told as ended only", () => {
  expect(kinds(new RunFeed(0), run("a", "COMPLETED"))).toEqual(["a ended"]);
});

test("runs that had ended before the feed began are passed over, open ones are not", () => {
  const feed = new RunFeed(5000);
  expect(kinds(feed, run("old", "FAILED"), run("open", "EXECUTING"))).toEqual(["open started"]);
  expect(kinds(feed, run("open", "CANCELED"))).toEqual(["open ended"]);
});

test("changes come in the order in which the runs were made", () => {
  const newest = run("b", "QUEUED", { createdAt: new Date(2000) });
  expect(kinds(new RunFeed(0), newest, run("a", "QUEUED"))).toEqual(["a queued", "b queued"]);
});
