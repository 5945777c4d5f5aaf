/** What a task writes around waits, over a journal that a test answers. */
import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { withAuth } from "../../client/configuration.ts";
import { idempotencyKeys } from "../../client/idempotency-keys.ts";
import type { JournalCompletion } from "../../contract/journal.ts";
import { runTask } from "../../testing/run-task.ts";
import { batch } from "../batch.ts";
import { task } from "../define-task.ts";
import type { DurableRun, OnceCall, WaitCall } from "../durable/durable-run.ts";
import { step } from "../durable/step.ts";
import { type RunScope, withScope } from "../run-scope.ts";
import { tasks } from "../tasks.ts";
import { SubtaskUnwrapError } from "./task-run-promise.ts";
import { WaitpointTimeoutError } from "./token-promise.ts";
import { wait } from "./wait.ts";

const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");
const child = task({ id: "child", run: async (payload: number) => payload });

type AnyWait = WaitCall<"time" | "token" | "child" | "batch">;

/** Notes what is asked of the journal; each wait is opened, then completed as the test says. */
class FakeDurable {
  readonly waits: { kind: string; fingerprint: string; label: string; fields: unknown }[] = [];
  readonly marked: { entry: number; error: object }[] = [];
  readonly open = { steps: 0, entries: 0 };
  answer: Partial<JournalCompletion> = { ok: true };
  /** A replay has the entry already. */
  isRecorded = false;

  async wait(call: AnyWait) {
    const fields = this.isRecorded ? {} : await call.open("once");
    const { kind, fingerprint, label } = call;
    this.waits.push({ kind, fingerprint, label, fields });
    const completion = { entry: 7, seq: 1, at: 0, ok: true, ...this.answer };
    return { completion, opened: { entry: 7, childRunId: "run_c", batchId: "batch_b" } };
  }

  once<T>({ perform }: OnceCall<T>): Promise<T> {
    return perform("once");
  }

  failure<E extends object>(entry: number, error: E): E {
    this.marked.push({ entry, error });
    return error;
  }
}

interface Sent {
  path: string;
  body: { payload?: string; options?: Record<string, unknown> } & Record<string, unknown>;
}

/** Runs a body in a run with a fake journal; gives what it asked of the API. */
async function inRun<T>(
  durable: FakeDurable,
  body: () => Promise<T>,
  attempt = 1,
): Promise<{ output: T; sent: Sent[] }> {
  const sent: Sent[] = [];
  const answer = async (url: unknown, init?: RequestInit) => {
    const path = new URL(String(url)).pathname;
    const text = String(init?.body ?? "null");
    const bodies = path.endsWith("/items") ? text.trim().split("\n") : [text];
    for (const one of bodies) sent.push({ path, body: JSON.parse(one) as Sent["body"] });
    return new Response(JSON.stringify({ id: path.includes("batches") ? "batch_b" : "run_c", sealed: true }));
  };
  const ctx = { run: { id: "run_p" }, attempt: { number: attempt }, deployment: { version: "20260101.3" } };
  const scope = { ctx, durable: durable as unknown as DurableRun, host: {} } as unknown as RunScope;
  const config = { baseURL: "http://fake", secretKey: "k", requestOptions: { fetch: answer as typeof fetch } };
  return { output: await withScope(scope, () => withAuth(config, body)), sent };
}

const CALLS: Record<string, () => Promise<unknown>> = {
  "wait.for": () => wait.for({ seconds: 1 }),
  "wait.until": () => wait.until({ date: new Date(0) }),
  "wait.forToken": () => wait.forToken("waitpoint_1"),
  "task.triggerAndWait": () => child.triggerAndWait(1),
  "tasks.triggerAndWait": () => tasks.triggerAndWait<typeof child>("child", 1),
  "task.batchTriggerAndWait": () => child.batchTriggerAndWait([{ payload: 1 }]),
  "batch.triggerAndWait": () => batch.triggerAndWait<typeof child>([{ id: "child", payload: 1 }]),
  "batch.triggerByTaskAndWait": () => batch.triggerByTaskAndWait([{ task: child, payload: 1 }]),
  "task.triggerAndSubscribe": () => child.triggerAndSubscribe(1),
};

describe("where nothing can wait", () => {
  it.each(Object.entries(CALLS))("%s outside of a run says so", async (_name, call) => {
    await expect(call()).rejects.toMatchObject({ code: "NOT_IN_A_RUN" });
  });

  it.each(Object.entries(CALLS))("%s in a step says what to do", async (_name, call) => {
    const nested = task({ id: "nested", run: () => step.run("send", call) });
    const { error } = await runTask(nested, undefined);
    expect(error).toMatchObject({ code: "NESTED_DURABLE_CALL" });
    expect(error?.message).toContain('step "send"');
  });

  it("a trigger in a step is simply made", async () => {
    const plain = task({ id: "plain", run: () => step.run("send", async () => (await child.trigger(1)).id) });
    const result = await runTask(plain, undefined);
    expect(result).toMatchObject({ output: "run_test1" });
    expect(result.triggered[0]?.options.idempotencyKey).toBeUndefined();
  });
});

describe("a wait for a time", () => {
  it("is told to the journal in milliseconds, or as an instant", async () => {
    const durable = new FakeDurable();
    await inRun(durable, async () => {
      await wait.for({ hours: 2 });
      await wait.until({ date: new Date(1000) });
    });
    expect(durable.waits).toEqual([
      { kind: "time", fingerprint: "for:7200000", label: "2 hours", fields: { due: { inMs: 7_200_000 } } },
      {
        kind: "time",
        fingerprint: "until:1000",
        label: "until 1970-01-01T00:00:01.000Z",
        fields: { due: { at: 1000 } },
      },
    ]);
  });

  it("has a key of the environment's, or of the run's own where it was made so", async () => {
    const durable = new FakeDurable();
    await inRun(durable, async () => {
      await wait.for({ seconds: 1, idempotencyKey: "nightly", idempotencyKeyTTL: "1h" });
      await wait.for({ seconds: 1, idempotencyKey: await idempotencyKeys.create("nightly") });
    });
    expect(durable.waits.map(({ fields }) => fields)).toEqual([
      { due: { inMs: 1000 }, idempotencyKey: sha256("nightly"), idempotencyKeyTtlMs: 3_600_000 },
      { due: { inMs: 1000 }, idempotencyKey: sha256("nightly-run_p") },
    ]);
    await expect(inRun(durable, () => wait.for({ seconds: 1, idempotencyKeyTTL: "soon" }))).rejects.toMatchObject({
      code: "INVALID_WAIT",
    });
  });

  it("refuses a date in the past as it begins, and not when a replay comes by after it", async () => {
    const durable = new FakeDurable();
    const late = () => wait.until({ date: new Date(1000), throwIfInThePast: true });
    await expect(inRun(durable, late)).rejects.toMatchObject({ code: "INVALID_WAIT" });
    durable.isRecorded = true;
    await expect(inRun(durable, late)).resolves.toBeDefined();
  });
});

describe("a wait for a token", () => {
  it("gives the value, in a result or unwrapped", async () => {
    const durable = new FakeDurable();
    durable.answer = { value: '{"json":{"a":1}}', valueType: "application/super+json" };
    const { output } = await inRun(durable, async () => [
      await wait.forToken({ id: "waitpoint_1" }),
      await wait.forToken("waitpoint_1").unwrap(),
    ]);
    expect(output).toEqual([{ ok: true, output: { a: 1 } }, { a: 1 }]);
    expect(durable.waits[0]).toMatchObject({ fingerprint: "token:waitpoint_1", fields: { tokenId: "waitpoint_1" } });
  });

  it("gives a marked WaitpointTimeoutError, in a result or thrown", async () => {
    const durable = new FakeDurable();
    durable.answer = { ok: false, error: { name: "Error", message: "too late" } };
    const { output } = await inRun(durable, async () => wait.forToken("waitpoint_1"));
    expect(output).toEqual({ ok: false, error: expect.any(WaitpointTimeoutError) as Error });
    expect(durable.marked).toEqual([{ entry: 7, error: !output.ok && output.error }]);
    const thrown = inRun(durable, () => wait.forToken("waitpoint_1").unwrap());
    await expect(thrown).rejects.toMatchObject({ name: "WaitpointTimeoutError", message: "too late" });
  });

  it.each([undefined, null, "", {}, 5])("names what was given instead of a token: %s", async (given) => {
    const waiting = inRun(new FakeDurable(), () => wait.forToken(given as never));
    await expect(waiting).rejects.toMatchObject({ code: "INVALID_WAIT" });
  });

  it("a token made in a run has a key of the call's own, unless the user gave one", async () => {
    const { sent } = await inRun(new FakeDurable(), async () => {
      await wait.createToken({ timeout: new Date(1000), tags: "a" });
      await wait.createToken({ idempotencyKey: "mine" });
    });
    expect(sent.map(({ body }) => body)).toEqual([
      { timeout: "1970-01-01T00:00:01.000Z", tags: "a", idempotencyKey: sha256("once-run_p") },
      { idempotencyKey: "mine" },
    ]);
  });

  it.each(["soon", "", 5, new Date("x")])("a timeout that is none is named: %s", async (timeout) => {
    await expect(wait.createToken({ timeout: timeout as string })).rejects.toMatchObject({ code: "INVALID_WAIT" });
  });
});

describe("a child", () => {
  it("runs in its parent's version with the call's key, unless the user says otherwise", async () => {
    const { sent } = await inRun(new FakeDurable(), async () => {
      await child.triggerAndWait(1);
      await child.triggerAndWait(2, { idempotencyKey: "mine", version: "20250101.1", queue: "slow" });
    });
    expect(sent.map(({ body }) => body.options)).toMatchObject([
      { lockToVersion: "20260101.3", idempotencyKey: sha256("once-run_p"), parentRunId: "run_p" },
      { lockToVersion: "20250101.1", idempotencyKey: sha256("mine-run_p"), queue: { name: "slow" } },
    ]);
  });

  it("is known by task, payload and the options that matter", async () => {
    const durable = new FakeDurable();
    await inRun(durable, async () => {
      await child.triggerAndWait(1);
      await child.triggerAndWait(1, { tags: ["a"] });
      await child.triggerAndWait(2);
      await child.triggerAndWait(1, { concurrencyKey: "k" });
    });
    const prints = durable.waits.map(({ fingerprint }) => fingerprint);
    expect(prints[1]).toBe(prints[0]);
    expect(new Set(prints).size).toBe(3);
    expect(durable.waits[0]).toMatchObject({ kind: "child", label: "child", fields: { childRunId: "run_c" } });
  });

  it("that fails is a result with a marked error that looks like the child's; unwrapped, its cause", async () => {
    const durable = new FakeDurable();
    const cause = { name: "TypeError", message: "deep" };
    durable.answer = { ok: false, error: { name: "Error", message: "boom", code: "E_BOOM", cause } };
    const { output } = await inRun(durable, async () => child.triggerAndWait(1));
    expect(output).toMatchObject({ ok: false, id: "run_c", taskIdentifier: "child" });
    const { error } = output as { error: Error };
    expect(error).toMatchObject({ message: "boom", code: "E_BOOM", cause: { name: "TypeError" } });
    const thrown = await inRun(durable, () => child.triggerAndWait(1).unwrap()).catch((caught: unknown) => caught);
    expect(thrown).toBeInstanceOf(SubtaskUnwrapError);
    expect(thrown).toMatchObject({ message: "Error in child: boom", taskId: "child", runId: "run_c" });
    expect(durable.marked.map((mark) => mark.error)).toEqual([error, (thrown as Error).cause]);
  });

  it("may be one of many that are waited for at once", async () => {
    const durable = new FakeDurable();
    durable.answer = { value: "3", valueType: "application/json" };
    const { output } = await inRun(durable, () =>
      Promise.all([child.triggerAndWait(1).unwrap(), wait.for({ seconds: 1 }), child.triggerAndWait(2).unwrap()]),
    );
    expect(output).toEqual([3, undefined, 3]);
  });
});

describe("a batch of children", () => {
  const ended = [
    { id: "run_1", taskIdentifier: "child", ok: true, output: '{"json":5}', outputType: "application/super+json" },
    { id: "run_2", taskIdentifier: "child", ok: false, error: { name: "Error", message: "boom" } },
    { taskIdentifier: "child", ok: false, error: { name: "Error", message: "refused" } },
  ];

  it("gives each its own result, in order, and marks the errors", async () => {
    const durable = new FakeDurable();
    durable.answer = { value: JSON.stringify(ended) };
    const items = [{ payload: 1 }, { payload: 2 }, { payload: 3 }];
    const { output } = await inRun(durable, () => child.batchTriggerAndWait(items));
    expect(output).toMatchObject({
      id: "batch_b",
      runs: [
        { ok: true, id: "run_1", taskIdentifier: "child", output: 5 },
        { ok: false, id: "run_2", error: { message: "boom" } },
        { ok: false, id: "", error: { message: "refused" } },
      ],
    });
    expect(durable.marked.map(({ entry }) => entry)).toEqual([7, 7]);
    expect(durable.waits[0]).toMatchObject({ kind: "batch", label: "3 × child", fields: { batchId: "batch_b" } });
  });

  it("is a batch of its own in each attempt, whose items keep their keys, so that a retry repeats what failed", async () => {
    const durable = new FakeDurable();
    durable.answer = { value: "[]" };
    const call = () => child.batchTriggerAndWait([{ payload: 1 }, { payload: 2, options: { version: "20250101.1" } }]);
    const [first, again, second] = [
      await inRun(durable, call, 1),
      await inRun(durable, call, 1),
      await inRun(durable, call, 2),
    ].map(({ sent }) => ({
      batch: sent[0]?.body.idempotencyKey,
      items: sent.slice(1).map(({ body }) => body.options?.idempotencyKey),
      versions: sent.slice(1).map(({ body }) => body.options?.lockToVersion),
    }));
    expect(again).toEqual(first);
    expect(second?.batch).not.toBe(first?.batch);
    expect(second?.items).toEqual(first?.items);
    expect(new Set(first?.items).size).toBe(2);
    expect(first?.versions).toEqual(["20260101.3", "20250101.1"]);
  });

  it("uses the user's key for its items", async () => {
    const durable = new FakeDurable();
    durable.answer = { value: "[]" };
    const call = () => child.batchTriggerAndWait([{ payload: 1 }], { idempotencyKey: "mine" });
    const { sent } = await inRun(durable, call);
    expect(sent[1]?.body.options?.idempotencyKey).toBe(sha256("mine-0-run_p"));
    expect(sent[0]?.body.idempotencyKey).toBe(sha256("once-attempt 1-run_p"));
  });

  it("may be read from an async source; an empty one is an error", async () => {
    const durable = new FakeDurable();
    durable.answer = { value: "[]" };
    async function* source() {
      yield { payload: 1 };
      yield { payload: 2 };
    }
    await inRun(durable, () => child.batchTriggerAndWait(source()));
    expect(durable.waits[0]?.label).toBe("2 × child");
    await expect(inRun(durable, () => child.batchTriggerAndWait([]))).rejects.toThrow("at least one item");
  });
});

describe("a trigger inside a run", () => {
  it("is made once: it carries the call's key where the user gave none, and is not locked to a version", async () => {
    const { sent } = await inRun(new FakeDurable(), async () => {
      await child.trigger(1);
      await child.trigger(2, { idempotencyKey: "mine" });
      await child.batchTrigger([{ payload: 3 }]);
    });
    expect(sent[0]?.body.options).toMatchObject({ idempotencyKey: sha256("once-run_p"), parentRunId: "run_p" });
    expect(sent[0]?.body.options?.lockToVersion).toBeUndefined();
    expect(sent[1]?.body.options?.idempotencyKey).toBe(sha256("mine-run_p"));
    expect(sent[2]?.body.idempotencyKey).toBe(sha256("once-run_p"));
    expect(sent[3]?.body.options?.idempotencyKey).toBe(sha256("once-0-run_p"));
  });
});
