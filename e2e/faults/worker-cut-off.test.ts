import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { descendants, livingOf } from "../../.make/demo/processes.mjs";
import { createCredentials } from "../../platform/src/cluster/jwt-credentials.ts";
import { MasterKey } from "../../platform/src/secrets/master-key.ts";
import { eventually } from "../support/eventually.ts";
import { killGroup } from "./support/platform-process.ts";
import { stage } from "./support/stage.ts";

type Stage = Awaited<ReturnType<typeof stage>>;

/** A runner as a node of a cluster would have it: started by nobody whom the platform knows, with room for one run. */
async function startRunner({ platform, project, pool }: Stage): Promise<ChildProcess> {
  const workerId = `worker_${randomBytes(8).toString("hex")}`;
  const { rows } = await pool.query<{ id: string; environment_id: number }>(
    "select id, environment_id from deployment",
  );
  const worker = { workerId, deploymentId: rows[0]?.id ?? "", environmentId: rows[0]?.environment_id ?? 0 };
  const runner = spawn(process.execPath, [join(import.meta.dirname, "../../worker-image/dist/runner.js")], {
    cwd: project.folder,
    detached: true,
    stdio: "ignore",
    env: {
      PATH: process.env.PATH,
      EFFECTS_DIR: project.effectsDir,
      GANTRY_API_URL: platform.url,
      GANTRY_WORKER_URL: platform.url,
      GANTRY_WORKER_ID: workerId,
      GANTRY_WORKER_TOKEN: createCredentials(new MasterKey(platform.encryptionKey)).issueWorkerToken(worker),
      GANTRY_WORKER_CONCURRENCY: "1",
      GANTRY_WORKER_POOL: "1",
      GANTRY_BUNDLE_DIR: project.deployment.source.bundleDir,
      GANTRY_BUNDLE_ENTRY: project.deployment.manifest.entry,
      GANTRY_RUNS_DIR: join(project.folder, workerId),
    },
  });
  onTestFinished(() => killGroup(runner.pid ?? 0));
  return runner;
}

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
