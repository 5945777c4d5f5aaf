/** Types of waits, checked by the compiler; the bodies never run. */
import { expectTypeOf, test } from "vitest";
import { z } from "zod";
import {
  type BatchResult,
  batch,
  type CreatedToken,
  type ManualWaitpointPromise,
  type RetrievedTokenItem,
  schemaTask,
  type TaskOptions,
  type TaskRunPromise,
  type TaskRunResult,
  task,
  tasks,
  wait,
} from "../../index.ts";

const resize = task({ id: "resize", run: async (payload: { url: string }) => ({ width: payload.url.length }) });
const sweep = task({ id: "sweep", run: async () => "swept" as const });
const parse = schemaTask({ id: "parse", schema: z.object({ n: z.coerce.number() }), run: async ({ n }) => n });
const never = () => false;

test("a child's result is typed by its task, in a result and unwrapped", async () => {
  if (!never()) return;
  const promise = resize.triggerAndWait({ url: "x" });
  expectTypeOf(promise).toEqualTypeOf<TaskRunPromise<"resize", { width: number }>>();
  expectTypeOf(await promise).toEqualTypeOf<TaskRunResult<"resize", { width: number }>>();
  const result = await tasks.triggerAndWait<typeof resize>("resize", { url: "x" }, { tags: "a" });
  if (result.ok) expectTypeOf(result.output).toEqualTypeOf<{ width: number }>();
  else expectTypeOf(result.error).toBeUnknown();
  expectTypeOf(await resize.triggerAndWait({ url: "x" }).unwrap()).toEqualTypeOf<{ width: number }>();
  expectTypeOf(await sweep.triggerAndSubscribe().unwrap()).toEqualTypeOf<"swept">();
  expectTypeOf(await parse.triggerAndWait({ n: "5" }).unwrap()).toEqualTypeOf<number>();
  await tasks.triggerAndSubscribe<typeof resize>("resize", { url: "x" }, { signal: new AbortController().signal });
  // @ts-expect-error the payload of another task
  await tasks.triggerAndWait<typeof resize>("resize", { uri: "x" });
  // @ts-expect-error the id of another task
  await tasks.triggerAndWait<typeof resize>("sweep", { url: "x" });
});

test("a batch's results are those of its items", async () => {
  if (!never()) return;
  const many = await resize.batchTriggerAndWait([{ payload: { url: "x" } }]);
  expectTypeOf(many).toEqualTypeOf<BatchResult<"resize", { width: number }>>();
  await tasks.batchTriggerAndWait<typeof resize>("resize", [{ payload: { url: "x" } }]);
  const { runs: byTask } = await batch.triggerByTaskAndWait([
    { task: resize, payload: { url: "x" } },
    { task: sweep, payload: undefined },
  ]);
  expectTypeOf(byTask[0]).toEqualTypeOf<TaskRunResult<"resize", { width: number }>>();
  expectTypeOf(byTask[1]).toEqualTypeOf<TaskRunResult<"sweep", "swept">>();
  const { runs: byId } = await batch.triggerAndWait<typeof resize | typeof sweep>([
    { id: "resize", payload: { url: "x" } },
    { id: "sweep", payload: undefined },
  ]);
  for (const run of byId) {
    if (run.ok && run.taskIdentifier === "resize") expectTypeOf(run.output).toEqualTypeOf<{ width: number }>();
  }
  // @ts-expect-error resize's payload under sweep's id
  await batch.triggerAndWait<typeof resize | typeof sweep>([{ id: "sweep", payload: { url: "x" } }]);
});

test("waits take one unit of time, a Date, or a token", async () => {
  if (!never()) return;
  expectTypeOf(await wait.for({ days: 3 })).toBeVoid();
  expectTypeOf(await wait.until({ date: new Date(), throwIfInThePast: true })).toBeVoid();
  // @ts-expect-error no unit
  await wait.for({});
  // @ts-expect-error a unit that is none
  await wait.for({ second: 1 });
  // @ts-expect-error a text
  await wait.for({ seconds: "1" });
  // @ts-expect-error a text
  await wait.until({ date: "2026-01-01" });
});

test("a token's value has the type that is asked for", async () => {
  if (!never()) return;
  const token = await wait.createToken({ timeout: "1d", tags: ["a"] });
  expectTypeOf(token).toEqualTypeOf<CreatedToken>();
  const promise = wait.forToken<{ ok: boolean }>(token);
  expectTypeOf(promise).toEqualTypeOf<ManualWaitpointPromise<{ ok: boolean }>>();
  const result = await promise;
  if (result.ok) expectTypeOf(result.output).toEqualTypeOf<{ ok: boolean }>();
  else expectTypeOf(result.error).toEqualTypeOf<Error>();
  expectTypeOf(await promise.unwrap()).toEqualTypeOf<{ ok: boolean }>();
  expectTypeOf((await wait.completeToken(token.id, { ok: true })).success).toEqualTypeOf<true>();
  expectTypeOf(await wait.retrieveToken<number>(token)).toEqualTypeOf<RetrievedTokenItem<number>>();
  for await (const item of wait.listTokens({ status: "WAITING", tags: "a" })) {
    expectTypeOf(item.createdAt).toEqualTypeOf<Date>();
    expectTypeOf(item.timeoutAt).toEqualTypeOf<Date | undefined>();
  }
});

test("checkpoint is a mode or an object", () => {
  type Checkpoint = NonNullable<TaskOptions<"t">["checkpoint"]>;
  expectTypeOf<"hold">().toExtend<Checkpoint>();
  expectTypeOf<{ mode: "replay"; holdMs: 100; unchecked: true }>().toExtend<Checkpoint>();
  expectTypeOf<"process">().toExtend<Checkpoint>();
  expectTypeOf<{ process: true; holdMs: 0 }>().toExtend<Checkpoint>();
  expectTypeOf<"hodl">().not.toExtend<Checkpoint>();
  expectTypeOf<{ process: "yes" }>().not.toExtend<Checkpoint>();
});
