import { expect, test } from "vitest";
import { descendants, livingOf } from "../../.make/demo/processes.mjs";
import { eventually } from "../support/eventually.ts";
import { startRunner } from "./support/own-runner.ts";
import { stage } from "./support/stage.ts";

test("a worker that is cut off and comes back can write nothing, and its run ends once, elsewhere", async () => {
  const here = await stage({ settings: { EXECUTOR: "none" } });
  const { api, project, history } = here;
  const begun = (runId: string, nth: number) =>
    eventually(
      `the start ${nth} of ${runId}`,
      async () => (await project.effects(runId)).filter(({ what }) => what === "begin")[nth - 1],
    );
  const cutOff = await startRunner(here);
  const run = await api.trigger("stubborn", { gate: "open" });
  const first = await begun(run, 1);
  cutOff.kill("SIGSTOP");
  await startRunner(here);
  const second = await begun(run, 2);
  expect(second.execution).not.toBe(first.execution);
  expect(second.attempt).toBe(1);

  // Both functions now write by every way there is, the first one's logs and metadata into its stopped runner.
  await project.open("open");
  const triggered = await eventually("both triggers", async () => {
    const effects = (await project.effects(run)).filter(({ what }) => what === "triggered");
    return effects.length === 2 ? effects : undefined;
  });
  expect(triggered.find(({ execution }) => execution === first.execution)?.code).toBe("409 EXECUTION_FENCED");
  expect(triggered.find(({ execution }) => execution === second.execution)?.code).toBe("OK");
  await project.open("open.end");
  await api.untilStatus(run, "COMPLETED");

  // The first one's result waits for its runner too.
  await eventually("the end of both functions", async () =>
    (await project.effects(run)).filter(({ what }) => what === "end").length === 2 ? true : undefined,
  );
  const family = (await descendants(cutOff.pid ?? 0)).filter((pid) => pid === first.pid);
  cutOff.kill("SIGCONT");
  // It takes work again: what it held before has been dealt with by then.
  await eventually("the end of the cut-off task process", async () =>
    (await livingOf(family)).length === 0 ? true : undefined,
  );
  const next = await Promise.all([1, 2, 3, 4].map((n) => api.trigger("nap", { n })));
  await Promise.all(next.map((id) => api.untilStatus(id, "COMPLETED")));

  const { output, metadata } = await api.run(run);
  expect({ output, metadata }).toEqual({
    output: { writtenBy: second.execution },
    metadata: { writtenBy: second.execution },
  });
  const { rows } = await here.pool.query<{ message: string }>(
    "select message from run_event where message like 'written by %'",
  );
  expect(rows).toEqual([{ message: `written by ${second.execution}` }]);
  const { attempt, attempts } = await history.rowOf(run);
  expect(attempt).toBe(1);
  expect(attempts.map(({ outcome }) => outcome)).toEqual(["LOST", "COMPLETED"]);
  const children = await here.pool.query("select 1 from run_history where parent_run_id is not null");
  expect(children.rowCount).toBe(1);
}, 120_000);
