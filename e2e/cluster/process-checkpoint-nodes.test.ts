import { describe, expect, onTestFinished, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import { hostStage } from "./support/host-stage.ts";
import { Kubectl } from "./support/kubectl.ts";
import { run as shell } from "./support/shell.ts";
import { StoredRuns } from "./support/stored-runs.ts";

const NAMESPACE = "gantry-e2e-nodes";
const LABEL = "gantry-e2e/checkpoints";
const LETTERS = ["load", "welcome", "how-do-you-do"];

describe("an installation where process checkpoints are off", () => {
  test("runs tasks that want them as before: one keeps its pod, one whose replay repeats nothing leaves it", async () => {
    const settings = { CHECKPOINT_NAMESPACE: undefined, CHECKPOINT_WORKER_IMAGE: undefined };
    const stage = await hostStage({ namespace: NAMESPACE, settings }, onTestFinished);
    const runs = new StoredRuns(stage.runs.api, new Kubectl(NAMESPACE));
    const [plain, stepwise] = [await stage.begin("letters"), await stage.begin("stepwise")];
    await runs.untilParked(plain.run, "hold", /^UNSAFE$/);
    await runs.untilParked(stepwise.run, "replay");
    expect((await runs.pods.jobsOf(plain.run))[0]?.spec.template.spec.containers[0]?.securityContext).toMatchObject({
      allowPrivilegeEscalation: false,
      capabilities: { drop: ["ALL"] },
    });
    for (const { token } of [plain, stepwise]) await runs.complete(token);
    const { output } = await runs.ended(plain.run);
    expect(output.after).toBe(output.before);
    expect(stage.world.heard(plain.name)).toEqual(LETTERS);
    await runs.ended(stepwise.run);
  });
});

describe("an installation whose workers cannot store processes", () => {
  test("says why, on the run and of the node, and runs tasks that want it as before", async () => {
    // The ordinary image, which has nothing to store a process with.
    const settings = { CHECKPOINT_WORKER_IMAGE: "localhost:5000/gantry/worker:dev" };
    const { runs, begin, world } = await hostStage({ namespace: NAMESPACE, settings }, onTestFinished);
    const { run, name, token } = await begin("letters");
    await runs.untilParked(run, "hold", /^CHECKPOINT_UNAVAILABLE$/);
    const cluster = await eventually("the node's report", async () => {
      const { checkpoints } = await runs.api.call<{
        checkpoints?: { isEnabled: boolean; nodes: { works: boolean; reason: string | null }[] };
      }>("GET", "/api/v1/cluster");
      return checkpoints?.nodes.length ? checkpoints : undefined;
    });
    expect(cluster).toMatchObject({ isEnabled: true, nodes: [{ works: false, reason: expect.any(String) }] });
    await runs.complete(token);
    const { output } = await runs.ended(run);
    expect(output.after).toBe(output.before);
    expect(world.heard(name)).toEqual(LETTERS);
  });
});

// There is one node. Another one is played by what is recorded of it, and by its labels.
describe("a process that was stored on another node", () => {
  test("is not brought back where the processor lacks something: its run fails and says what, or is replayed", async () => {
    // The only node is ruled out: its pod waits for another, and each wait counts as a try.
    const settings = { KUBERNETES_UNSCHEDULABLE_MS: "5000" };
    const { runs, begin, query, world } = await hostStage({ namespace: NAMESPACE, settings }, onTestFinished);
    const [plain, stepwise] = [await begin("letters"), await begin("stepwise")];
    for (const { run } of [plain, stepwise]) await runs.untilStored(run);
    await query(
      `update checkpoint set features = features || jsonb_build_object('cpuFlags', features->'cpuFlags' || '["forged_flag"]', 'node', 'another')`,
    );
    for (const { token } of [plain, stepwise]) await runs.complete(token);
    const { error } = await runs.ended(plain.run, "SYSTEM_FAILURE", 120_000);
    expect(error).toMatchObject({ code: "RESTORE_FAILED", message: expect.stringContaining("forged_flag") });
    expect(world.heard(plain.name)).toEqual(["load", "welcome"]);
    await runs.ended(stepwise.run, "COMPLETED", 120_000);
  });

  test("waits for a node with the operator's label, says so, and goes on there", async () => {
    const settings = { CHECKPOINT_NODE_SELECTOR: JSON.stringify({ [LABEL]: "yes" }) };
    const label = (value: string) => shell("kubectl", ["label", "nodes", "--all", "--overwrite", `${LABEL}${value}`]);
    onTestFinished(() => label("-").then(() => undefined));
    await label("=yes");
    const { runs, begin, world } = await hostStage({ namespace: NAMESPACE, settings }, onTestFinished);
    const { run, name, token } = await begin("letters");
    await runs.untilStored(run);
    await label("=no");
    await runs.complete(token);
    await runs.untilSaid(run, /UNSCHEDULABLE/);
    await label("=yes");
    const { output } = await runs.ended(run, "COMPLETED", 120_000);
    expect(output.after).not.toBe(output.before);
    expect(world.heard(name)).toEqual(LETTERS);
  });
});
