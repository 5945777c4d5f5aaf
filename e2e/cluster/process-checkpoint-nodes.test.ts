import { describe, expect, onTestFinished, test } from "vitest";
import { hostStage } from "./support/host-stage.ts";
import { Kubectl } from "./support/kubectl.ts";
import { eventually } from "./support/patience.ts";
import { run as shell } from "./support/shell.ts";
import { StoredRuns } from "./support/stored-runs.ts";

const NAME = "gantry-e2e-nodes";
const LABEL = "gantry-e2e/checkpoints";
const LETTERS = ["load", "welcome", "how-do-you-do"];

describe("an installation where process checkpoints are off", () => {
  test("runs tasks that want them as before: one keeps its pod, one whose replay repeats nothing leaves it", async () => {
    const settings = { CHECKPOINT_NAMESPACE: undefined, CHECKPOINT_WORKER_IMAGE: undefined };
    const stage = await hostStage({ name: NAME, settings }, onTestFinished);
    const runs = new StoredRuns(stage.runs.api, stage.ordinary);
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

/** Refuses all pods of the namespace, as Pod Security does that enforces *baseline* there (this Kubernetes has none yet). */
async function refusePods({ namespace }: Kubectl): Promise<void> {
  const name = `${namespace}-refuses`;
  const webhook = {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "ValidatingWebhookConfiguration",
    metadata: { name },
    webhooks: [
      {
        name: "refuses.example.com",
        admissionReviewVersions: ["v1"],
        sideEffects: "None",
        failurePolicy: "Fail",
        timeoutSeconds: 1,
        namespaceSelector: { matchLabels: { "refused-by": namespace } },
        rules: [{ apiGroups: [""], apiVersions: ["v1"], operations: ["CREATE"], resources: ["pods"] }],
        clientConfig: { url: "https://127.0.0.1:1/refuses" },
      },
    ],
  };
  const cluster = new Kubectl(namespace);
  onTestFinished(() => cluster.run("delete", "validatingwebhookconfiguration", name).then(() => undefined));
  await cluster.run("label", "namespace", namespace, `refused-by=${namespace}`);
  await cluster.apply(webhook);
  await eventually("the webhook is in force", () =>
    cluster.run("run", "probe", "--image=probe", "--dry-run=server").then(
      () => undefined,
      () => true,
    ),
  );
}

describe("an installation where processes cannot be stored", () => {
  test("as the cluster refuses such pods says so, and runs the tasks without", async () => {
    const stage = await hostStage({ name: NAME }, onTestFinished);
    await refusePods(stage.runs.pods);
    const runs = new StoredRuns(stage.runs.api, stage.ordinary);
    const { run, name, token } = await stage.begin("letters");
    await runs.untilSaid(run, /CHECKPOINTS_REFUSED/);
    await runs.untilParked(run, "hold", /^(UNSAFE|CHECKPOINT_UNAVAILABLE)$/);
    await runs.complete(token);
    const { output } = await runs.ended(run);
    expect(output.after).toBe(output.before);
    expect(stage.world.heard(name)).toEqual(LETTERS);
  });

  test("as its versions have nothing to do it with runs the tasks as before", async () => {
    const settings = { CHECKPOINT_WORKER_IMAGE: "localhost:5000/gantry/worker:dev" };
    const stage = await hostStage({ name: NAME, settings }, onTestFinished);
    const { run, name, token } = await stage.begin("letters");
    await stage.runs.untilParked(run, "hold", /^(UNSAFE|CHECKPOINT_UNAVAILABLE)$/);
    await stage.runs.complete(token);
    const { output } = await stage.runs.ended(run);
    expect(output.after).toBe(output.before);
    expect(stage.world.heard(name)).toEqual(LETTERS);
  });
});

// There is one node. Another one is played by what is recorded of it, and by its labels.
describe("a process that was stored on another node", () => {
  test("is not brought back where the processor lacks something: its run fails and says what, or is replayed", async () => {
    // The only node is ruled out: its pod waits for another, and each wait counts as a try.
    const settings = { KUBERNETES_UNSCHEDULABLE_MS: "5000" };
    const { runs, begin, query, world } = await hostStage({ name: NAME, settings }, onTestFinished);
    const [plain, stepwise] = [await begin("letters"), await begin("stepwise")];
    for (const { run } of [plain, stepwise]) await runs.untilStored(run);
    await query(
      `update checkpoint set features = features || jsonb_build_object('cpuFlags', features->'cpuFlags' || '["forged_flag"]', 'node', 'another')`,
    );
    for (const { token } of [plain, stepwise]) await runs.complete(token);
    const { error } = await runs.ended(plain.run, "SYSTEM_FAILURE");
    expect(error).toMatchObject({ code: "RESTORE_FAILED", message: expect.stringContaining("forged_flag") });
    expect(world.heard(plain.name)).toEqual(["load", "welcome"]);
    await runs.ended(stepwise.run);
  });

  test("waits for a node with the operator's label, says so, and goes on there", async () => {
    const settings = { CHECKPOINT_NODE_SELECTOR: JSON.stringify({ [LABEL]: "yes" }) };
    const label = (value: string) => shell("kubectl", ["label", "nodes", "--all", "--overwrite", `${LABEL}${value}`]);
    onTestFinished(() => label("-").then(() => undefined));
    await label("=yes");
    const { runs, begin, world } = await hostStage({ name: NAME, settings }, onTestFinished);
    const { run, name, token } = await begin("letters");
    await runs.untilStored(run);
    await label("=no");
    await runs.complete(token);
    await runs.untilSaid(run, /UNSCHEDULABLE/);
    await label("=yes");
    const { output } = await runs.ended(run);
    expect(output.after).not.toBe(output.before);
    expect(world.heard(name)).toEqual(LETTERS);
  });
});
