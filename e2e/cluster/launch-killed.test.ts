import { randomBytes } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFailed, onTestFinished, test } from "vitest";
import { freshDatabase } from "../faults/support/fresh-database.ts";
import { PlatformProcess } from "../faults/support/platform-process.ts";
import { Project } from "./support/gantry-cli.ts";
import { Kubectl } from "./support/kubectl.ts";
import { type JobCreation, KubernetesProxy } from "./support/kubernetes-proxy.ts";
import { nodeAddress } from "./support/node-address.ts";
import { ClusterApi } from "./support/patience.ts";
import { run } from "./support/shell.ts";

const REGISTRY = "localhost:5000";

/** A platform as a process of this machine, so that it can be killed at a line of its code, with its Jobs on the cluster. */
async function stage() {
  // One that is being removed is of no use to the next stage.
  const namespace = `gantry-e2e-killed-${randomBytes(3).toString("hex")}`;
  await run("kubectl", ["create", "namespace", namespace]);
  onTestFinished(() => run("kubectl", ["delete", "namespace", namespace, "--wait=false"]).then(() => undefined));
  const proxy = await KubernetesProxy.open();
  onTestFinished(() => proxy.close());
  const folder = await mkdtemp(join(tmpdir(), "gantry-killed-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await mkdir(join(folder, "effects"));
  const kubeconfig = join(folder, "kubeconfig");
  await writeFile(kubeconfig, proxy.kubeconfig);
  const platform = await PlatformProcess.start({
    databaseUrl: await freshDatabase(),
    project: { folder, effectsDir: join(folder, "effects") },
    settings: (port) => ({
      HOST: "0.0.0.0",
      EXECUTOR: "kubernetes",
      KUBERNETES_KUBECONFIG: kubeconfig,
      KUBERNETES_NAMESPACE: namespace,
      INTERNAL_URL: `http://${address}:${port}`,
      REGISTRY_PUSH_URL: `http://${REGISTRY}`,
      REGISTRY_PULL_URL: REGISTRY,
      WORKER_IMAGE: `${REGISTRY}/gantry/worker:dev`,
    }),
  });
  onTestFinished(() => platform.remove());
  let log = "";
  onTestFinished(async () => void (log = await platform.log()));
  onTestFailed(() => console.error(`the end of the platform's log:\n${log}`));
  const yard = await Project.copy("e2e/cluster/fixtures/yard", {
    GANTRY_API_URL: platform.url,
    GANTRY_SECRET_KEY: platform.key,
  });
  onTestFinished(() => yard.remove());
  await yard.deploy();
  return { kubectl: new Kubectl(namespace), proxy, platform, api: new ClusterApi(platform.url, platform.key) };
}

const address = await nodeAddress();

describe("a scheduler that is killed", () => {
  test.for<[string, Exclude<JobCreation, "pass">]>([
    ["between the database's write and the Job's creation", "withhold"],
    ["just after the Job's creation, before it hears of it", "silence"],
  ])("%s leaves exactly one Job and one result", async ([, fate]) => {
    const { kubectl, proxy, platform, api } = await stage();
    const names = new Set<string>();
    const watch = kubectl.watch<{ metadata: { name: string } }>("jobs", ({ object }) =>
      names.add(object.metadata.name),
    );
    onTestFinished(() => watch.stop());
    const met = proxy.meet(fate);
    const runId = await api.trigger("hello", {});
    await met;
    await platform.end("SIGKILL");
    await platform.start();
    const { output } = await api.untilStatus(runId, "COMPLETED");
    expect(output).toMatchObject({ attempt: 1 });
    expect(names.size).toBe(1);
  });
});
