import { afterEach, expect, test } from "vitest";
import { grantOf } from "./support/fake-platform.ts";
import { RunnerProcess } from "./support/runner-process.ts";

let runner: RunnerProcess;
afterEach(() => runner.stop());

test("a granted run is executed in a process of its own and its output is reported", async () => {
  runner = await RunnerProcess.start(`
    import { task } from "@gantry/sdk/task";
    task({ id: "double", run: async (payload) => { console.log("in", payload); process.stdout.write("raw\\n"); return { twice: payload.n * 2, pid: process.pid }; } });
  `);
  await runner.platform.message("capacity");
  const grant = grantOf("double", { payload: { n: 21 } });
  runner.platform.grant(grant);
  const outcome = await runner.platform.outcome(grant.executionId);
  expect(outcome).toMatchObject({ kind: "completed" });
  console.log(outcome, runner.platform.received, runner.output);
});
