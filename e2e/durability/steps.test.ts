import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { livingOf } from "../../.make/demo/processes.mjs";
import { sharedStage } from "./support/durable-stage.ts";

const shared = sharedStage();

test("step 4 of 5 fails twice: each retry resumes at it, and the other steps ran once", async () => {
  const stage = shared.get();
  stage.witness.fail("five", "4", 2);
  const run = await stage.trigger("five-steps", { url: stage.witness.of("five") });
  expect(await stage.completed(run)).toMatchObject({ output: { done: [1, 2, 3, 4, 5], attempt: 3 }, attemptCount: 3 });
  expect(stage.witness.requests("five")).toEqual(["1", "2", "3", "4", "4", "4", "5"]);
  expect((await stage.journal(run)).map(({ label, state, attempt }) => [label, state, attempt])).toEqual([
    ["step 1", "COMPLETED", 1],
    ["step 2", "COMPLETED", 1],
    ["step 3", "COMPLETED", 1],
    ["step 4", "COMPLETED", 3],
    ["step 5", "COMPLETED", 3],
  ]);
});

test("a step with a retry of its own is tried again within the attempt", async () => {
  const stage = shared.get();
  stage.witness.fail("own-retry", "ask", 2);
  const run = await stage.trigger("step-with-retry", { url: stage.witness.of("own-retry") });
  expect(await stage.completed(run)).toMatchObject({ output: 200, attemptCount: 1 });
  expect((await stage.journal(run))[0]).toMatchObject({ label: "ask", tries: 3 });
});

test("a step that failed and was compensated for stays so: neither runs again after the wait", async () => {
  const stage = shared.get();
  stage.witness.fail("trip", "book", 1);
  const token = await stage.token();
  const run = await stage.trigger("compensates", { url: stage.witness.of("trip"), token });
  await stage.waiting(run);
  await stage.gone((await stage.noted(run, "begin")).pid);
  await stage.complete(token);
  expect((await stage.completed(run)).output).toMatch(/answered 503/);
  expect(stage.witness.requests("trip")).toEqual(["book", "compensate"]);
  expect(await stage.notes(run, "begin")).toHaveLength(2);
});

test("a step's value is the same on the first pass and on a replay: dates, maps, big numbers, NUL characters", async () => {
  const stage = shared.get();
  const token = await stage.token();
  const run = await stage.trigger("values", { token });
  await stage.waiting(run);
  await stage.complete(token);
  await stage.completed(run);
  const values = await stage.notes(run, "value");
  expect(values.map(({ is }) => is)).toEqual(
    Array.from({ length: 2 }, () => ["1970-01-01T00:00:00.000Z", "1", "a\0b"]),
  );
});

test("logs, metadata, triggers and readings of the clock happen once, however often the function runs", async () => {
  const stage = shared.get();
  const tokens = [await stage.token(), await stage.token()];
  const run = await stage.trigger("once-each", { tokens });
  for (const [n, token] of tokens.entries()) {
    await stage.noted(run, "begin", n + 1);
    await stage.waiting(run);
    await stage.complete(token);
  }
  const { output, metadata } = await stage.completed(run);
  expect(await stage.notes(run, "begin")).toHaveLength(3);
  expect(metadata).toEqual({ begun: 1 });
  expect((await stage.notes(run, "read")).map(({ startedAt, id }) => ({ startedAt, id }))).toEqual([output]);
  const { rows } = await stage.here.pool.query<{ message: string }>(
    "select message from run_event where message in ('it begins', 'it ends') order by message",
  );
  expect(rows.map(({ message }) => message)).toEqual(["it begins", "it ends"]);
  const children = await stage.here.pool.query(
    "select 1 from run_history where task_id = 'leaf' union all select 1 from run where task_id = 'leaf'",
  );
  expect(children.rowCount).toBe(1);
});

test("plain code that goes another way on a replay fails the run, naming both ways", async () => {
  const stage = shared.get();
  const file = join(stage.here.project.folder, "way");
  await writeFile(file, "left");
  const token = await stage.token();
  const run = await stage.trigger("wavers", { token, file });
  await stage.waiting(run);
  await writeFile(file, "right");
  await stage.complete(token);
  const { error } = await stage.ended(run, "FAILED");
  expect(error).toMatchObject({ code: "JOURNAL_MISMATCH" });
  expect(error?.message).toMatch(/left/);
  expect(error?.message).toMatch(/right/);
});

test("a value that is too large fails its step, and the limit is named", async () => {
  const stage = shared.get();
  const { error } = await stage.ended(await stage.trigger("too-large", {}), "FAILED");
  expect(error).toMatchObject({ code: "JOURNAL_VALUE_TOO_LARGE" });
  expect(error?.message).toMatch(/journalValueBytes/);
});

test("a file that a step wrote keeps the process, unless the step says that it is disposable", async () => {
  const stage = shared.get();
  const runOf = async (files: string) => {
    const [file, token] = [join(stage.here.project.folder, files), await stage.token()];
    const run = await stage.trigger(`files-${files}`, { file, token });
    await stage.waiting(run);
    return { run, file, token, pid: (await stage.noted(run, "begin")).pid };
  };
  const [kept, disposable] = [await runOf("kept"), await runOf("disposable")];
  await stage.gone(disposable.pid);
  expect(await livingOf([kept.pid])).toEqual([kept.pid]);
  for (const { run, token, file } of [kept, disposable]) {
    await stage.complete(token);
    await stage.completed(run);
    expect(await readFile(file, "utf8")).toBe("once\n");
  }
});
