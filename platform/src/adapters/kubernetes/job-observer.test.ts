import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { WorkerObservation } from "../../cluster/worker-observations.ts";
import type { Logger } from "../../logging.ts";
import { JobObserver } from "./job-observer.ts";
import { KnownJobs } from "./known-jobs.ts";

const NAME = "gantry-1-0197a3c0-0000-7000-8000-00000000000e";
const EXECUTION = NAME.slice("gantry-1-".length);
const LIMITS = { unschedulableMs: 60_000, neverFitsMs: 60_000, imagePullMs: 60_000, podStartMs: 60_000 };

let jobs: KnownJobs;
let observer: JobObserver;
let told: WorkerObservation[];
let live: Set<string>;
let storeIsAway: boolean;

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000 });
  [jobs, told, live, storeIsAway] = [new KnownJobs(), [], new Set([EXECUTION]), false];
  const log = { info() {}, warn() {} } as unknown as Logger;
  const observations = {
    async observed(_: string, observation: WorkerObservation) {
      if (storeIsAway) throw new Error("the database is away");
      told.push(observation);
    },
    liveAmong: async (ids: string[]) => new Set(ids.filter((id) => live.has(id))),
  };
  const nodes = { current: () => undefined, want() {} };
  observer = new JobObserver({ jobs, observations, limits: LIMITS, nodes, log });
  jobs.jobSeen({ metadata: { name: NAME, uid: "job", resourceVersion: "1" } }, Date.now());
});

afterEach(() => {
  observer.stop();
  vi.useRealTimers();
});

let version = 1;
function pod(status: object, isGone = false) {
  const creationTimestamp = new Date(1_000_000).toISOString();
  const metadata = { name: `${NAME}-abcde`, uid: "pod", resourceVersion: String(++version), creationTimestamp };
  observer.changed(jobs.podSeen({ metadata, status }, isGone, Date.now()));
}
const full = (message: string) =>
  pod({ conditions: [{ type: "PodScheduled", status: "False", reason: "Unschedulable", message }] });
const task = (state: object, phase = "Running") => ({ phase, containerStatuses: [{ name: "task", state }] });
const settle = () => vi.advanceTimersByTimeAsync(100);

test("a reason is told once, however often it is seen, and again in other words only after a while", async () => {
  full("1 Insufficient cpu");
  await settle();
  full("1 Insufficient cpu");
  await settle();
  full("1 Insufficient memory");
  await settle();
  expect(told).toMatchObject([{ then: "wait", message: "1 Insufficient cpu" }]);
  await vi.advanceTimersByTimeAsync(31_000);
  observer.tick();
  await settle();
  expect(told).toMatchObject([{ message: "1 Insufficient cpu" }, { message: "1 Insufficient memory" }]);
});

test("a limit that passes while nothing changes is told with the next tick, and then no more", async () => {
  full("1 Insufficient cpu");
  await settle();
  await vi.advanceTimersByTimeAsync(61_000);
  observer.tick();
  await settle();
  observer.tick();
  await settle();
  expect(told.map(({ then }) => then)).toEqual(["wait", "requeue"]);
});

test("a worker that ended after its run had is not spoken of", async () => {
  live.clear();
  pod(task({ terminated: { exitCode: 0 } }, "Succeeded"));
  await settle();
  expect(told).toEqual([]);
  expect(jobs.get(EXECUTION)).toMatchObject({ isSettled: true, overAt: expect.any(Number) });
});

test("what could not be told is told with the next tick", async () => {
  storeIsAway = true;
  pod(task({ terminated: { exitCode: 137, reason: "OOMKilled" } }, "Failed"));
  await settle();
  expect(jobs.get(EXECUTION)?.isSettled).toBe(false);
  storeIsAway = false;
  observer.tick();
  await settle();
  expect(told).toMatchObject([{ then: "crash", code: "OOM_KILLED" }]);
});
