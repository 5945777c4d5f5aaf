import { expectTypeOf, test } from "vitest";
import { z } from "zod";
import { schemaTask, task } from "../task/define-task.ts";
import { batch } from "./batch.ts";
import type { InferOutput, InferPayload } from "./run-handle.ts";
import { runs } from "./runs.ts";
import { triggerTasks as tasks } from "./tasks.ts";

/** Checked by the compiler; the bodies never run. */
const resize = task({ id: "resize", run: async (payload: { url: string }) => ({ width: payload.url.length }) });
const sweep = task({ id: "sweep", run: async () => "swept" as const });
const parse = schemaTask({
  id: "parse",
  schema: z.object({ n: z.coerce.number(), at: z.date().default(() => new Date(0)) }),
  run: async (payload) => payload.n,
});
const never = () => false;

test("a trigger by id takes the payload of the task's type and gives a handle of it", async () => {
  expectTypeOf<InferPayload<typeof resize>>().toEqualTypeOf<{ url: string }>();
  expectTypeOf<InferOutput<typeof resize>>().toEqualTypeOf<{ width: number }>();
  if (!never()) return;
  const handle = await tasks.trigger<typeof resize>("resize", { url: "x" });
  expectTypeOf(handle.taskIdentifier).toEqualTypeOf<"resize">();
  // @ts-expect-error the id of another task
  await tasks.trigger<typeof resize>("sweep", { url: "x" });
  // @ts-expect-error the payload of another task
  await tasks.trigger<typeof resize>("resize", { uri: "x" });
  // @ts-expect-error an option that does not exist
  await tasks.trigger<typeof resize>("resize", { url: "x" }, { delai: "1h" });
});

test("a run is typed by its handle or by its task", async () => {
  if (!never()) return;
  const byHandle = await runs.retrieve(await resize.trigger({ url: "x" }));
  expectTypeOf(byHandle.payload).toEqualTypeOf<{ url: string } | undefined>();
  expectTypeOf(byHandle.output).toEqualTypeOf<{ width: number } | undefined>();
  const byTask = await runs.poll<typeof sweep>("run_1");
  expectTypeOf(byTask.output).toEqualTypeOf<"swept" | undefined>();
  expectTypeOf(byTask.createdAt).toEqualTypeOf<Date>();
  expectTypeOf(byTask.startedAt).toEqualTypeOf<Date | undefined>();
  const byId = await runs.retrieve("run_1");
  expectTypeOf(byId.output).toBeAny();
});

test("a schema's input is what a trigger takes", async () => {
  if (!never()) return;
  await parse.trigger({ n: "5" });
  await tasks.trigger<typeof parse>("parse", { n: 5, at: new Date() });
  // @ts-expect-error the schema wants n
  await parse.trigger({});
  expectTypeOf<InferOutput<typeof parse>>().toEqualTypeOf<number>();
});

test("a batch of several tasks pairs each id with its own payload", async () => {
  if (!never()) return;
  await batch.trigger<typeof resize | typeof sweep>([
    { id: "resize", payload: { url: "x" } },
    { id: "sweep", payload: undefined },
  ]);
  // @ts-expect-error resize's payload under sweep's id
  await batch.trigger<typeof resize | typeof sweep>([{ id: "sweep", payload: { url: "x" } }]);
  await batch.triggerByTask([
    { task: resize, payload: { url: "x" } },
    { task: sweep, payload: undefined },
  ]);
  // @ts-expect-error sweep's payload with resize
  await batch.triggerByTask([{ task: resize, payload: undefined }]);
});

test("a list's items carry Dates", async () => {
  if (!never()) return;
  for await (const run of runs.list({ status: ["FAILED"] })) {
    expectTypeOf(run.createdAt).toEqualTypeOf<Date>();
  }
  // @ts-expect-error no such status
  void runs.list({ status: "BROKEN" });
});
