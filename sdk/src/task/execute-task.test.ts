import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { type RunTaskOptions, runTask } from "../testing/run-task.ts";
import { testGrant } from "../testing/test-grant.ts";
import { TestHost } from "../testing/test-host.ts";
import { catalogue } from "./catalogue.ts";
import { schemaTask, task } from "./define-task.ts";
import { AbortTaskRunError, CompleteTaskWithOutput, OutOfMemoryError, RetryAfterError } from "./errors.ts";
import { executeTask, interruptTask } from "./execute-task.ts";
import type { CatchErrorDecision } from "./hooks.ts";
import type { TaskOptions } from "./task-options.ts";
import { tasks } from "./tasks.ts";

let calls: string[];
beforeEach(() => {
  calls = [];
  catalogue().hooks = {};
});
afterEach(() => {
  catalogue().hooks = {};
  vi.useRealTimers();
});

const words = (text: string) => text.trim().split(/\s+/);
const note = (name: string) => () => void calls.push(name);

/** Every hook of a task or of the project, each noting its name. */
function notingHooks(prefix: string) {
  return {
    init: note(`${prefix}init`),
    onStart: note(`${prefix}onStart`),
    onStartAttempt: note(`${prefix}onStartAttempt`),
    onSuccess: note(`${prefix}onSuccess`),
    onFailure: note(`${prefix}onFailure`),
    onComplete: note(`${prefix}onComplete`),
    onCancel: note(`${prefix}onCancel`),
    catchError: note(`${prefix}catchError`),
    cleanup: note(`${prefix}cleanup`),
    middleware: async ({ next }: { next: () => Promise<void> }) => {
      calls.push(`${prefix}middleware`);
      await next();
      calls.push(`${prefix}/middleware`);
    },
  };
}

function registerGlobals(): void {
  const hooks = notingHooks("g.");
  for (const name of Object.keys(hooks) as (keyof typeof hooks)[])
    (tasks[name] as (hook: unknown) => void)(hooks[name]);
}

const boom = () => new Error("boom");

function failing(options: Partial<TaskOptions<string, unknown, unknown>> = {}, makeError: () => unknown = boom) {
  return task({
    id: "failing",
    ...options,
    run: async (_payload: unknown) => {
      throw makeError();
    },
  });
}

describe("an attempt", () => {
  it("calls middleware and hooks in Trigger.dev's order, global ones first", async () => {
    registerGlobals();
    const ok = task({ id: "ok", ...notingHooks("t."), run: async () => void calls.push("run") });
    expect((await runTask(ok, undefined)).ok).toBe(true);
    expect(calls).toEqual(
      words(`
      g.middleware t.middleware g.init t.init g.onStart t.onStart g.onStartAttempt t.onStartAttempt
      run g.onSuccess t.onSuccess g.onComplete t.onComplete g.cleanup t.cleanup t./middleware
      g./middleware
    `),
    );
  });

  it("asks the task's catchError before the global one, and tells of a failure that is final", async () => {
    registerGlobals();
    await runTask(failing(notingHooks("t.")), {});
    expect(calls.slice(8)).toEqual(
      words(`
      t.catchError g.catchError g.onFailure t.onFailure g.onComplete t.onComplete g.cleanup t.cleanup
      t./middleware g./middleware
    `),
    );
  });

  it("calls onStart in the first attempt only, and onFailure in the last only", async () => {
    const result = await runTask(failing(notingHooks("")), {}, { retries: true, maxAttempts: 3 });
    expect(calls.filter((name) => name === "onStart")).toHaveLength(1);
    expect(calls.filter((name) => name === "onStartAttempt")).toHaveLength(3);
    expect(calls.filter((name) => name === "onFailure" || name === "onComplete")).toEqual(["onFailure", "onComplete"]);
    expect(result).toMatchObject({ status: "FAILED", attempt: 3, delays: [1000, 2000] });
  });

  it("merges what init hooks return and hands it on", async () => {
    tasks.init(() => ({ a: 1, b: 1 }));
    const seen: unknown[] = [];
    const withInit = task({
      id: "with-init",
      init: async () => ({ b: 2 }),
      onSuccess: ({ init }) => void seen.push(init),
      run: async (_payload: void, { init }) => init,
    });
    const result = await runTask(withInit, undefined);
    expect(result.output).toEqual({ a: 1, b: 2 });
    expect(seen).toEqual([{ a: 1, b: 2 }]);
  });

  it("fails where a hook before the function throws, and not where one after it does", async () => {
    const before = task({
      id: "before",
      onStartAttempt: () => {
        throw new Error("not today");
      },
      run: note("run"),
    });
    expect(await runTask(before, undefined)).toMatchObject({ ok: false, error: { message: "not today" } });
    expect(calls).toEqual([]);

    const after = task({
      id: "after",
      onSuccess: () => {
        throw new Error("mail server away");
      },
      run: async () => 1,
    });
    const result = await runTask(after, undefined);
    expect(result.output).toBe(1);
    expect(result.logs).toMatchObject([{ level: "error", message: "The hook onSuccess failed" }]);
  });

  it("fails without a retry where a middleware does not call next", async () => {
    const skipping = task({ id: "skipping", middleware: async () => {}, run: note("run") });
    const { outcome } = await runTask(skipping, undefined);
    expect(outcome).toMatchObject({ error: { code: "MIDDLEWARE_SKIPPED_RUN" }, retry: { by: "never" } });
  });

  it("fails where a middleware throws, and tells catchError and onFailure", async () => {
    const failingMiddleware = task({
      id: "failing-middleware",
      ...notingHooks(""),
      middleware: async () => {
        throw new Error("no database");
      },
      run: note("run"),
    });
    const { error } = await runTask(failingMiddleware, undefined);
    expect(error?.message).toBe("no database");
    expect(calls).toEqual(["catchError", "onFailure", "onComplete", "cleanup"]);
  });

  it("of an unknown task fails without a retry and names those there are", async () => {
    const grant = testGrant({ taskId: "nope", payload: 1, attempt: 1, maxAttempts: 3, metadata: {}, tags: [] });
    expect(await executeTask(grant, new TestHost({}), new AbortController().signal)).toMatchObject({
      kind: "failed",
      error: { code: "TASK_NOT_FOUND", message: expect.stringContaining('no task "nope"') },
      retry: { by: "never" },
    });
  });

  it("of a payload that cannot be read fails without a retry", async () => {
    task({ id: "reader", run: async () => 1 });
    const grant = testGrant({
      taskId: "reader",
      payload: { a: 1 },
      attempt: 1,
      maxAttempts: 3,
      metadata: {},
      tags: [],
    });
    grant.run.payload = "{";
    expect(await executeTask(grant, new TestHost({}), new AbortController().signal)).toMatchObject({
      error: { code: "PAYLOAD_UNREADABLE" },
      retry: { by: "never" },
    });
  });
});

describe("a payload and an output", () => {
  const echo = task({ id: "echo", run: async (payload: unknown) => payload });
  const cyclic: { self?: unknown; date: Date } = { date: new Date(5) };
  cyclic.self = cyclic;

  for (const [title, payload] of Object.entries({
    "a NUL character": "a\0b",
    "dates, maps and bigints": { map: new Map([["a", 1n]]), at: new Date(1) },
    "a cycle": cyclic,
    nothing: undefined,
    "an empty text": "",
  })) {
    it(`survive: ${title}`, async () => expect((await runTask(echo, payload)).output).toEqual(payload));
  }

  it("that cannot be stored fails the run without a retry", async () => {
    const bad = task({ id: "bad", ...notingHooks(""), run: async () => ({ a: () => 1 }) });
    const { outcome } = await runTask(bad, undefined, { maxAttempts: 3 });
    expect(outcome).toMatchObject({
      error: { code: "NOT_SERIALIZABLE", message: "output.a is the function a, which cannot be stored." },
      retry: { by: "never" },
    });
    expect(calls).toContain("onFailure");
    expect(calls).not.toContain("onSuccess");
  });

  it("that a schema refuses fails the run without a retry, says why, and never reaches the function", async () => {
    const strict = schemaTask({
      id: "strict",
      schema: z.object({ age: z.number() }),
      ...notingHooks(""),
      run: note("run"),
    });
    const { outcome } = await runTask(strict, { age: "old" } as never, { maxAttempts: 3 });
    expect(outcome).toMatchObject({
      error: { name: "TaskPayloadParsedError", code: "PAYLOAD_INVALID", message: expect.stringContaining("age: ") },
      retry: { by: "never" },
    });
    expect(calls).toEqual(["onFailure", "onComplete", "cleanup"]);
  });
});

const thrown: Record<string, { error: unknown; wantMessage: string }> = {
  "a text": { error: "just text", wantMessage: "just text" },
  null: { error: null, wantMessage: "null" },
  undefined: { error: undefined, wantMessage: "undefined" },
  "a plain object": { error: { reason: "x" }, wantMessage: '{"reason":"x"}' },
  "a frozen error": { error: Object.freeze(new Error("cold")), wantMessage: "cold" },
  "a symbol": { error: Symbol("s"), wantMessage: "Symbol(s)" },
  "a bigint": { error: 7n, wantMessage: "7" },
  "an object without a prototype": { error: Object.create(null), wantMessage: "{}" },
  "an error whose members throw": {
    error: Object.defineProperties(new Error("hidden"), {
      name: {
        get() {
          throw new Error("no name");
        },
      },
      retryAt: {
        get() {
          throw new Error("no date");
        },
      },
      message: {
        get() {
          throw new Error("no message");
        },
      },
    }),
    wantMessage: "",
  },
  "an error whose cause is itself": {
    error: (() => {
      const error = new Error("loop");
      error.cause = error;
      return error;
    })(),
    wantMessage: "loop",
  },
  "a revoked proxy": {
    error: (() => {
      const { proxy, revoke } = Proxy.revocable({}, {});
      revoke();
      return proxy;
    })(),
    wantMessage: "a value that cannot be shown",
  },
};

describe("whatever is thrown", () => {
  for (const [title, { error, wantMessage }] of Object.entries(thrown)) {
    it(`is a failed attempt that may be retried: ${title}`, async () => {
      const { outcome } = await runTask(
        failing(notingHooks(""), () => error),
        {},
        { maxAttempts: 3 },
      );
      expect(outcome).toMatchObject({ kind: "failed", error: { message: wantMessage }, retry: { by: "policy" } });
      expect(calls).toContain("catchError");
      expect(() => JSON.stringify(outcome)).not.toThrow();
    });
  }

  it("keeps name, code, stack and the chain of causes", async () => {
    const error = Object.assign(new TypeError("outer", { cause: new RangeError("inner") }), { code: "E1" });
    const { outcome } = await runTask(
      failing({}, () => error),
      {},
    );
    expect(outcome).toMatchObject({
      error: {
        name: "TypeError",
        code: "E1",
        stack: expect.stringContaining("execute-task.test.ts"),
        cause: { name: "RangeError", message: "inner" },
      },
    });
  });
});

describe("what follows from an error", () => {
  const now = new Date("2026-01-01T00:00:00Z");
  beforeEach(() => {
    vi.useFakeTimers({ now });
  });

  it("AbortTaskRunError: never retried, catchError not asked", async () => {
    const result = await runTask(
      failing(notingHooks(""), () => new AbortTaskRunError("no")),
      {},
      { retries: true },
    );
    expect(result).toMatchObject({ attempt: 1, outcome: { retry: { by: "never" } } });
    expect(calls).not.toContain("catchError");
    expect(calls).toContain("onFailure");
  });

  it("CompleteTaskWithOutput: completed with it", async () => {
    const result = await runTask(
      failing(notingHooks(""), () => new CompleteTaskWithOutput({ early: true })),
      {},
    );
    expect(result.output).toEqual({ early: true });
    expect(calls).toContain("onSuccess");
  });

  it("OutOfMemoryError: crashed, its failure hooks left to the platform", async () => {
    const result = await runTask(
      failing(notingHooks(""), () => new OutOfMemoryError()),
      {},
    );
    expect(result.outcome).toMatchObject({ kind: "crashed", reason: "OUT_OF_MEMORY" });
    expect(calls).not.toContain("onFailure");
  });

  it("RetryAfterError: deferred, no attempt spent, onFailure not called even in the last attempt", async () => {
    const error = new RetryAfterError("later", { retryAfter: "90s" });
    const { outcome } = await runTask(
      failing(notingHooks(""), () => error),
      {},
      { attempt: 3, maxAttempts: 3 },
    );
    expect(outcome).toMatchObject({ retry: { by: "defer", delayMs: 90_000 } });
    expect(calls).not.toContain("onFailure");
  });

  it("an error of Gantry's API that would come again: never retried", async () => {
    const refusal = Object.assign(new Error("no such task"), { name: "NotFoundError", status: 404 });
    expect(
      (
        await runTask(
          failing({}, () => refusal),
          {},
          { maxAttempts: 3 },
        )
      ).outcome,
    ).toMatchObject({
      retry: { by: "never" },
    });
    const busy = Object.assign(new Error("slow down"), { name: "RateLimitError", status: 429 });
    expect(
      (
        await runTask(
          failing({}, () => busy),
          {},
          { maxAttempts: 3 },
        )
      ).outcome,
    ).toMatchObject({
      retry: { by: "policy" },
    });
  });

  const decisions: Record<string, { decision: CatchErrorDecision; attempt?: number; want: object }> = {
    "skipRetrying: never": { decision: { skipRetrying: true }, want: { retry: { by: "never" } } },
    "retryAt: after the time until then": {
      decision: { retryAt: new Date(now.getTime() + 5000) },
      want: { retry: { by: "after", delayMs: 5000 } },
    },
    "a retryAt that is past: at once": {
      decision: { retryAt: new Date(0) },
      want: { retry: { by: "after", delayMs: 0 } },
    },
    "retryDelayInMs: after it": { decision: { retryDelayInMs: 7 }, want: { retry: { by: "after", delayMs: 7 } } },
    "a policy of its own": {
      decision: { retry: { maxAttempts: 3, minTimeoutInMs: 100, randomize: false } },
      attempt: 2,
      want: { retry: { by: "after", delayMs: 200 } },
    },
    "a policy of its own that has no attempts left: never": {
      decision: { retry: { maxAttempts: 2 } },
      attempt: 2,
      want: { retry: { by: "never" } },
    },
    "another error: recorded, the policy stays": {
      decision: { error: new Error("translated") },
      want: { retry: { by: "policy" }, error: { message: "translated" } },
    },
  };
  for (const [title, { decision, attempt = 1, want }] of Object.entries(decisions)) {
    it(`catchError's ${title}`, async () => {
      const failingTask = failing({ catchError: async () => decision });
      expect((await runTask(failingTask, {}, { attempt, maxAttempts: 5 })).outcome).toMatchObject(want);
    });
  }

  it("catchError is shown the policy and what it would do", async () => {
    let shown: object | undefined;
    const options = { catchError: (params: object) => void (shown = params), retry: { randomize: false } };
    await runTask(failing(options), {}, { attempt: 2, maxAttempts: 5 });
    expect(shown).toMatchObject({
      error: { message: "boom" },
      task: "failing",
      retry: { factor: 2, randomize: false },
      retryDelayInMs: 2000,
      retryAt: new Date(now.getTime() + 2000),
    });
    await runTask(failing(options), {}, { attempt: 5, maxAttempts: 5 });
    expect(shown).toMatchObject({ retryDelayInMs: undefined, retryAt: undefined });
  });

  it("a catchError that throws ends the run with its own error", async () => {
    const options = {
      ...notingHooks(""),
      catchError: () => {
        throw new Error("hook broken");
      },
    };
    const { outcome } = await runTask(failing(options), {}, { maxAttempts: 5 });
    expect(outcome).toMatchObject({ error: { message: "hook broken" }, retry: { by: "never" } });
    expect(calls).toContain("onFailure");
  });

  it("handleError is the older name of catchError", async () => {
    const { outcome } = await runTask(failing({ handleError: () => ({ skipRetrying: true }) }), {}, { maxAttempts: 5 });
    expect(outcome).toMatchObject({ retry: { by: "never" } });
  });
});

describe("a cancel", () => {
  /** Starts a task and cancels it once its function runs. */
  async function cancelWhileRunning(
    build: (started: () => void) => TaskOptions<string, void, unknown>,
    options: RunTaskOptions = {},
  ) {
    const controller = new AbortController();
    const started = Promise.withResolvers<void>();
    const result = runTask(task(build(started.resolve)), undefined, { ...options, signal: controller.signal });
    await started.promise;
    controller.abort(new Error("canceled by a person"));
    return result;
  }
  const forever = new Promise<never>(() => {});

  it("ends a function that cannot know of it, once onCancel hooks have run", async () => {
    registerGlobals();
    const result = await cancelWhileRunning((started) => ({
      id: "deaf",
      ...notingHooks("t."),
      run: async () => {
        started();
        await forever;
      },
    }));
    expect(result.status).toBe("CANCELED");
    expect(calls.filter((name) => name.includes("Cancel"))).toEqual(["g.onCancel", "t.onCancel"]);
  });

  it("waits for a function that has the signal; its error means canceled, not failed", async () => {
    const result = await cancelWhileRunning((started) => ({
      id: "listening",
      ...notingHooks(""),
      run: async (_payload, { signal }) => {
        started();
        await new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
      },
    }));
    expect(result.status).toBe("CANCELED");
    expect(calls).not.toContain("onFailure");
    expect(calls).not.toContain("catchError");
    expect(calls).toContain("cleanup");
  });

  it("loses to a function that returns after all", async () => {
    const result = await cancelWhileRunning((started) => ({
      id: "returning",
      ...notingHooks(""),
      run: async (_payload, { signal }) => {
        started();
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
        return "done anyway";
      },
    }));
    expect(result.output).toBe("done anyway");
    expect(calls).toContain("onSuccess");
  });

  it("gives onCancel hooks the function's promise", async () => {
    let seen: unknown;
    const stop = Promise.withResolvers<number>();
    const result = await cancelWhileRunning((started) => ({
      id: "promised",
      onCancel: async ({ runPromise }) => {
        stop.resolve(5);
        seen = await runPromise;
      },
      run: async () => {
        started();
        return stop.promise;
      },
    }));
    expect(seen).toBe(5);
    expect(result.output).toBe(5);
  });

  it("before the start runs nothing", async () => {
    const result = await runTask(failing(notingHooks("")), {}, { signal: AbortSignal.abort() });
    expect(result.status).toBe("CANCELED");
    expect(calls).toEqual([]);
  });
});

describe("an error that nobody awaited", () => {
  it("fails the function that is running, with its hooks and its retry", async () => {
    const started = Promise.withResolvers<void>();
    task({
      id: "careless",
      ...notingHooks(""),
      run: async () => {
        started.resolve();
        await new Promise(() => {});
      },
    });
    const host = new TestHost({});
    const grant = testGrant({ taskId: "careless", payload: {}, attempt: 2, maxAttempts: 2, metadata: {}, tags: [] });
    const outcome = executeTask(grant, host, new AbortController().signal);
    await started.promise;
    expect(interruptTask(host, new Error("socket hang up"))).toBe(true);
    expect(await outcome).toMatchObject({
      kind: "failed",
      error: { message: "socket hang up" },
      retry: { by: "policy" },
    });
    expect(calls).toContain("onFailure");
    expect(interruptTask(host, new Error("too late"))).toBe(false);
  });
});

describe("a worker that is told to stop", () => {
  const draining = () => AbortSignal.abort(Object.assign(new Error("The node is drained"), { code: "DRAINING" }));

  it("is told to function and hooks by a signal of its own, which cancels nothing", async () => {
    let hooks: boolean | undefined;
    const told = task({
      id: "told",
      onStart: ({ drainSignal }) => void (hooks = drainSignal.aborted),
      run: async (_payload: unknown, { signal, drainSignal }) => [signal.aborted, drainSignal.aborted],
    });
    expect((await runTask(told, undefined)).output).toEqual([false, false]);
    expect((await runTask(told, undefined, { drainSignal: draining() })).output).toEqual([false, true]);
    expect(hooks).toBe(true);
  });

  it("gets the run back when the function throws the signal's reason: no attempt is spent, only cleanup hears of it", async () => {
    const leaving = task({
      id: "leaving",
      ...notingHooks(""),
      run: async (_payload: unknown, { drainSignal }) => drainSignal.throwIfAborted(),
    });
    const result = await runTask(leaving, undefined, { drainSignal: draining() });
    expect(result).toMatchObject({ ok: false, status: "QUEUED", outcome: { kind: "returned" } });
    expect(calls.slice(-2)).toEqual(["cleanup", "/middleware"]);
    expect(calls).not.toContain("onFailure");
  });

  it("does not hide another error", async () => {
    const result = await runTask(failing(), undefined, { drainSignal: draining() });
    expect(result.status).toBe("FAILED");
  });
});

describe("a run that ended without its process", () => {
  function crashedGrant(taskId: string) {
    const grant = testGrant({ taskId, payload: { n: 1 }, attempt: 1, maxAttempts: 3, metadata: {}, tags: [] });
    grant.run.failureHook = {
      status: "CRASHED",
      error: { name: "Error", message: "out of memory", code: "OUT_OF_MEMORY" },
    };
    return grant;
  }

  it("gets its failure hooks, inside the middleware, and nothing else", async () => {
    registerGlobals();
    let shown: object | undefined;
    task({
      id: "crashed",
      ...notingHooks("t."),
      onFailure: (params) => void (shown = params),
      run: note("run"),
    });
    const outcome = await executeTask(crashedGrant("crashed"), new TestHost({}), new AbortController().signal);
    expect(outcome).toEqual({ kind: "completed", outputType: "application/json" });
    expect(shown).toMatchObject({ payload: { n: 1 }, error: { message: "out of memory", code: "OUT_OF_MEMORY" } });
    expect(calls).toEqual(
      words(`
      g.middleware t.middleware g.onFailure g.onComplete t.onComplete t./middleware g./middleware
    `),
    );
  });

  it("gets them once even where the middleware or the hook fails", async () => {
    task({
      id: "crashed",
      middleware: async () => {
        throw new Error("no database");
      },
      onFailure: () => {
        calls.push("onFailure");
        throw new Error("no mail");
      },
      run: note("run"),
    });
    const outcome = await executeTask(crashedGrant("crashed"), new TestHost({}), new AbortController().signal);
    expect(outcome.kind).toBe("completed");
    expect(calls).toEqual(["onFailure"]);
  });
});
