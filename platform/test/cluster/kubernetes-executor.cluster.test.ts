import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type ClusterFixture, clusterFixture, IMPATIENT, KUBECONFIG, LONG, playing } from "./cluster-fixture.ts";

/** From the cluster's own words: how soon it has them is not the executor's. */
const SOON_MS = 5_000;

describe.skipIf(KUBECONFIG === undefined)("the Kubernetes executor", { timeout: 300_000 }, () => {
  let cluster: ClusterFixture;
  beforeEach(async () => {
    cluster = await clusterFixture();
  });
  afterEach(() => cluster.remove());

  const doing = (code: string) => ({ templates: { default: { spec: playing(code) } } });

  test("an image that does not exist is told with the registry's words, then fails", async () => {
    const executor = await cluster.executor({ limits: IMPATIENT });
    const request = cluster.request();
    const source = { kind: "image" as const, repository: "gantry-test/none", digest: `sha256:${"0".repeat(64)}` };
    await executor.launch([{ ...request, deployment: { ...request.deployment, source } }]);
    const waits = await cluster.observed(request.executionId, "wait");
    expect(waits).toMatchObject({ code: "IMAGE_PULL_FAILED", message: expect.stringContaining("gantry-test/none") });
    expect(await cluster.msAfterWarning(request.executionId, "wait")).toBeLessThan(SOON_MS);
    expect(await cluster.observed(request.executionId, "fail")).toMatchObject({ code: "IMAGE_PULL_FAILED" });
  });

  test("a full cluster is told with the scheduler's words, then the run is queued again", async () => {
    const nodes = { templates: { default: { spec: { nodeSelector: { "gantry-test": "none" } } } } };
    const executor = await cluster.executor({ ...nodes, limits: IMPATIENT });
    const request = cluster.request();
    await executor.launch([request]);
    const waits = await cluster.observed(request.executionId, "wait");
    expect(waits).toMatchObject({ code: "UNSCHEDULABLE", message: expect.stringContaining("nodes are available") });
    expect(await cluster.msAfterWarning(request.executionId, "wait")).toBeLessThan(SOON_MS);
    expect(await cluster.observed(request.executionId, "requeue")).toMatchObject({ code: "UNSCHEDULABLE" });
  });

  test("a preset that no node could ever hold fails after its limit", async () => {
    const executor = await cluster.executor({ limits: IMPATIENT });
    const request = cluster.request({ machine: { name: "moon", cpu: 4000, memory: 1 } });
    await executor.launch([request]);
    expect(await cluster.observed(request.executionId, "fail")).toMatchObject({ code: "NO_NODE_LARGE_ENOUGH" });
  });

  test("a container that uses too much memory is told as OOM_KILLED", async () => {
    const code = "const kept = []; setInterval(() => kept.push(Buffer.alloc(5e7, 1)), 5)";
    const executor = await cluster.executor(doing(code));
    const request = cluster.request();
    await executor.launch([request]);
    expect(await cluster.observed(request.executionId, "crash")).toMatchObject({ code: "OOM_KILLED", exitCode: 137 });
  });

  test("an exit code is told", async () => {
    const executor = await cluster.executor(doing("process.exit(70)"));
    const request = cluster.request();
    await executor.launch([request]);
    expect(await cluster.observed(request.executionId, "crash")).toMatchObject({ code: "POD_EXITED", exitCode: 70 });
  });

  test("a pod that is deleted by force while it runs is lost", async () => {
    const executor = await cluster.executor();
    const request = cluster.request();
    await executor.launch([request]);
    const pod = await cluster.running(request.executionId);
    await cluster.admin.request("DELETE", cluster.runs.path("pods", pod), { body: { gracePeriodSeconds: 0 } });
    const lost = await cluster.observed(request.executionId, "lose");
    expect(lost).toMatchObject({ code: "POD_DELETED" });
    expect(lost.ms).toBeLessThan(SOON_MS);
  });

  test("a pod that is deleted keeps its grace: nothing is told until it has ended", async () => {
    const executor = await cluster.executor(
      doing(
        "setInterval(() => {}, 1000); process.on('SIGTERM', () => setTimeout(() => process.exit(1), 3000)); console.log('{}')",
      ),
    );
    const request = cluster.request();
    await executor.launch([request]);
    const pod = await cluster.running(request.executionId);
    // Before it listens, a container's first process is deaf to the signal.
    const log = () => cluster.admin.request("GET", `${cluster.runs.path("pods", pod)}/log`).catch(() => undefined);
    await expect.poll(log, LONG).toEqual({});
    const deletedAt = Date.now();
    await cluster.admin.request("DELETE", cluster.runs.path("pods", pod));
    expect(await cluster.observed(request.executionId, "lose")).toMatchObject({ code: "POD_DELETED" });
    expect(Date.now() - deletedAt).toBeGreaterThan(2_500);
  });

  test("a quota that is used up is told with its words", async () => {
    const quota = { metadata: { name: "none" }, spec: { hard: { pods: "0" } } };
    await cluster.admin.request("POST", `/api/v1/namespaces/${cluster.name}/resourcequotas`, { body: quota });
    await cluster.untilPodsAreRefused("exceeded quota: none");
    const executor = await cluster.executor();
    const request = cluster.request();
    await executor.launch([request]);
    const queued = await cluster.observed(request.executionId, "requeue");
    expect(queued).toMatchObject({ code: "QUOTA_EXCEEDED", message: expect.stringContaining("exceeded quota: none") });
    expect(await cluster.msAfterWarning(request.executionId, "requeue")).toBeLessThan(SOON_MS);
  });

  test("a quota on Jobs themselves is told with its words", async () => {
    const quota = { metadata: { name: "none" }, spec: { hard: { "count/jobs.batch": "0" } } };
    await cluster.admin.request("POST", `/api/v1/namespaces/${cluster.name}/resourcequotas`, { body: quota });
    const executor = await cluster.executor();
    const request = cluster.request();
    const isRefused = async () => {
      await executor.launch([request]);
      return cluster.observations.of(request.executionId).map(({ code }) => code);
    };
    // The quota takes effect a moment after it was made.
    await expect.poll(isRefused, LONG).toContain("QUOTA_EXCEEDED");
  });

  test("a webhook that refuses pods is told with its words", async () => {
    const path = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations";
    const { name } = cluster;
    const webhook = {
      metadata: { name },
      webhooks: [
        {
          name: "pods.gantry.test",
          clientConfig: { url: "https://127.0.0.1:1/deny" },
          rules: [{ apiGroups: [""], apiVersions: ["v1"], operations: ["CREATE"], resources: ["pods"] }],
          namespaceSelector: { matchLabels: { "gantry-test": name } },
          failurePolicy: "Fail",
          sideEffects: "None",
          admissionReviewVersions: ["v1"],
        },
      ],
    };
    await cluster.admin.request("POST", path, { body: webhook });
    try {
      await cluster.untilPodsAreRefused("pods.gantry.test");
      const executor = await cluster.executor();
      const request = cluster.request();
      await executor.launch([request]);
      const queued = await cluster.observed(request.executionId, "requeue");
      expect(queued).toMatchObject({ code: "ADMISSION_DENIED", message: expect.stringContaining("pods.gantry.test") });
      expect(await cluster.msAfterWarning(request.executionId, "requeue")).toBeLessThan(SOON_MS);
    } finally {
      await cluster.admin.request("DELETE", `${path}/${name}`);
    }
  });

  test("a Secret that is missing is told with its name, then the run is queued again", async () => {
    const env = [{ name: "KEY", valueFrom: { secretKeyRef: { name: "s3", key: "key" } } }];
    const executor = await cluster.executor({
      templates: { default: { spec: { containers: [{ name: "task", env }] } } },
      limits: IMPATIENT,
    });
    const request = cluster.request();
    await executor.launch([request]);
    const waits = await cluster.observed(request.executionId, "wait");
    expect(waits).toMatchObject({ code: "CONTAINER_CONFIG_ERROR", message: expect.stringContaining("s3") });
    expect(await cluster.observed(request.executionId, "requeue")).toMatchObject({ code: "CONTAINER_CONFIG_ERROR" });
  });

  test("a finished Job is removed after its time, with its pod", async () => {
    const executor = await cluster.executor(doing("process.exit(0)"));
    const request = cluster.request();
    cluster.observations.dead.add(request.executionId);
    await executor.launch([request]);
    await expect.poll(() => cluster.jobs(), LONG).toHaveLength(1);
    await expect.poll(() => cluster.jobs(), LONG).toEqual([]);
    await expect.poll(() => cluster.pods(), LONG).toEqual([]);
    expect(cluster.observations.of(request.executionId)).toEqual([]);
  });

  test("a Job whose execution is no longer live is removed, and so is one of an older epoch", async () => {
    const before = await cluster.executor();
    const [lost, old] = [cluster.request(), cluster.request()];
    await before.launch([lost, old]);
    await before.stop("leave");
    cluster.observations.dead.add(lost.executionId);
    const after = await cluster.executor();
    const current = cluster.request({ epoch: 2 });
    await after.launch([current]);
    await expect.poll(() => cluster.jobs(), LONG).toHaveLength(3);
    await expect.poll(() => cluster.jobs(), LONG).toHaveLength(1);
    expect((await cluster.jobs())[0]?.metadata.name).toContain(current.executionId);
  });

  test("a batch of 100 is launched quickly, and no Job twice by two replicas", async () => {
    const [one, other] = [await cluster.executor(), await cluster.executor({ leadership: FOLLOWER })];
    const requests = Array.from({ length: 100 }, () =>
      cluster.request({ machine: { name: "moon", cpu: 4000, memory: 1 } }),
    );
    const startedAt = performance.now();
    await Promise.all([one.launch(requests), other.launch(requests)]);
    // One after the other they would take longer.
    expect(performance.now() - startedAt).toBeLessThan(10_000);
    expect(await cluster.jobs()).toHaveLength(100);
  });
});

const FOLLOWER = { isLeader: false, onChange() {}, async close() {} };
