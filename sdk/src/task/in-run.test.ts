/** What a task's code may call while it runs. */
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { DEFAULT_LIMITS } from "../contract/index.ts";
import { runTask } from "../testing/run-task.ts";
import { catalogue } from "./catalogue.ts";
import { type Task, task } from "./define-task.ts";
import { locals } from "./locals.ts";
import { setLogLevel } from "./log-level.ts";
import { logger } from "./logger.ts";
import { metadata } from "./metadata.ts";
import { currentScope } from "./run-scope.ts";
import { tags } from "./tags.ts";
import { tasks } from "./tasks.ts";
import { timeout } from "./timeout.ts";
import { usage } from "./usage.ts";

/** A task around one function. */
function inRun<T>(body: () => T | Promise<T>): Task<"in-run", void, T> {
  return task({ id: "in-run", run: async () => body() });
}

beforeEach(() => void (catalogue().hooks = {}));
afterEach(() => vi.restoreAllMocks());

describe("metadata", () => {
  it("is seen at once by the code that changes it, and sent in order", async () => {
    const result = await runTask(
      inRun(() => {
        metadata
          .set("status", "importing")
          .increment("rows", 2)
          .increment("rows")
          .append("log", "a")
          .append("log", "b");
        metadata.remove("log", "a").set("$.user.name", "Ada").decrement("left").del("old");
        return [metadata.current(), metadata.get("$.user.name"), metadata.get("nothing")];
      }),
      undefined,
      { metadata: { old: 1 } },
    );
    const want = { status: "importing", rows: 3, log: ["b"], user: { name: "Ada" }, left: -1 };
    expect(result.output).toEqual([want, "Ada", undefined]);
    expect(result.metadata).toEqual(want);
  });

  it("keeps a value as it was when it was set", async () => {
    const result = await runTask(
      inRun(() => {
        const list = [1];
        metadata.set("list", list);
        list.push(2);
        (metadata.get("list") as number[]).push(3);
        metadata.append("list", { at: new Date(0), gone: undefined });
        return metadata.get("list");
      }),
      undefined,
    );
    expect(result.output).toEqual([1, { at: "1970-01-01T00:00:00.000Z" }]);
    expect(result.metadata).toEqual({ list: result.output });
  });

  it("of the parent and the root is theirs in a child run, and the run's own in a root run", async () => {
    const report = inRun(() => {
      metadata.parent.set("child", "done");
      metadata.root.increment("children");
    });
    const child = await runTask(report, undefined, { parentRunId: "run_parent" });
    expect(child).toMatchObject({ metadata: {}, parentMetadata: { child: "done" }, rootMetadata: { children: 1 } });
    expect((await runTask(report, undefined)).metadata).toEqual({ child: "done", children: 1 });
  });

  it("over the limit is refused with the limit's name, and nothing is changed", async () => {
    const half = "é".repeat(DEFAULT_LIMITS.metadataBytes / 4);
    const result = await runTask(
      inRun(() => {
        metadata.set("a", half);
        try {
          metadata.append("b", half);
        } catch (error) {
          metadata.set("error", (error as Error).message);
        }
      }),
      undefined,
    );
    expect(result.metadata).toMatchObject({ a: half, error: expect.stringContaining("metadataBytes") });
    expect(result.metadata).not.toHaveProperty("b");
  });

  it("with a value that has no JSON fails the run by name", async () => {
    const result = await runTask(
      inRun(() => void metadata.set("big", 1n)),
      undefined,
    );
    expect(result.outcome).toMatchObject({
      error: { code: "NOT_SERIALIZABLE", message: expect.stringContaining('"big"') },
    });
  });

  it("outside a run does nothing", () => {
    metadata.set("a", 1);
    expect(metadata.current()).toBeUndefined();
  });
});

describe("logs", () => {
  it("carry level and attributes", async () => {
    const { logs } = await runTask(
      inRun(() => {
        logger.debug("d");
        logger.info("i", { n: 1n, at: new Map([["k", new Set([1])]]) });
        logger.error("e", { error: new Error("x") });
      }),
      undefined,
    );
    expect(logs).toMatchObject([
      { level: "debug", message: "d" },
      { level: "info", message: "i", data: { n: "1", at: { k: [1] } } },
      { level: "error", message: "e", data: { error: { name: "Error", message: "x" } } },
    ]);
  });

  it("below the project's logLevel are dropped, the console's never", async () => {
    setLogLevel("warn");
    const { logs } = await runTask(
      inRun(() => {
        logger.info("quiet");
        logger.error("loud");
        console.debug("mine");
      }),
      undefined,
    );
    setLogLevel("trace");
    expect(logs.map(({ message }) => message)).toEqual(["loud", "mine"]);
  });

  it("survive attributes with cycles, shared members and getters that throw", async () => {
    const shared = { n: 1 };
    const cyclic: Record<string, unknown> = { a: shared, b: shared };
    cyclic.self = cyclic;
    const broken = {
      get x() {
        throw new Error("no");
      },
    };
    const { logs, ok } = await runTask(
      inRun(() => {
        logger.info("cycle", cyclic);
        logger.info("broken", broken);
      }),
      undefined,
    );
    expect(ok).toBe(true);
    expect(logs).toMatchObject([
      { data: { a: { n: 1 }, b: { n: 1 }, self: "[cycle]" } },
      { data: { unserializable: "no" } },
    ]);
  });

  it("are cut at the line limit, and say how long they were", async () => {
    const { logs } = await runTask(
      inRun(() => logger.info("ü".repeat(600_000))),
      undefined,
    );
    const [line] = logs;
    expect(Buffer.byteLength(line?.message ?? "")).toBeLessThanOrEqual(DEFAULT_LIMITS.logLineBytes);
    expect(line?.message).toMatch(/^ü+… \(cut: 1200000 bytes, the limit is 65536\)$/);
  });

  it("of a traced function tell its time, attributes and error", async () => {
    const { logs, error } = await runTask(
      inRun(() =>
        logger.trace(
          "load",
          async (span) => {
            span.setAttribute("rows", 3);
            throw new Error("half-way");
          },
          { attributes: { file: "a.csv" } },
        ),
      ),
      undefined,
    );
    expect(error?.message).toBe("half-way");
    expect(logs).toMatchObject([
      { level: "error", message: "load", data: { file: "a.csv", rows: 3, durationMs: expect.any(Number) } },
    ]);
  });

  it("outside a run go to the console", () => {
    const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
    logger.warn("hot", { degrees: 40 });
    expect(warn).toHaveBeenCalledWith("hot", { degrees: 40 });
  });
});

describe("the console", () => {
  it("inside a run is the run's log, formatted as ever, with its level", async () => {
    const { logs } = await runTask(
      inRun(() => {
        console.log("%s is %d", "x", 1, { a: 1 });
        console.warn(new Error("careful"));
        console.table([{ a: 1 }]);
        console.dir({ deep: 1 });
        console.trace("here");
      }),
      undefined,
    );
    expect(logs.map(({ level }) => level)).toEqual(["log", "warn", "log", "log", "trace"]);
    expect(logs[0]?.message).toBe("x is 1 { a: 1 }");
    expect(logs[1]?.message).toContain("Error: careful");
    expect(logs[2]?.message).toContain("│ a │");
    expect(logs[3]?.message).toBe("{ deep: 1 }");
    expect(logs[4]?.message).toMatch(/^here\n\s+at .*in-run\.test\.ts/);
  });

  it("belongs to the run that writes, also when two run at once and from a timer", async () => {
    const chatty = task({
      id: "chatty",
      run: async ({ name }: { name: string }) => {
        console.log(`${name} 1`);
        await new Promise<void>((resolve) => setImmediate(() => resolve(console.log(`${name} 2`))));
        console.log(`${name} 3`);
      },
    });
    const [a, b] = await Promise.all([runTask(chatty, { name: "a" }), runTask(chatty, { name: "b" })]);
    expect(a.logs.map(({ message }) => message)).toEqual(["a 1", "a 2", "a 3"]);
    expect(b.logs.map(({ message }) => message)).toEqual(["b 1", "b 2", "b 3"]);
  });
});

describe("locals", () => {
  const Db = locals.create<{ url: string }>("db");

  it("that middleware sets are read by the function and its hooks, in that run only", async () => {
    tasks.middleware(async ({ next }) => {
      locals.set(Db, { url: "postgres://" });
      await next();
    });
    let inHook: unknown;
    const reader = task({
      id: "reader",
      onSuccess: () => void (inHook = locals.get(Db)),
      run: async () => locals.getOrThrow(Db).url,
    });
    expect((await runTask(reader, undefined)).output).toBe("postgres://");
    expect(inHook).toEqual({ url: "postgres://" });
    expect(locals.get(Db)).toBeUndefined();
  });

  it("that were not set are undefined or, where they must be, an error that names them", async () => {
    const result = await runTask(
      inRun(() => [locals.get(Db), locals.getOrThrow(Db)]),
      undefined,
    );
    expect(result.error?.message).toBe('No local "db" was set in this run.');
    expect(() => locals.set(Db, { url: "" })).toThrow("inside a run only");
  });

  it("of one id are one key, so that copies of a module agree", async () => {
    const result = await runTask(
      inRun(() => {
        locals.set(Db, { url: "x" });
        return locals.get(locals.create<{ url: string }>("db"))?.url;
      }),
      undefined,
    );
    expect(result.output).toBe("x");
  });
});

describe("the rest of a run's surroundings", () => {
  it("ctx tells run, attempt, task and where they are", async () => {
    const showing = task({ id: "showing", run: async (_payload: void, { ctx }) => ctx });
    const { output } = await runTask(showing, undefined, { attempt: 2, maxAttempts: 5, tags: ["a"] });
    expect(output).toMatchObject({
      task: { id: "showing" },
      attempt: { number: 2, startedAt: expect.any(Date) },
      run: { id: "run_test", tags: ["a"], isTest: true, maxAttempts: 5, createdAt: expect.any(Date) },
      environment: { type: "DEVELOPMENT" },
      machine: { name: "small-1x", cpu: 0.5, memory: 0.5 },
      deployment: { version: "20260101.1" },
    });
  });

  it("tags are added to the run and to its ctx", async () => {
    const tagging = task({
      id: "tagging",
      run: async (_payload: void, { ctx }) => {
        await tags.add(["a", "b"]);
        await tags.add("b");
        return ctx.run.tags;
      },
    });
    expect(await runTask(tagging, undefined, { tags: ["z"] })).toMatchObject({
      output: ["z", "a", "b"],
      tags: ["z", "a", "b"],
    });
    await expect(tags.add("x")).rejects.toThrow("inside a run only");
  });

  it("usage tells the time so far, and times a function", async () => {
    const result = await runTask(
      inRun(async () => [usage.getCurrent(), (await usage.measure(async () => "r")).result] as const),
      undefined,
    );
    expect(result.output?.[0].compute.attempt.durationMs).toBeGreaterThanOrEqual(0);
    expect(result.output?.[1]).toBe("r");
    expect(() => usage.getCurrent()).toThrow("inside a run only");
  });

  it("timeout.signal is the run's signal", async () => {
    const controller = new AbortController();
    const result = await runTask(
      inRun(() => timeout.signal === controller.signal),
      undefined,
      { signal: controller.signal },
    );
    expect(result.output).toBe(true);
    expect(timeout.signal).toBeUndefined();
    expect(timeout.None).toBe(2_147_483_647);
  });

  it("is found by another copy of the SDK in the same process", async () => {
    const shared = (globalThis as Record<symbol, { getStore(): unknown } | undefined>)[Symbol.for("dev.gantry.run")];
    const result = await runTask(
      inRun(() => shared?.getStore() === currentScope() && currentScope() !== undefined),
      undefined,
    );
    expect(result.output).toBe(true);
  });
});
