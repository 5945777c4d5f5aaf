import { describe, expect, it } from "vitest";
import { runTask } from "../../testing/run-task.ts";
import { task } from "../define-task.ts";
import { step } from "../durable/step.ts";
import { metadata } from "../metadata.ts";
import { wait } from "../waits/wait.ts";
import { streams } from "./streams.ts";

async function* words(...given: string[]) {
  for (const word of given) yield word;
}

const answer = streams.define<string>({ id: "answer" });
const approval = streams.input<{ approved: boolean }>({ id: "approval" });

/** One task at a time: their ids need not differ. */
const of = (run: () => Promise<unknown>) => task({ id: "streaming", run, retry: { maxAttempts: 2 } });

describe("writing", () => {
  it("pipes a source, whose values the code reads beside", async () => {
    const run = of(async () => {
      const { stream, waitUntilComplete } = answer.pipe(words("a", "b", "c"));
      await waitUntilComplete();
      const all: string[] = [];
      for await (const word of stream) all.push(word);
      return all;
    });
    const result = await runTask(run, undefined);
    expect(result.error).toBeUndefined();
    expect(result.streams).toEqual({ answer: ["a", "b", "c"] });
    expect(result.output).toEqual(["a", "b", "c"]);
  });

  it("is waited for before the run ends, though nobody awaits it", async () => {
    async function* slow() {
      for (const word of ["a", "b"]) {
        await new Promise((turn) => setImmediate(turn));
        yield word;
      }
    }
    const result = await runTask(
      of(async () => {
        streams.pipe(slow());
        streams.pipe("log", new ReadableStream({ start: (controller) => (controller.enqueue(1), controller.close()) }));
      }),
      undefined,
    );
    expect(result.streams).toEqual({ default: ["a", "b"], log: [1] });
  });

  it("appends single chunks in order, as JSON", async () => {
    const result = await runTask(
      of(async () => {
        await streams.append("log", { at: new Date(0) });
        await Promise.all([streams.append("log", 1), streams.append("log", undefined), streams.append("default one")]);
        await streams.append("other run's", { target: "run_other" });
      }),
      undefined,
    );
    expect(result.error).toBeUndefined();
    expect(result.streams).toEqual({
      log: [{ at: "1970-01-01T00:00:00.000Z" }, 1, null],
      default: ["default one"],
      "run_other/default": ["other run's"],
    });
  });

  it("writes from code, and merges other streams into it", async () => {
    const result = await runTask(
      of(async () => {
        const { waitUntilComplete } = answer.writer({
          async execute({ write, merge }) {
            await write("first");
            merge(words("x", "y"));
          },
        });
        await waitUntilComplete();
      }),
      undefined,
    );
    expect(result.streams).toEqual({ answer: ["first", "x", "y"] });
  });

  it("fails with what the source, or the writer, throws, and stores what came before", async () => {
    async function* failing() {
      yield 1;
      throw new Error("the model went away");
    }
    const result = await runTask(
      of(async () => {
        const { waitUntilComplete, stream } = streams.pipe("out", failing());
        await expect(waitUntilComplete()).rejects.toThrow("the model went away");
        const seen: number[] = [];
        await expect(
          (async () => {
            for await (const value of stream) seen.push(value);
          })(),
        ).rejects.toThrow("the model went away");
        const broken = streams.writer("out", {
          execute: () => {
            throw new Error("the writer failed");
          },
        });
        await expect(broken.waitUntilComplete()).rejects.toThrow("the writer failed");
      }),
      undefined,
    );
    expect(result.error).toBeUndefined();
    expect(result.streams).toEqual({ out: [1] });
    expect(result.logs.map(({ level, message }) => [level, message])).toContainEqual([
      "warn",
      'The stream "out" was not stored whole',
    ]);
  });

  it("works outside of a run only where it is said whose stream is meant", async () => {
    expect(() => answer.pipe(words("a"))).toThrow("{ target: runId }");
  });

  it("has metadata.stream as its older name", async () => {
    const result = await runTask(
      of(async () => {
        for await (const word of await metadata.stream("old", words("a"))) metadata.set("last", word);
      }),
      undefined,
    );
    expect(result).toMatchObject({ streams: { old: ["a"] }, metadata: { last: "a" } });
  });
});

describe("code that runs again", () => {
  it("writes nothing twice where its process has gone at a wait", async () => {
    let passes = 0;
    const result = await runTask(
      of(async () => {
        passes += 1;
        await streams.append("log", "before");
        await step.run("answer", () => answer.pipe(words("a", "b")).waitUntilComplete());
        answer.pipe(words("c", "d"));
        await wait.for({ days: 1 });
        await streams.append("log", "after");
        answer.pipe(words("e"));
      }),
      undefined,
      { replay: true },
    );
    expect([passes, result.error]).toEqual([2, undefined]);
    expect(result.streams).toEqual({ log: ["before", "after"], answer: ["a", "b", "c", "d", "e"] });
  });

  it("goes on where an earlier attempt had stopped, as long as it yields the same", async () => {
    const result = await runTask(
      task({
        id: "retried",
        retry: { maxAttempts: 2 },
        run: async (_payload: void, { ctx }) => {
          const isFirst = ctx.attempt.number === 1;
          await answer.pipe(words(...(isFirst ? ["a", "b"] : ["a", "b", "c"]))).waitUntilComplete();
          if (isFirst) throw new Error("again");
        },
      }),
      undefined,
      { retries: true },
    );
    expect(result.streams).toEqual({ answer: ["a", "b", "c"] });
  });

  it("appends all of it where an earlier attempt had written something else, and once also over a replay", async () => {
    const result = await runTask(
      task({
        id: "retried",
        retry: { maxAttempts: 2 },
        run: async (_payload: void, { ctx }) => {
          const isFirst = ctx.attempt.number === 1;
          await answer.pipe(words("a", isFirst ? "b" : "B", "c")).waitUntilComplete();
          await wait.for({ minutes: 1 });
          if (isFirst) throw new Error("again");
          await wait.for({ minutes: 2 });
        },
      }),
      undefined,
      { retries: true, replay: true },
    );
    expect(result.ok).toBe(true);
    expect(result.streams).toEqual({ answer: ["a", "b", "c", "a", "B", "c"] });
  });

  it("writes a step's stream once, and again where the step failed and yields something else", async () => {
    let tries = 0;
    const result = await runTask(
      of(async () => {
        await step.run("done", () => answer.append("done"));
        await step.run(
          "tried",
          async () => {
            tries += 1;
            await answer.append(`try ${tries}`);
            await answer.append("same");
            if (tries < 2) throw new Error("once more");
          },
          { retry: { maxAttempts: 2, minTimeoutInMs: 0 } },
        );
      }),
      undefined,
      { replay: true },
    );
    expect(result.error).toBeUndefined();
    expect(result.streams).toEqual({ answer: ["done", "try 1", "same", "try 2", "same"] });
  });
});

describe("messages", () => {
  it("are waited for one after the other, also where the process has gone meanwhile", async () => {
    for (const replay of [false, true]) {
      const result = await runTask(
        of(async () => {
          const first = await approval.wait().unwrap();
          await wait.for({ hours: 1 });
          const second = await approval.once().unwrap();
          return [first, second, approval.peek()];
        }),
        undefined,
        { replay, inputs: { approval: [{ approved: false }, { approved: true }] } },
      );
      expect(result.error).toBeUndefined();
      expect(result.output).toEqual([{ approved: false }, { approved: true }, { approved: true }]);
    }
  });

  it("come from the test's onWait, or not at all in their time", async () => {
    const result = await runTask(
      of(async () => {
        const late = await approval.wait({ timeout: "1h" });
        const once = await approval.once({ timeoutMs: 1000 });
        return [late.ok, !late.ok && late.error.name, !once.ok && once.error.name, await approval.wait().unwrap()];
      }),
      undefined,
      { onWait: (token) => (token.timeoutMs === undefined ? { output: { approved: true } } : undefined) },
    );
    expect(result.output).toEqual([false, "WaitpointTimeoutError", "InputStreamTimeoutError", { approved: true }]);
  });

  it("are heard in order by a handler, until the function ends", async () => {
    const result = await runTask(
      task({
        id: "hearing",
        run: async (_payload: void, { ctx }) => {
          const heard: unknown[] = [];
          const all = Promise.withResolvers<void>();
          approval.on((message) => {
            heard.push(message);
            if (heard.length === 3) all.resolve();
            if (heard.length === 2) throw new Error("the handler failed");
          });
          await approval.send(ctx.run.id, { approved: true });
          await all.promise;
          return heard;
        },
      }),
      undefined,
      { inputs: { approval: [1, 2] } },
    );
    expect(result.error).toBeUndefined();
    expect(result.output).toEqual([1, 2, { approved: true }]);
    expect(result.logs).toContainEqual(
      expect.objectContaining({ level: "error", message: 'A handler of the input stream "approval" failed' }),
    );
  });

  it("cannot be waited for inside a step, which runs in one go", async () => {
    const result = await runTask(
      of(() => step.run("ask", () => approval.wait().unwrap())),
      undefined,
    );
    expect(result.error).toMatchObject({ code: "NESTED_DURABLE_CALL" });
  });
});
