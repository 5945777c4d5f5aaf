import { RUN_STATUSES } from "@gantry/sdk/contract";
import { expect, test } from "vitest";
import type { ExplainFacts } from "../runs/run-store.ts";
import { ADMISSION_REASONS, explainAdmission } from "./admission-policy.ts";

const free: ExplainFacts = {
  runId: "r",
  status: "QUEUED",
  delayUntil: undefined,
  requestedVersion: undefined,
  environmentPaused: false,
  environmentLimit: 10,
  environmentRunning: 0,
  queueName: "emails",
  queuePaused: false,
  laneLimit: undefined,
  laneRunning: 0,
  concurrencyKey: undefined,
  combinedLimit: undefined,
  queueRunning: 0,
  rateLimit: undefined,
  rateLeft: undefined,
  rateDueAt: undefined,
  position: 0,
  cancelRequested: false,
  workerId: undefined,
  hasDeployment: true,
  hold: undefined,
  waits: [],
  checkpoint: undefined,
  heldLimit: undefined,
};

const dueAt = new Date("2030-01-01T00:00:00Z");

const cases: Record<string, { facts: Partial<ExplainFacts>; want: string[]; wantText?: string }> = {
  "nothing holds the first in its lane": { facts: {}, want: ["NEXT"] },
  "a delayed run is due at a time": {
    facts: { status: "DELAYED", delayUntil: dueAt },
    want: ["DELAYED"],
    wantText: "2030-01-01",
  },
  "a run waits for the version it names": {
    facts: { status: "PENDING_VERSION", requestedVersion: "20300101.1" },
    want: ["PENDING_VERSION"],
    wantText: "20300101.1",
  },
  "a run waits for any version": {
    facts: { status: "PENDING_VERSION" },
    want: ["PENDING_VERSION"],
    wantText: "no version is deployed",
  },
  "the environment is paused": { facts: { environmentPaused: true }, want: ["ENVIRONMENT_PAUSED"] },
  "the queue is paused": { facts: { queuePaused: true }, want: ["QUEUE_PAUSED"], wantText: "emails" },
  "the environment is full": { facts: { environmentRunning: 10 }, want: ["ENVIRONMENT_LIMIT"], wantText: "10 of 10" },
  "the queue is full": { facts: { laneLimit: 2, laneRunning: 2 }, want: ["QUEUE_LIMIT"], wantText: "2 of 2 in emails" },
  "the key is full": {
    facts: { laneLimit: 2, laneRunning: 3, concurrencyKey: "ada" },
    want: ["CONCURRENCY_KEY_LIMIT"],
    wantText: "key ada",
  },
  "all keys together are full": {
    facts: { combinedLimit: 4, queueRunning: 4 },
    want: ["COMBINED_LIMIT"],
    wantText: "4 of 4",
  },
  "the rate is used up": {
    facts: { rateLimit: { limit: 5, periodMs: 1000 }, rateLeft: 0, rateDueAt: dueAt },
    want: ["RATE_LIMIT"],
    wantText: "next at 2030",
  },
  "others are ahead": { facts: { position: 7 }, want: ["AHEAD_IN_QUEUE"], wantText: "7 ahead" },
  "a rate that leaves room is no reason": {
    facts: { rateLimit: { limit: 5, periodMs: 1000 }, rateLeft: 1 },
    want: ["NEXT"],
  },
  "everything at once is said at once": {
    facts: {
      environmentPaused: true,
      queuePaused: true,
      environmentRunning: 10,
      laneLimit: 0,
      combinedLimit: 0,
      position: 1,
    },
    want: [
      "ENVIRONMENT_PAUSED",
      "QUEUE_PAUSED",
      "ENVIRONMENT_LIMIT",
      "QUEUE_LIMIT",
      "COMBINED_LIMIT",
      "AHEAD_IN_QUEUE",
    ],
  },
  "a worker is starting": { facts: { status: "DEQUEUED" }, want: ["WORKER_STARTING"] },
  "the run executes": { facts: { status: "EXECUTING", workerId: "w1" }, want: ["EXECUTING"], wantText: "w1" },
  "the run executes and is being canceled": {
    facts: { status: "EXECUTING", cancelRequested: true },
    want: ["CANCEL_REQUESTED"],
  },
  "the run waits": { facts: { status: "WAITING" }, want: ["WAITING"] },
  "the run waits for several things, and says which is due first": {
    facts: {
      status: "WAITING",
      waits: [
        { entry: 4, kind: "time", label: "3d", dueAt },
        { entry: 5, kind: "token", label: "approval", dueAt: undefined },
      ],
    },
    want: ["WAITING"],
    wantText: "time 3d, due at 2030-01-01T00:00:00.000Z; token approval",
  },
  "a run waits for more than fits a line": {
    facts: {
      status: "WAITING",
      waits: [0, 1, 2, 3, 4].map((entry) => ({ entry, kind: "child" as const, label: "resize", dueAt: undefined })),
    },
    want: ["WAITING"],
    wantText: "2 more",
  },
  "the worker of a waiting run is kept, for this reason and because of this line": {
    facts: {
      status: "WAITING",
      checkpoint: {
        mode: "hold",
        reason: "UNSAFE",
        ifLost: { then: "fail", because: "Wrap `emails.send` (welcome.ts:14) in step.run." },
      },
    },
    want: ["WAITING", "WORKER_HELD"],
    wantText: "UNSAFE: A replay would repeat what the task did outside of steps. Wrap `emails.send` (welcome.ts:14)",
  },
  "the worker of a waiting run has left": {
    facts: { status: "WAITING", checkpoint: { mode: "replay", reason: "LONG_WAIT" } },
    want: ["WAITING", "WORKER_LEFT"],
    wantText: "LONG_WAIT",
  },
  "the process of a waiting run is stored": {
    facts: { status: "WAITING", checkpoint: { mode: "process", reason: "PROCESS_MODE" } },
    want: ["WAITING", "WORKER_STORED"],
    wantText: "PROCESS_MODE: The task's checkpoint mode is process.",
  },
  "a waiting run that is to be canceled": {
    facts: { status: "WAITING", cancelRequested: true },
    want: ["CANCEL_REQUESTED"],
  },
  "no room is kept for new roots while so many workers are held": {
    facts: { heldLimit: { held: 10, limit: 10 } },
    want: ["HELD_LIMIT"],
    wantText: "10 of 10",
  },
  "the run has ended": { facts: { status: "FAILED" }, want: ["ENDED"], wantText: "FAILED" },
};

test.each(Object.entries(cases))("%s", (_sentence, { facts, want, wantText }) => {
  const reasons = explainAdmission({ ...free, ...facts });
  expect(reasons.map((one) => one.reason)).toEqual(want);
  expect(reasons.map((one) => one.message).join("\n")).toContain(wantText ?? "");
});

test("every reason is given by some case, and every status has one", () => {
  const given = new Set(Object.values(cases).flatMap((one) => one.want));
  expect(Object.keys(ADMISSION_REASONS).filter((reason) => !given.has(reason))).toEqual([]);
  for (const status of RUN_STATUSES) expect(explainAdmission({ ...free, status }).length).toBeGreaterThan(0);
});
