import { expect, test } from "vitest";
import { livingOf } from "../../.make/demo/processes.mjs";
import { startRunner } from "../faults/support/own-runner.ts";
import { eventually } from "../support/eventually.ts";
import { durableStage } from "./support/durable-stage.ts";

test("a worker that comes back after its lease ran out writes nothing into the journal", async () => {
  const stage = await durableStage({ settings: { EXECUTOR: "none" } });
  const cutOff = await startRunner(stage.here);
  const run = await stage.trigger("late-steps", { gate: "open" });
  const first = await stage.noted(run, "begin");
  cutOff.kill("SIGSTOP");
  await startRunner(stage.here);
  const second = await stage.noted(run, "begin", 2);
  expect(second).toMatchObject({ attempt: 1 });
  // Both steps end now, the first one's into its stopped runner.
  await stage.here.project.open("open");
  const { output } = await stage.completed(run);
  expect(output).toEqual({ by: second.pid, second: second.pid });
  cutOff.kill("SIGCONT");
  await eventually("the end of the process that was cut off", async () =>
    (await livingOf([first.pid])).length === 0 ? true : undefined,
  );
  const steps = (await stage.journal(run)).filter(({ kind }) => kind === "step");
  expect(steps.map(({ label, output: made }) => [label, made])).toEqual([
    ["gated", second.pid],
    ["second", second.pid],
  ]);
  expect(await stage.notes(run, "end")).toEqual([expect.objectContaining({ by: second.pid })]);
}, 120_000);
