import { type Checkpoint, DEFAULT_CHECKPOINT } from "@gantry/sdk/contract";
import { describe, expect, test } from "vitest";
import {
  type CheckpointDecision,
  type CheckpointQuestion,
  decideCheckpoint,
  decideIfLost,
} from "./checkpoint-policy.ts";
import type { Safety } from "./process-messages.ts";

const SAFE: Safety = { isWatched: true, unsafe: [], isBusy: false };
const UNSAFE: Safety = { ...SAFE, unsafe: [{ what: "bytes sent", call: "emails.send", line: "welcome.ts:14" }] };
const BUSY: Safety = { ...SAFE, isBusy: true };
const UNWATCHED: Safety = { ...SAFE, isWatched: false };

type Case = Partial<Omit<CheckpointQuestion, "checkpoint">> & { checkpoint?: Partial<Checkpoint> } & {
  want: CheckpointDecision;
};
const hold = (reason: CheckpointDecision["reason"], askAgainInMs?: number): CheckpointDecision => ({
  mode: "hold",
  reason,
  ...(askAgainInMs === undefined ? {} : { askAgainInMs }),
});
const replay = (reason: CheckpointDecision["reason"]): CheckpointDecision => ({ mode: "replay", reason });

describe("auto", () => {
  const cases: Record<string, Case> = {
    "holds a wait that ends within holdMs": { endsInMs: 4_999, want: hold("SHORT_WAIT") },
    "holds one that ends within holdMs of its beginning, when that is overdue": {
      endsInMs: -3_000,
      heldMs: 7_000,
      want: hold("SHORT_WAIT"),
    },
    "holds a longer one for holdMs first": { endsInMs: 20_000, want: hold("HOLDING_FIRST", 5_000) },
    "asks again for what is left of holdMs": { endsInMs: 19_000, heldMs: 1_000, want: hold("HOLDING_FIRST", 4_000) },
    "holds a wait of unknown length for holdMs first": { want: hold("HOLDING_FIRST", 5_000) },
    "lets the process of a long wait leave after holdMs": {
      endsInMs: 15_000,
      heldMs: 5_000,
      want: replay("LONG_WAIT"),
    },
    "lets it leave at once where holdMs is 0": { checkpoint: { holdMs: 0 }, endsInMs: 1, want: replay("LONG_WAIT") },
    "holds what would repeat effects": { safety: UNSAFE, want: hold("UNSAFE") },
    "holds what would repeat effects after holdMs too": { safety: UNSAFE, heldMs: 60_000, want: hold("UNSAFE") },
    "does not blame the line for a short wait": { safety: UNSAFE, endsInMs: 10, want: hold("SHORT_WAIT") },
    "holds what nobody watched": { safety: UNWATCHED, heldMs: 60_000, want: hold("NOT_WATCHED") },
    "holds a busy process for holdMs first": { safety: BUSY, want: hold("HOLDING_FIRST", 5_000) },
    "holds a busy process after that, and asks again": {
      safety: BUSY,
      heldMs: 5_000,
      want: hold("STILL_BUSY", 10_000),
    },
    "repeats effects where it is told to": {
      safety: UNSAFE,
      checkpoint: { unchecked: true },
      heldMs: 5_000,
      want: replay("REPLAY_UNCHECKED"),
    },
    "lets a process leave at once whose worker must go": { isDraining: true, want: replay("DRAINING") },
    "lets it leave before a short wait, too": { isDraining: true, endsInMs: 100, want: replay("DRAINING") },
    "lets it leave at once where others wait for the place": { isPressed: true, want: replay("PRESSED") },
    "holds what would repeat effects, though the worker must go": {
      safety: UNSAFE,
      isDraining: true,
      endsInMs: 100,
      want: hold("UNSAFE"),
    },
    "holds what would repeat effects, though others wait": { safety: UNSAFE, isPressed: true, want: hold("UNSAFE") },
    "holds what nobody watched, though the worker must go": {
      safety: UNWATCHED,
      isDraining: true,
      want: hold("NOT_WATCHED"),
    },
    "holds a busy process, though the worker must go, and asks again": {
      safety: BUSY,
      isDraining: true,
      want: hold("STILL_BUSY", 10_000),
    },
  };
  test.each(Object.entries(cases))("%s", (_sentence, { want, checkpoint, ...question }) => {
    expect(ask({ ...question, checkpoint: { mode: "auto", ...checkpoint } })).toEqual(want);
  });
});

describe("hold", () => {
  const cases: Record<string, Case> = {
    "keeps a process whatever it did": { want: hold("HOLD_MODE") },
    "keeps it when the worker must go": { isDraining: true, want: hold("HOLD_MODE") },
    "keeps it when others wait": { isPressed: true, want: hold("HOLD_MODE") },
    "keeps it unchecked, too": { checkpoint: { unchecked: true }, heldMs: 60_000, want: hold("HOLD_MODE") },
  };
  test.each(Object.entries(cases))("%s", (_sentence, { want, checkpoint, ...question }) => {
    expect(ask({ ...question, checkpoint: { mode: "hold", ...checkpoint } })).toEqual(want);
  });
});

describe("replay", () => {
  const cases: Record<string, Case> = {
    "lets the process leave at once": { want: replay("REPLAY_MODE") },
    "lets it leave for a short wait, too": { endsInMs: 10, want: replay("REPLAY_MODE") },
    "holds what would repeat effects": { safety: UNSAFE, want: hold("UNSAFE") },
    "holds what nobody watched": { safety: UNWATCHED, want: hold("NOT_WATCHED") },
    "holds a busy process, and asks again": { safety: BUSY, want: hold("STILL_BUSY", 10_000) },
    "repeats effects unchecked": {
      safety: UNSAFE,
      checkpoint: { unchecked: true },
      want: replay("REPLAY_UNCHECKED"),
    },
    "repeats unchecked what nobody watched": {
      safety: UNWATCHED,
      checkpoint: { unchecked: true },
      want: replay("REPLAY_UNCHECKED"),
    },
    "says where unchecked changed nothing": { checkpoint: { unchecked: true }, want: replay("REPLAY_MODE") },
    "holds a busy process unchecked, too: it has not come to rest": {
      safety: { ...UNSAFE, isBusy: true },
      checkpoint: { unchecked: true },
      want: hold("STILL_BUSY", 10_000),
    },
  };
  test.each(Object.entries(cases))("%s", (_sentence, { want, checkpoint, ...question }) => {
    expect(ask({ ...question, checkpoint: { mode: "replay", ...checkpoint } })).toEqual(want);
  });
});

const ABLE = { is: "able" } as const;
const UNABLE = { is: "unable", reason: "CHECKPOINT_UNAVAILABLE" } as const;
const FAILED = { is: "unable", reason: "CHECKPOINT_FAILED", askAgainInMs: 30_000 } as const;
const store = (reason: CheckpointDecision["reason"]): CheckpointDecision => ({ mode: "process", reason });
const EVERYTHING: Safety = { isWatched: false, unsafe: UNSAFE.unsafe, isBusy: true };

describe("auto, where the task wants its process stored", () => {
  const cases: Record<string, Case> = {
    "holds a wait that ends within holdMs": { process: ABLE, endsInMs: 4_999, want: hold("SHORT_WAIT") },
    "holds a longer one for holdMs first": { process: ABLE, endsInMs: 20_000, want: hold("HOLDING_FIRST", 5_000) },
    "stores the process after holdMs, though a replay would repeat nothing": {
      process: ABLE,
      heldMs: 5_000,
      want: store("PROCESS_LONG_WAIT"),
    },
    "stores it whatever it did, watched or not, and busy as it is": {
      process: ABLE,
      safety: EVERYTHING,
      heldMs: 5_000,
      want: store("PROCESS_LONG_WAIT"),
    },
    "stores it at once where the worker must go": {
      process: ABLE,
      safety: EVERYTHING,
      endsInMs: 100,
      isDraining: true,
      want: store("PROCESS_DRAINING"),
    },
    "stores it at once where others wait": { process: ABLE, isPressed: true, want: store("PROCESS_PRESSED") },
    "holds until it is known whether it can be": {
      process: { is: "untested" },
      heldMs: 9_000,
      want: hold("HOLDING_FIRST"),
    },
    "replays where it cannot be stored, and nothing is repeated": {
      process: UNABLE,
      heldMs: 5_000,
      want: replay("LONG_WAIT"),
    },
    "holds for holdMs first where it cannot be stored": { process: UNABLE, want: hold("HOLDING_FIRST", 5_000) },
    "holds where it cannot be stored and a replay would repeat something, and says why it could not": {
      process: UNABLE,
      safety: UNSAFE,
      want: hold("CHECKPOINT_UNAVAILABLE"),
    },
    "does not name the checkpoint for a short wait": {
      process: UNABLE,
      safety: UNSAFE,
      endsInMs: 10,
      want: hold("SHORT_WAIT"),
    },
    "asks again when it may be tried again": {
      process: FAILED,
      safety: UNWATCHED,
      want: hold("CHECKPOINT_FAILED", 30_000),
    },
    "asks again when a busy process may have come to rest, if that is sooner": {
      process: FAILED,
      safety: BUSY,
      heldMs: 5_000,
      want: hold("CHECKPOINT_FAILED", 10_000),
    },
    "is not meant to where the worker was not made for it": {
      process: undefined,
      safety: UNSAFE,
      want: hold("UNSAFE"),
    },
  };
  test.each(Object.entries(cases))("%s", (_sentence, { want, checkpoint, ...question }) => {
    expect(ask({ ...question, checkpoint: { mode: "auto", process: true, ...checkpoint } })).toEqual(want);
  });
  test("and without that wish does as ever", () => {
    expect(ask({ process: ABLE, heldMs: 5_000 })).toEqual(replay("LONG_WAIT"));
  });
});

describe("process", () => {
  const cases: Record<string, Case> = {
    "stores the process at once": { process: ABLE, want: store("PROCESS_MODE") },
    "stores it for a short wait, too": { process: ABLE, endsInMs: 10, want: store("PROCESS_MODE") },
    "stores it whatever it did": { process: ABLE, safety: EVERYTHING, want: store("PROCESS_MODE") },
    "holds until it is known whether it can be": { process: { is: "untested" }, want: hold("HOLDING_FIRST") },
    "does as auto where it cannot be: holds first, and says why": {
      process: UNABLE,
      want: hold("CHECKPOINT_UNAVAILABLE", 5_000),
    },
    "does as auto where it cannot be: holds a short wait, and says why": {
      process: FAILED,
      endsInMs: 10,
      want: hold("CHECKPOINT_FAILED", 30_000),
    },
    "does as auto where it cannot be: replays then": { process: UNABLE, heldMs: 5_000, want: replay("LONG_WAIT") },
    "does as auto where the worker was not made for it": {
      process: undefined,
      heldMs: 5_000,
      want: replay("LONG_WAIT"),
    },
    "holds a short wait where it was not made for it": { process: undefined, endsInMs: 10, want: hold("SHORT_WAIT") },
    "replays unchecked where it cannot be": {
      process: UNABLE,
      safety: UNSAFE,
      checkpoint: { unchecked: true },
      heldMs: 5_000,
      want: replay("REPLAY_UNCHECKED"),
    },
  };
  for (const reason of [
    "CHECKPOINT_UNAVAILABLE",
    "CHECKPOINT_REFUSED",
    "CHECKPOINT_TOO_LARGE",
    "CHECKPOINT_FAILED",
  ] as const)
    cases[`holds what a replay would repeat, with the reason ${reason}`] = {
      process: { is: "unable", reason },
      safety: UNSAFE,
      want: hold(reason),
    };
  test.each(Object.entries(cases))("%s", (_sentence, { want, checkpoint, ...question }) => {
    expect(ask({ ...question, checkpoint: { mode: "process", ...checkpoint } })).toEqual(want);
  });
});

test.each(["hold", "replay"] as const)("mode %s never stores a process", (mode) => {
  const { mode: decided } = ask({
    process: ABLE,
    checkpoint: { mode, process: true },
    heldMs: 60_000,
    isDraining: true,
  });
  expect(decided).toBe(mode);
});

describe("a worker that is lost while it is held", () => {
  const lost = (checkpoint: Partial<Checkpoint>, safety: Safety) =>
    decideIfLost({ ...DEFAULT_CHECKPOINT, ...checkpoint }, safety);
  const nameless: Safety = { ...SAFE, unsafe: [{ what: "randomness" }] };
  const callless: Safety = { ...SAFE, unsafe: [{ what: "a file written", line: "a.ts:3" }] };
  test.each<[string, Partial<Checkpoint>, Safety, object]>([
    ["is replaced by a replay that repeats nothing", { mode: "hold" }, SAFE, { then: "replay" }],
    ["is replaced by one that repeats effects, unchecked", { unchecked: true }, UNSAFE, { then: "replay" }],
    [
      "fails the run, and names the line",
      {},
      UNSAFE,
      { then: "fail", because: "bytes sent by emails.send (welcome.ts:14)" },
    ],
    [
      "restarts the run where that was asked for",
      { onHoldLost: "restart" },
      UNSAFE,
      { then: "restart", because: "bytes sent by emails.send (welcome.ts:14)" },
    ],
    [
      "fails a run that nobody watched",
      {},
      UNWATCHED,
      { then: "fail", because: "its process did not watch what the task does" },
    ],
    ["names what is known without a line", {}, nameless, { then: "fail", because: "randomness" }],
    ["names what is known without a call", {}, callless, { then: "fail", because: "a file written at a.ts:3" }],
  ])("%s", (_sentence, checkpoint, safety, want) => {
    expect(lost(checkpoint, safety)).toEqual(want);
  });
});

function ask({ checkpoint, ...question }: Partial<Omit<Case, "want">>): CheckpointDecision {
  return decideCheckpoint({
    safety: SAFE,
    heldMs: 0,
    endsInMs: undefined,
    isDraining: false,
    isPressed: false,
    process: undefined,
    ...question,
    checkpoint: { ...DEFAULT_CHECKPOINT, ...checkpoint },
  });
}
