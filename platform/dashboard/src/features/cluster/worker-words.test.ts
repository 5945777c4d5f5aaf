import { expect, test } from "vitest";
import { reasonWords, shareOf, whyOf } from "./worker-words.ts";

test.each([
  ["Unschedulable", "No node has room"],
  ["UNSCHEDULABLE", "No node has room"],
  ["ImagePullBackOff", "cannot be pulled"],
  ["OOMKilled", "more memory"],
  ["OOM_KILLED", "more memory"],
  ["POD_PREEMPTED", "higher priority"],
  ["CreateContainerConfigError", "Secret, ConfigMap or volume"],
])("%s is said in words, with what to do", (reason, want) => {
  expect(reasonWords(reason)?.means).toContain(want);
  expect(reasonWords(reason)?.todo).not.toBe("");
});

test("an unknown reason has no words of ours", () => {
  expect(reasonWords("SomethingNew")).toBeUndefined();
  expect(reasonWords(null)).toBeUndefined();
});

test("a node's share is between 0 and 1", () => {
  expect(shareOf({ total: 4, requested: 1 })).toBe(0.25);
  expect(shareOf({ total: 4, requested: 9 })).toBe(1);
  expect(shareOf({ total: 0, requested: 0 })).toBe(0);
});

test("why a worker is not there is its own reason, a pod's, or the last warning", () => {
  const warnings = [{ reason: "FailedMount", message: "no such secret" }];
  const none = { reason: null, message: null };
  const worker = { ...none, phase: "PENDING", pods: [none], warnings };
  expect(whyOf(worker)).toMatchObject({ reason: "FailedMount" });
  expect(whyOf({ ...worker, phase: "RUNNING" })).toBeUndefined();
  const pods = [none, { reason: "ImagePullBackOff", message: "not found" }];
  expect(whyOf({ ...worker, pods })).toEqual({ reason: "ImagePullBackOff", message: "not found" });
  expect(whyOf({ ...worker, pods, reason: "UNSCHEDULABLE", message: "0/3 nodes" })).toMatchObject({
    reason: "UNSCHEDULABLE",
  });
});
