/** Types of tasks, checked by the compiler; the bodies never run. */
import { type } from "arktype";
import * as v from "valibot";
import { expectTypeOf, test } from "vitest";
import { z } from "zod";
import {
  type AnyTask,
  batch,
  locals,
  metadata,
  queue,
  type RunHandle,
  runs,
  schemaTask,
  type TaskContext,
  type TaskIdentifier,
  type TaskOutput,
  type TaskPayload,
  task,
  tasks,
} from "../index.ts";
import { runTask } from "../testing/run-task.ts";

const never = () => false;
const resize = task({
  id: "resize",
  init: async () => ({ db: "pool" }),
  run: async (payload: { url: string }, { ctx, init, signal, drainSignal }) => {
    expectTypeOf(drainSignal).toEqualTypeOf<AbortSignal>();
    expectTypeOf(ctx.run.id).toBeString();
    expectTypeOf(ctx.run.createdAt).toEqualTypeOf<Date>();
    expectTypeOf(init?.db).toEqualTypeOf<string | undefined>();
    expectTypeOf(signal).toEqualTypeOf<AbortSignal>();
    return { width: payload.url.length };
  },
  onSuccess: ({ payload, output, init, ctx, signal }) => {
    expectTypeOf(payload).toEqualTypeOf<{ url: string }>();
    expectTypeOf(output).toEqualTypeOf<{ width: number }>();
    expectTypeOf(init?.db).toEqualTypeOf<string | undefined>();
    expectTypeOf(ctx).toEqualTypeOf<TaskContext>();
    expectTypeOf(signal).toEqualTypeOf<AbortSignal>();
  },
});
const sweep = task({ id: "sweep", run: async () => "swept" as const });
const anything = task({ id: "anything", jsonSchema: { type: "object" }, run: async (payload) => payload.whatever });

test("payload, output and id are inferred from the definition", () => {
  expectTypeOf<TaskIdentifier<typeof resize>>().toEqualTypeOf<"resize">();
  expectTypeOf<TaskPayload<typeof resize>>().toEqualTypeOf<{ url: string }>();
  expectTypeOf<TaskOutput<typeof resize>>().toEqualTypeOf<{ width: number }>();
  expectTypeOf<undefined>().toExtend<TaskPayload<typeof sweep>>();
  expectTypeOf<TaskOutput<typeof sweep>>().toEqualTypeOf<"swept">();
  expectTypeOf<TaskPayload<typeof anything>>().toBeAny();
  expectTypeOf(resize).toExtend<AnyTask>();
  expectTypeOf(sweep).toExtend<AnyTask>();
});

test("a task's own trigger is typed", async () => {
  if (!never()) return;
  const handle = await resize.trigger({ url: "x" }, { delay: "1h", tags: ["a"], concurrencyKey: "user" });
  expectTypeOf(handle).toEqualTypeOf<RunHandle<"resize", { url: string }, { width: number }>>();
  expectTypeOf((await runs.retrieve(handle)).output).toEqualTypeOf<{ width: number } | undefined>();
  await sweep.trigger();
  await sweep.trigger(undefined, { priority: 10 });
  await resize.batchTrigger([{ payload: { url: "x" }, options: { idempotencyKey: ["a", "b"] } }]);
  await batch.triggerByTask([
    { task: resize, payload: { url: "x" } },
    { task: sweep, payload: undefined },
  ]);
  // @ts-expect-error the payload of another task
  await resize.trigger({ uri: "x" });
  // @ts-expect-error an option that does not exist
  await resize.trigger({ url: "x" }, { delai: "1h" });
  // @ts-expect-error a payload is needed
  await resize.trigger();
  // @ts-expect-error an item needs the task's payload
  await resize.batchTrigger([{ payload: {} }]);
});

test("hooks know the payload", () => {
  if (!never()) return;
  task({
    id: "hooked",
    run: async (payload: { n: number }) => payload.n,
    onFailure: ({ payload, error }) => {
      expectTypeOf(payload).toEqualTypeOf<{ n: number }>();
      expectTypeOf(error).toBeUnknown();
    },
    catchError: async ({ retryDelayInMs }) => {
      expectTypeOf(retryDelayInMs).toEqualTypeOf<number | undefined>();
      return { retryDelayInMs: 5 };
    },
    onComplete: ({ result }) => {
      if (result.ok) expectTypeOf(result.data).toEqualTypeOf<number>();
      else expectTypeOf(result.error).toBeUnknown();
    },
    middleware: async ({ payload, next }) => {
      expectTypeOf(payload).toEqualTypeOf<{ n: number }>();
      await next();
    },
  });
  tasks.onFailure("alert", async ({ payload, task: id }) => {
    expectTypeOf(payload).toBeUnknown();
    expectTypeOf(id).toBeString();
  });
  // @ts-expect-error a decision that is none
  task({ id: "wrong", run: async () => {}, catchError: () => ({ retryDelayInMs: "5s" }) });
});

test("a schema gives the function its output and the trigger its input: zod", async () => {
  const parse = schemaTask({
    id: "parse",
    schema: z.object({ n: z.string().transform(Number), at: z.date().default(() => new Date(0)) }),
    onStart: ({ payload }) => {
      expectTypeOf(payload).toEqualTypeOf<{ n: number; at: Date }>();
    },
    run: async (payload) => {
      expectTypeOf(payload).toEqualTypeOf<{ n: number; at: Date }>();
      return payload.n;
    },
  });
  expectTypeOf<TaskPayload<typeof parse>>().toEqualTypeOf<{ n: string; at?: Date | undefined }>();
  expectTypeOf<TaskOutput<typeof parse>>().toEqualTypeOf<number>();
});

test("the same with valibot, arktype, a function and an object with parse", () => {
  const valibot = schemaTask({
    id: "valibot",
    schema: v.object({ n: v.pipe(v.string(), v.transform(Number)) }),
    run: async (payload) => payload.n,
  });
  expectTypeOf<TaskPayload<typeof valibot>>().toEqualTypeOf<{ n: string }>();
  expectTypeOf<TaskOutput<typeof valibot>>().toEqualTypeOf<number>();

  const arktype = schemaTask({
    id: "arktype",
    schema: type({ n: "string.numeric.parse" }),
    run: async (payload) => payload.n,
  });
  expectTypeOf<TaskPayload<typeof arktype>>().toEqualTypeOf<{ n: string }>();
  expectTypeOf<TaskOutput<typeof arktype>>().toEqualTypeOf<number>();

  const byFunction = schemaTask({
    id: "function",
    schema: (input: unknown) => ({ n: Number(input) }),
    run: async (payload) => payload.n,
  });
  expectTypeOf<TaskPayload<typeof byFunction>>().toEqualTypeOf<{ n: number }>();

  const byParse = schemaTask({
    id: "parse-object",
    schema: { parse: (_input: unknown) => ({ s: "x" }) },
    run: async (payload) => payload.s,
  });
  expectTypeOf<TaskOutput<typeof byParse>>().toEqualTypeOf<string>();

  const open = schemaTask({ id: "open", run: async (payload) => payload });
  expectTypeOf<TaskPayload<typeof open>>().toBeUnknown();
});

test("locals, queues and metadata are typed", () => {
  if (!never()) return;
  const Db = locals.create<{ url: string }>("db");
  expectTypeOf(locals.get(Db)).toEqualTypeOf<{ url: string } | undefined>();
  expectTypeOf(locals.getOrThrow(Db)).toEqualTypeOf<{ url: string }>();
  // @ts-expect-error a value of another type
  locals.set(Db, { uri: "" });
  const emails = queue({ name: "emails", concurrencyLimit: 5, rateLimit: { limit: 1, period: "1m" } });
  task({ id: "queued", queue: emails, run: async () => {} });
  // @ts-expect-error a rate limit needs a period
  queue({ name: "q", rateLimit: { limit: 1 } });
  // @ts-expect-error a number is needed
  metadata.set("a", 1).increment("b", "1");
});

test("runTask takes the task's payload and gives its output", async () => {
  if (!never()) return;
  const result = await runTask(resize, { url: "x" });
  expectTypeOf(result.output).toEqualTypeOf<{ width: number } | undefined>();
  if (result.ok) expectTypeOf(result.output).toEqualTypeOf<{ width: number }>();
  if (result.status === "FAILED") expectTypeOf(result.error).toEqualTypeOf<Error>();
  // @ts-expect-error the payload of another task
  await runTask(resize, { uri: "x" });
});
