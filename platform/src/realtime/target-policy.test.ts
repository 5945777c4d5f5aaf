import { describe, expect, test } from "vitest";
import { encodeId, newUuid } from "../ids.ts";
import type { RunSet } from "../runs/live-reads.ts";
import { isMember, readSubscribe, setResources } from "./target-policy.ts";

const now = Date.parse("2026-03-05T10:20:30Z");
const runId = encodeId("run", newUuid());
const batchId = encodeId("batch", newUuid());

describe("a subscription's target", () => {
  test("of tags without a time begins at a full hour a day ago, so that those who ask within the hour share a room", () => {
    const key = (at: number, tags: string[]) =>
      readSubscribe({ id: "1", target: { kind: "tag", tags } }, at).target.key;
    expect(key(now, ["b", "a"])).toBe(key(now + 60_000, ["a", "b", "a"]));
    expect(key(now, ["a"])).not.toBe(key(now + 3600_000, ["a"]));
    expect(readSubscribe({ id: "1", target: { kind: "tag", tags: ["a"] } }, now).target).toMatchObject({
      set: { createdAfter: new Date("2026-03-04T10:00:00Z") },
    });
  });

  test("of an environment is one room, whatever each wants of it at first", () => {
    const target = (limit?: number) => readSubscribe({ id: "1", target: { kind: "environment", limit } }, now).target;
    expect(target(10).key).toBe(target(500).key);
    expect([target(10), target()]).toMatchObject([{ limit: 10 }, { limit: 100 }]);
  });

  test("of tags cannot be mistaken for others", () => {
    const key = (tags: string[]) => readSubscribe({ id: "1", target: { kind: "tag", tags } }, now).target.key;
    expect(key(['a","b'])).not.toBe(key(["a", "b"]));
  });

  const wrong: Record<string, { request: unknown; code: string }> = {
    "an id of another kind": { request: { id: "1", target: { kind: "run", runId: batchId } }, code: "MALFORMED_ID" },
    "a run where a batch belongs": {
      request: { id: "1", target: { kind: "batch", batchId: runId } },
      code: "MALFORMED_ID",
    },
    "more than a set has": {
      request: { id: "1", target: { kind: "environment", limit: 501 } },
      code: "BAD_REQUEST",
    },
    "a time that is none": {
      request: { id: "1", target: { kind: "tag", tags: ["a"], createdAfter: "yesterday" } },
      code: "BAD_REQUEST",
    },
    "more revisions than two sets have": {
      request: {
        id: "1",
        target: { kind: "environment" },
        since: Object.fromEntries(Array.from({ length: 1001 }, (_, n) => [`run_${n}`, 1])),
      },
      code: "BAD_REQUEST",
    },
    "an id without end": { request: { id: "x".repeat(65), target: { kind: "run", runId } }, code: "BAD_REQUEST" },
  };
  test.each(Object.entries(wrong))("%s is refused", (_sentence, { request, code }) => {
    expect(() => readSubscribe(request, now)).toThrowError(expect.objectContaining({ code }));
  });
});

const run = { tags: ["a", "b"], batchId, createdAt: new Date(now) };
const members: Record<string, { set: RunSet; want: boolean }> = {
  "all of the tags": { set: { kind: "tag", tags: ["a", "b"], createdAfter: new Date(now) }, want: true },
  "one of the tags": { set: { kind: "tag", tags: ["a", "c"], createdAfter: new Date(0) }, want: false },
  "the tags, made before": { set: { kind: "tag", tags: ["a"], createdAfter: new Date(now + 1) }, want: false },
  "the batch": { set: { kind: "batch", batchId }, want: true },
  "another batch": { set: { kind: "batch", batchId: runId }, want: false },
  "the environment": { set: { kind: "environment" }, want: true },
};
test.each(Object.entries(members))("a run of %s is a member or not", (_sentence, { set, want }) => {
  expect(isMember(set, run)).toBe(want);
});

test("a set of several tags is open to a token for any of them, since every member has them all", () => {
  const set: RunSet = { kind: "tag", tags: ["a", "b"], createdAfter: new Date(0) };
  expect(setResources(set)).toEqual([{ kind: "runs" }, { kind: "tags", id: "a" }, { kind: "tags", id: "b" }]);
});
