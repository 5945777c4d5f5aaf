import type { Grant } from "@gantry/sdk/contract";
import { beforeEach, expect, test } from "vitest";
import { ConnectedWorkers } from "./connected-workers.ts";
import type { WorkerLink } from "./worker-service.ts";

let workers: ConnectedWorkers;
beforeEach(() => {
  workers = new ConnectedWorkers();
});

function link(workerId: string, over: Partial<WorkerLink> = {}): WorkerLink {
  return { workerId, environmentId: 1, deploymentId: "d1", send() {}, close() {}, ...over };
}
function connect(workerId: string, free: number, over: Partial<WorkerLink> = {}): WorkerLink {
  const made = link(workerId, over);
  workers.add(made);
  workers.setFree(made, free);
  return made;
}
const given = (executionId: string, isHook = false) => ({
  grant: { executionId, fence: "1", attempt: 1 } as Grant,
  runId: `run of ${executionId}`,
  isHook,
});

test("room is counted by version, within an environment", () => {
  connect("a", 2);
  connect("b", 3);
  connect("c", 4, { deploymentId: "d2" });
  connect("d", 5, { environmentId: 2 });
  expect(workers.room(1)).toEqual(
    new Map([
      ["d1", 5],
      ["d2", 4],
    ]),
  );
});

test("a worker launched for one execution has no room for others", () => {
  connect("a", 1, { executionId: "e1" });
  expect(workers.room(1).size).toBe(0);
  expect(workers.pick(1, "d1")).toBeUndefined();
});

test("the worker with the most room is picked; none where all are busy", () => {
  connect("a", 1);
  const roomy = connect("b", 2);
  expect(workers.pick(1, "d1")).toBe(roomy);
  workers.assign(roomy, [given("e1"), given("e2")]);
  expect(workers.pick(1, "d1")?.workerId).toBe("a");
  expect(workers.pick(1, "d2")).toBeUndefined();
});

test("a new connection of a worker has no room until it says so, and the old one's words count no more", () => {
  const old = connect("a", 4);
  const now = link("a");
  workers.add(now);
  expect(workers.freeOf(now)).toBe(0);
  workers.setFree(old, 9);
  expect(workers.freeOf(now)).toBe(0);
  workers.remove(old);
  expect(workers.isConnected("a")).toBe(true);
});

test("what a worker was given and does not have is missing, also on its next connection", () => {
  const first = connect("a", 4);
  workers.assign(first, [given("e1"), given("e2")]);
  workers.release("e2");
  const next = link("a");
  workers.adopt(next);
  workers.add(next);
  expect(workers.missing(next, new Set()).map((one) => one.executionId)).toEqual(["e1"]);
  expect(workers.missing(next, new Set(["e1"]))).toEqual([]);
  expect(workers.assignment("e1")?.link).toBe(next);
});

test("what was given to workers that are gone is forgotten after a while: they may have ended it by another replica", () => {
  const gone = connect("a", 4);
  const here = connect("b", 4);
  workers.assign(gone, [given("hook", true), given("run")]);
  workers.assign(here, [given("hook of b", true)]);
  workers.remove(gone);
  workers.forgetGone(0);
  expect(workers.assigned).toBe(3);
  workers.forgetGone(Number.POSITIVE_INFINITY);
  expect(workers.assignment("hook of b")).toBeDefined();
  expect(workers.assigned).toBe(1);
});
