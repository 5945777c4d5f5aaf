import { expect, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import { sharedStage } from "./support/durable-stage.ts";

const shared = sharedStage();

const AT_ONCE: Record<string, object> = {
  "a wait of 0 seconds": { how: "for", value: { seconds: 0 } },
  "a wait until a date that is past": { how: "until", value: "2001-01-01T00:00:00.000Z" },
};
test.each(Object.entries(AT_ONCE))("%s goes on at once", async (_title, payload) => {
  const stage = shared.get();
  expect((await stage.completed(await stage.trigger("odd-wait", payload))).output).toBe("resumed");
});

const REFUSED: Record<string, object> = {
  "text for a number": { how: "for", value: { seconds: "soon" } },
  "not a number": { how: "for", value: { seconds: null } },
  "no duration": { how: "for", value: {} },
  "a negative duration": { how: "for", value: { seconds: -1 } },
  "no date": { how: "until", value: "whenever" },
};
test.each(Object.entries(REFUSED))(
  "a wait by %s is an error that says so, and the run does not wait",
  async (_title, payload) => {
    const stage = shared.get();
    const { output } = await stage.completed(await stage.trigger("odd-wait", payload));
    expect(output).toMatch(/^TaskExecutionError: wait\.(for|until) got /);
  },
);

test("a wait of ten years holds no process and no slot, says when it is due, and can be canceled", async () => {
  const stage = shared.get();
  const run = await stage.trigger("odd-wait", { how: "for", value: { years: 10 } });
  await stage.waiting(run);
  const [entry] = await eventually("the entry", async () => {
    const entries = await stage.journal(run);
    return entries.length > 0 ? entries : undefined;
  });
  const years = (Date.parse(String(entry?.dueAt)) - Date.now()) / (365.25 * 86_400_000);
  expect(years).toBeGreaterThan(9.9);
  expect(years).toBeLessThan(10.1);
  await eventually("that no worker has it", async () => {
    const { rowCount } = await stage.here.pool.query("select 1 from execution");
    return rowCount === 0 ? true : undefined;
  });
  await stage.cancel(run);
  await stage.ended(run, "CANCELED");
});

test("a held run that is canceled while it waits has its onCancel, and its process ends", async () => {
  const stage = shared.get();
  const run = await stage.trigger("cancelable", {});
  const { pid } = await stage.noted(run, "begin");
  await stage.waiting(run);
  await stage.cancel(run);
  await stage.ended(run, "CANCELED");
  await stage.noted(run, "onCancel");
  await stage.gone(pid);
  expect(await stage.notes(run, "never")).toEqual([]);
});

test("maxDuration counts no waiting, and counts what comes after it", async () => {
  const stage = shared.get();
  const [quick, slow] = await Promise.all([
    stage.trigger("short-of-time", { spinMs: 0 }),
    stage.trigger("short-of-time", { spinMs: 60_000 }),
  ]);
  expect((await stage.completed(quick)).output).toBe("in time");
  await stage.ended(slow, "TIMED_OUT");
});

test("a run that waits leaves its slot to the next, and has it again before those that came later", async () => {
  const stage = shared.get();
  const token = await stage.token();
  const first = await stage.trigger("turns", { token });
  await stage.waiting(first);
  const second = await stage.trigger("turns", { gate: "second" });
  await stage.noted(second, "begin");
  const third = await stage.trigger("turns", { gate: "third" });
  const fourth = await stage.trigger("turns", {});
  await stage.complete(token);
  await stage.here.api.untilStatus(first, "QUEUED");
  expect(await stage.notes(first, "goes on")).toEqual([]);
  await stage.here.project.open("second");
  const resumed = await stage.noted(first, "goes on");
  const began = await stage.noted(third, "begin");
  expect(resumed.at).toBeLessThan(began.at as number);
  await stage.here.project.open("third");
  await Promise.all([first, second, third, fourth].map((run) => stage.completed(run)));
});

test("onStart, onWait and onResume run once each, although the function runs twice", async () => {
  const stage = shared.get();
  const token = await stage.token();
  const run = await stage.trigger("hooked", { token, url: stage.witness.of("hooked") });
  const { pid } = await stage.noted(run, "begin");
  await stage.waiting(run);
  await stage.gone(pid);
  await stage.complete(token);
  await stage.completed(run);
  expect(await stage.notes(run, "begin")).toHaveLength(2);
  expect(stage.witness.requests("hooked")).toEqual(["onStart", "onWait-token", "onResume-token"]);
});

test("a race takes the same branch on a replay, whatever ended meanwhile", async () => {
  const stage = shared.get();
  const tokens = await Promise.all([0, 1, 2].map(() => stage.token()));
  const last = await stage.token();
  const run = await stage.trigger("races", { tokens, last });
  await stage.waiting(run);
  await stage.complete(tokens[1] as string);
  await stage.noted(run, "branch");
  await stage.waiting(run);
  await stage.complete(tokens[0] as string);
  await stage.complete(tokens[2] as string);
  await stage.complete(last);
  expect((await stage.completed(run)).output).toEqual({ winner: "token 1", kept: "token 1" });
  const branches = await stage.notes(run, "branch");
  expect(branches.length).toBeGreaterThan(1);
  expect(new Set(branches.map(({ winner }) => winner))).toEqual(new Set(["token 1"]));
});

test("times, steps, children, tokens and batches are waited for together", async () => {
  const stage = shared.get();
  const token = await stage.token();
  const run = await stage.trigger("all-kinds", { token });
  const { pid } = await stage.noted(run, "begin");
  await stage.waiting(run);
  await stage.complete(token, "token");
  expect((await stage.completed(run)).output).toEqual(["time", "step", 7, "token", 2]);
  await stage.gone(pid);
});
