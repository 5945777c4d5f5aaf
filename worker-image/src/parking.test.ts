import type { JournalCompletion, StoredCheckpoint } from "@gantry/sdk/contract";
import { DEFAULT_CHECKPOINT } from "@gantry/sdk/contract";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { NotStored } from "./checkpoint/not-stored.ts";
import { Parking, type ProcessStore } from "./parking.ts";
import type { Reply, Request } from "./platform-link.ts";
import type { FromTaskProcess } from "./process-messages.ts";

type Park = Extract<Request, { type: "park" }>;
type ParkReply = NonNullable<Reply["park"]>;

let asked: Park[];
let answers: ((reply: Partial<ParkReply> | { error: NonNullable<Reply["error"]> }) => Promise<void>)[];
let did: string[];
let parking: Parking;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  [asked, answers, did] = [[], [], []];
  parking = makeParking();
});
afterEach(() => void vi.useRealTimers());

function makeParking(chosen: Partial<typeof DEFAULT_CHECKPOINT> = {}, store?: ProcessStore): Parking {
  const options = {
    ref: { executionId: "e", fence: "1" },
    attempt: 1,
    checkpoint: { ...DEFAULT_CHECKPOINT, ...chosen },
    store,
    request: (request: Request) => {
      asked.push(request as Park);
      return new Promise<Reply>((resolve) =>
        answers.push(async (reply) => {
          const park = { state: "RUNNING", completions: [], isPressed: false, ...reply } as ParkReply;
          resolve({ type: "reply", id: "1", ...("error" in reply ? { error: reply.error } : { park }) });
          await vi.advanceTimersByTimeAsync(0);
        }),
      );
    },
    computeMs: () => 5,
    beforeLeaving: async () => void did.push("empty"),
    onIdle: (isIdle: boolean) => void did.push(isIdle ? "idle" : "at work"),
    onParked: (isParked: boolean) => void did.push(isParked ? "parked" : "unparked"),
    onNews: (completions: JournalCompletion[]) => void did.push(`news ${completions.map(({ seq }) => seq).join(" ")}`),
    onStays: () => undefined,
    onSuspended: () => void did.push("suspended"),
    onFenced: () => void did.push("fenced"),
    note: (_level: string, message: string) => void did.push(`note ${/: ([A-Z_]+)\./.exec(message)?.[1] ?? message}`),
  };
  return new Parking(options, { decision: "", lines: new Set() });
}

function waiting(known = 1, safety = {}): Extract<FromTaskProcess, { t: "waiting" }> {
  const waits = [{ entry: 1, kind: "token" as const, label: "an answer" }];
  return { t: "waiting", known, waits, safety: { isWatched: true, unsafe: [], isBusy: false, ...safety } };
}
const completion = (seq: number): JournalCompletion => ({ entry: 1, seq, ok: true, at: 0 });
const answer = (reply: Parameters<(typeof answers)[0]>[0]) => (answers.shift() as (typeof answers)[0])(reply);
const passes = (ms: number) => vi.advanceTimersByTimeAsync(ms);

describe("a run that waits", () => {
  test("is held, parked, and leaves when holdMs has passed, after what is in its process was taken over", async () => {
    parking.waiting(waiting(), 1);
    await answer({ state: "PARKED" });
    await passes(4_999);
    expect(asked).toHaveLength(1);
    await passes(2);
    expect(asked.map(({ mode, reason }) => [mode, reason])).toEqual([
      ["hold", "HOLDING_FIRST"],
      ["replay", "LONG_WAIT"],
    ]);
    await answer({ state: "SUSPENDED" });
    expect(did).toEqual(["idle", "note HOLDING_FIRST", "parked", "note LONG_WAIT", "empty", "suspended"]);
  });

  test("goes on with what came before it was parked", async () => {
    parking.waiting(waiting(), 1);
    await answer({ completions: [completion(2)] });
    expect(did).toEqual(["idle", "note HOLDING_FIRST", "at work", "news 2"]);
    await passes(60_000);
    expect(asked).toHaveLength(1);
  });

  test("is not asked about again where it said so before it had heard the news", async () => {
    parking.waiting(waiting(1), 2);
    expect(asked).toEqual([]);
  });

  test("is parked although the news was of something that it knew: it will not say again that it waits", async () => {
    parking.waiting(waiting(2), 2);
    await answer({ completions: [completion(2)] });
    await passes(1_000);
    expect(asked).toHaveLength(2);
  });

  test("is parked again after a hint that was about nothing", async () => {
    parking.waiting(waiting(), 1);
    await answer({ state: "PARKED" });
    parking.resumed([]);
    await passes(1_000);
    expect(asked).toHaveLength(2);
    expect(did).toEqual(["idle", "note HOLDING_FIRST", "parked", "unparked"]);
  });

  test("goes on in place when it is woken, and is held anew for its next wait", async () => {
    parking.waiting(waiting(), 1);
    await answer({ state: "PARKED" });
    await passes(4_000);
    parking.resumed([completion(2)]);
    await passes(4_000);
    parking.waiting(waiting(2), 2);
    await answer({ state: "PARKED" });
    await passes(4_000);
    expect(asked.map(({ reason }) => reason)).toEqual(["HOLDING_FIRST", "HOLDING_FIRST"]);
    expect(did).toEqual(["idle", "note HOLDING_FIRST", "parked", "at work", "unparked", "idle", "parked"]);
  });

  test("that goes on while its output is read does not leave", async () => {
    parking = makeParking({ mode: "replay" });
    parking.waiting(waiting(), 1);
    parking.busy();
    await passes(60_000);
    expect(asked).toEqual([]);
  });

  test("leaves as soon as others wait for its place", async () => {
    parking.waiting(waiting(), 1);
    await answer({ state: "PARKED", isPressed: true });
    expect(asked.at(-1)).toMatchObject({ mode: "replay", reason: "PRESSED" });
  });

  test("that cannot leave is not asked about in a circle, though others wait", async () => {
    parking.waiting(waiting(1, { unsafe: [{ what: "bytes sent", line: "a.ts:1" }] }), 1);
    await answer({ state: "PARKED", isPressed: true });
    await passes(600_000);
    expect(asked).toHaveLength(1);
  });

  test("tells the platform when a loss of its process would repeat something now", async () => {
    parking.waiting(waiting(1, { isBusy: true }), 1);
    await answer({ state: "PARKED" });
    parking.waiting(waiting(1, { unsafe: [{ what: "bytes sent", line: "a.ts:1" }] }), 1);
    expect(asked.map(({ ifLost }) => ifLost.then)).toEqual(["replay", "fail"]);
  });
});

describe("a worker that must go", () => {
  test("lets a run leave that has just been parked, and once it is parked one that is being parked", async () => {
    parking.waiting(waiting(), 1);
    parking.drain();
    expect(parking.isLeaving).toBe(false);
    await answer({ state: "PARKED" });
    expect(parking.isLeaving).toBe(true);
    expect(asked.at(-1)).toMatchObject({ mode: "replay", reason: "DRAINING" });
  });

  test("keeps a run that would repeat something", async () => {
    parking.waiting(waiting(1, { isWatched: false }), 1);
    await answer({ state: "PARKED" });
    parking.drain();
    expect(parking.isLeaving).toBe(false);
    expect(asked).toHaveLength(1);
  });
});

test("a run that is canceled stays, whatever time passes, and knows when it has its slot", async () => {
  parking.waiting(waiting(), 1);
  parking.cancel();
  await answer({ state: "PARKED" });
  await passes(600_000);
  expect(asked).toHaveLength(1);
  parking.resumed([completion(2)]);
  expect(did.filter((each) => each.endsWith("parked"))).toEqual(["parked", "unparked"]);
});

test("an execution that is someone else's is dropped; an answer after its end changes nothing", async () => {
  parking.waiting(waiting(), 1);
  await answer({ error: { code: "EXECUTION_FENCED", message: "over", retryable: false } });
  expect(did).toContain("fenced");
  parking = makeParking();
  parking.waiting(waiting(), 1);
  parking.end();
  did = [];
  await answer({ state: "PARKED" });
  expect(did).toEqual([]);
});

describe("a process that may be stored", () => {
  const STORED = { checkpointId: "c" } as StoredCheckpoint;
  let ability: ProcessStore["ability"];
  let tested: () => void;
  let results: PromiseWithResolvers<StoredCheckpoint | NotStored>[];
  beforeEach(() => {
    [ability, tested, results] = [{ is: "able" }, () => undefined, []];
    const store: ProcessStore = {
      get ability() {
        return ability;
      },
      why: "no capability",
      onTested: (listener) => void (tested = listener),
      begin: () => {
        const result = Promise.withResolvers<StoredCheckpoint | NotStored>();
        results.push(result);
        return {
          result: result.promise,
          abandon: () => void did.push("abandoned"),
          goOn: async () => void did.push("goes on"),
        };
      },
    };
    parking = makeParking({ mode: "process" }, store);
  });
  const ends = async (result: StoredCheckpoint | NotStored) => {
    results.shift()?.resolve(result);
    await passes(0);
  };
  const failure = () => new NotStored("CHECKPOINT_FAILED", "no room");
  const modes = () => asked.map(({ mode, reason }) => `${mode} ${reason}`);

  test("is named in the park once it is stored, and let go when that is committed", async () => {
    parking.waiting(waiting(), 1);
    expect(parking.isLeaving).toBe(true);
    expect(asked).toEqual([]);
    await ends(STORED);
    expect(asked).toMatchObject([{ mode: "process", known: 1, checkpoint: STORED }]);
    await answer({ state: "SUSPENDED" });
    expect(did.slice(-1)).toEqual(["suspended"]);
    expect(did).not.toContain("goes on");
  });

  test("that could not be is held with the reason, and tried again after half a minute", async () => {
    parking.waiting(waiting(1, { isWatched: false }), 1);
    await ends(failure());
    expect(modes()).toEqual(["hold CHECKPOINT_FAILED"]);
    await answer({ state: "PARKED" });
    await passes(29_000);
    expect(results).toHaveLength(0);
    await passes(1_001);
    expect(results).toHaveLength(1);
  });

  test("that could not be is replayed where nothing is repeated and holdMs has passed", async () => {
    parking.waiting(waiting(), 1);
    await ends(failure());
    await answer({ state: "PARKED" });
    await passes(5_001);
    expect(modes()).toEqual(["hold CHECKPOINT_FAILED", "replay LONG_WAIT"]);
  });

  test("is held until it is known whether it can be, and stored then", async () => {
    ability = { is: "untested" };
    parking.waiting(waiting(), 1);
    expect(modes()).toEqual(["hold HOLDING_FIRST"]);
    await answer({ state: "PARKED" });
    ability = { is: "able" };
    tested();
    expect(results).toHaveLength(1);
  });

  test("is held where it is known that it cannot be, and the trace says why", async () => {
    ability = { is: "unable", reason: "CHECKPOINT_UNAVAILABLE" };
    parking.waiting(waiting(1, { isWatched: false }), 1);
    expect(modes()).toEqual(["hold CHECKPOINT_UNAVAILABLE"]);
  });

  test.each<[string, () => void]>([
    ["goes on", () => parking.busy()],
    ["hears news", () => parking.resumed([completion(2)])],
    ["is canceled", () => parking.cancel()],
    ["says something else of its wait", () => parking.waiting(waiting(1, { isBusy: true }), 1)],
  ])("that %s meanwhile goes on, and no park names it", async (_sentence, happens) => {
    parking.waiting(waiting(), 1);
    happens();
    expect(did).toContain("abandoned");
    await ends(STORED);
    expect(did).toContain("goes on");
    expect(asked).toEqual([]);
  });

  test("goes on where the platform has news for it", async () => {
    parking.waiting(waiting(), 1);
    await ends(STORED);
    await answer({ completions: [completion(2)] });
    expect(did.slice(-3)).toEqual(["goes on", "at work", "news 2"]);
  });
});
