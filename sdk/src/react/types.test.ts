import { expectTypeOf, test } from "vitest";
import { task } from "../task/define-task.ts";
import { streams as streamsOf } from "../task/streams/streams.ts";
import {
  useRealtimeRun,
  useRealtimeRunsWithTag,
  useRealtimeRunWithStreams,
  useRealtimeStream,
  useRealtimeTaskTrigger,
  useTaskTrigger,
  useWaitToken,
} from "./index.ts";

/** Checked by the compiler; the bodies never run. */
const importCsv = task({ id: "import-csv", run: async (payload: { url: string }) => ({ rows: payload.url.length }) });
const never = () => false;

test("a run is typed by its task", () => {
  if (!never()) return;
  const { run, error, stop, connection } = useRealtimeRun<typeof importCsv>("run_1");
  expectTypeOf(run?.payload).toEqualTypeOf<{ url: string } | undefined>();
  expectTypeOf(run?.output).toEqualTypeOf<{ rows: number } | undefined>();
  expectTypeOf(run?.createdAt).toEqualTypeOf<Date | undefined>();
  expectTypeOf(error).toEqualTypeOf<Error | undefined>();
  expectTypeOf(stop).toEqualTypeOf<() => void>();
  expectTypeOf(connection).toEqualTypeOf<"connecting" | "live" | "polling" | "closed">();
  const { runs } = useRealtimeRunsWithTag<typeof importCsv>("t");
  expectTypeOf(runs[0]?.startedAt).toEqualTypeOf<Date | undefined>();
});

test("a trigger takes the task's id and payload, and gives its handle and run", () => {
  if (!never()) return;
  const { submit, handle } = useTaskTrigger<typeof importCsv>("import-csv");
  submit({ url: "x" }, { tags: "t" });
  // @ts-expect-error the payload of another task
  submit({ uri: "x" });
  // @ts-expect-error the id of another task
  useTaskTrigger<typeof importCsv>("import");
  expectTypeOf(handle?.taskIdentifier).toEqualTypeOf<"import-csv" | undefined>();
  const { run } = useRealtimeTaskTrigger<typeof importCsv>("import-csv");
  expectTypeOf(run?.output).toEqualTypeOf<{ rows: number } | undefined>();
});

test("streams are typed by what is said of them", () => {
  if (!never()) return;
  expectTypeOf(useRealtimeStream<string>("run_1", "answer").parts).toEqualTypeOf<readonly string[]>();
  expectTypeOf(useRealtimeStream<number>("run_1").parts).toEqualTypeOf<readonly number[]>();
  const rows = streamsOf.define<{ n: number }>({ id: "rows" });
  expectTypeOf(useRealtimeStream(rows, "run_1").parts).toEqualTypeOf<readonly { n: number }[]>();
  const { streams } = useRealtimeRunWithStreams<typeof importCsv, { answer: string; rows: { n: number } }>("run_1");
  expectTypeOf(streams.answer).toEqualTypeOf<readonly string[] | undefined>();
  expectTypeOf(streams.rows).toEqualTypeOf<readonly { n: number }[] | undefined>();
});

test("a token is completed with the value that is waited for", () => {
  if (!never()) return;
  const { complete } = useWaitToken<{ approved: boolean }>("waitpoint_1");
  complete({ approved: true });
  // @ts-expect-error another value
  complete({ approved: "yes" });
});
