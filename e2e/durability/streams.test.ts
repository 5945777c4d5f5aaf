import { expect, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import { type DurableStage, sharedStage } from "./support/durable-stage.ts";

const shared = sharedStage();

const send = ({ here }: DurableStage, run: string, text: string, id?: string) =>
  here.api.call<{ index: number }>("POST", `/realtime/v1/streams/${run}/input/question`, { data: { text }, id });

async function written({ here }: DurableStage, run: string): Promise<unknown[]> {
  const reply = await fetch(`${here.platform.url}/realtime/v1/streams/${run}/answer?timeoutInSeconds=0`, {
    headers: { authorization: `Bearer ${here.platform.key}` },
  });
  const lines = (await reply.text()).split("\n").filter((line) => line !== "");
  const chunks = lines.map((line) => JSON.parse(line) as { index?: number; data?: string });
  return chunks.flatMap(({ data }) => (data === undefined ? [] : [JSON.parse(data) as unknown]));
}

test("messages are given once each and in order, to a run whose process has gone meanwhile; what it wrote stands there once", async () => {
  const stage = shared.get();
  const run = await stage.trigger("chats", { rounds: 3 });
  const { pid } = await stage.noted(run, "asking");
  await stage.waiting(run);
  await stage.gone(pid);
  expect(await written(stage, run)).toEqual(["hello,", "ask", "me"]);
  await send(stage, run, "a", "m1");
  await send(stage, run, "a", "m1");
  await send(stage, run, "b");
  const third = await eventually("the third round", async () =>
    (await stage.notes(run, "asking")).findLast(({ round }) => round === 3),
  );
  await stage.waiting(run);
  await stage.gone(third.pid);
  await send(stage, run, "c");
  expect((await stage.completed(run)).output).toEqual(["a", "b", "c"]);
  const all = "hello, ask me to a: yes to b: yes to c: yes";
  expect(await written(stage, run)).toEqual(all.split(" "));
});

test("an attempt that follows a killed one goes on with the stream where that had stopped", async () => {
  const stage = shared.get();
  const run = await stage.trigger("writes-on", {});
  const first = await stage.noted(run, "half");
  await eventually("its words", async () => ((await written(stage, run)).length === 4 ? true : undefined));
  process.kill(first.pid, "SIGKILL");
  await stage.completed(run);
  expect(await stage.notes(run, "half")).toHaveLength(2);
  expect(await written(stage, run)).toEqual(["in a step", "one", "two", "three", "four", "five"]);
});

test("a handler hears every message, those of before it and those that come while the run waits elsewhere", async () => {
  const stage = shared.get();
  const run = await stage.trigger("hears", { count: 3 });
  await send(stage, run, "early");
  await stage.noted(run, "heard");
  await send(stage, run, "second");
  await send(stage, run, "third");
  expect((await stage.completed(run)).output).toEqual(["early", "second", "third"]);
});
