import { beforeEach, expect, test } from "vitest";
import { KnownJobs } from "./known-jobs.ts";

const NAME = "gantry-1-0197a3c0-0000-7000-8000-00000000000e";
const EXECUTION = NAME.slice("gantry-1-".length);

let jobs: KnownJobs;
beforeEach(() => {
  jobs = new KnownJobs();
});

const object = (name: string, resourceVersion: string) => ({ metadata: { name, uid: name, resourceVersion } });
const event = (name: string, message: string) => ({
  metadata: { name: "event" },
  involvedObject: { kind: "Job", name },
  reason: "FailedCreate",
  message,
});

test("a Job, its pods and their events are one execution's, in whatever order they come", () => {
  jobs.eventSeen(event(NAME, "exceeded quota"), 1);
  jobs.eventSeen(event(`${NAME}-abcde`, "pull failed"), 2);
  jobs.podSeen(object(`${NAME}-abcde`, "5"), false, 3);
  jobs.jobSeen(object(NAME, "4"), 4);
  const known = jobs.get(EXECUTION);
  expect(known).toMatchObject({ epoch: 1, name: NAME, jobSeenAt: 4, events: [{ message: "exceeded quota" }] });
  expect(known?.pods).toMatchObject([{ isGone: false, events: [{ message: "pull failed" }] }]);
});

test("what is not ours is nobody's", () => {
  expect(jobs.jobSeen(object("backup", "1"), 1)).toBeUndefined();
  expect(jobs.eventSeen(event("postgres-0", "unhealthy"), 1)).toBeUndefined();
});

test("a list that was asked for earlier does not undo what the watch told", () => {
  jobs.jobSeen({ ...object(NAME, "9"), status: { failed: 1 } }, 1);
  expect(jobs.jobSeen({ ...object(NAME, "8"), status: { active: 1 } }, 2)).toBeUndefined();
  expect(jobs.get(EXECUTION)?.job?.status).toEqual({ failed: 1 });
});

test("a pod that is gone stays known as it was last, until its Job is gone and was spoken of", () => {
  jobs.jobSeen(object(NAME, "1"), 1);
  jobs.podSeen(object(`${NAME}-abcde`, "2"), false, 1);
  jobs.podSeen(object(`${NAME}-abcde`, "3"), true, 2);
  jobs.jobGone(NAME);
  jobs.forgetGone(1_000_000);
  const known = jobs.get(EXECUTION);
  expect(known?.pods).toMatchObject([{ isGone: true }]);
  if (known !== undefined) known.isSettled = true;
  jobs.forgetGone(1_000_000);
  expect(jobs.get(EXECUTION)).toBeUndefined();
});

test("events of Jobs that are long gone are forgotten", () => {
  jobs.eventSeen(event(NAME, "exceeded quota"), 0);
  jobs.forgetGone(10_000);
  expect(jobs.get(EXECUTION)).toBeDefined();
  jobs.forgetGone(61_000);
  expect(jobs.get(EXECUTION)).toBeUndefined();
});
