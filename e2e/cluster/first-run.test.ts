import { describe, expect, inject, onTestFinished, test } from "vitest";
import { using } from "./support/installation.ts";
import { eventually } from "./support/patience.ts";

const credentials = inject("gantry");
const { api, jobs, installation, untilPod, untilWorking } = using(credentials);

describe("a new user", () => {
  test("deploys the airports example, triggers it, sees its Job and reads its result", async () => {
    const airports = await installation.bootstrap("airports");
    const gantry = using(airports);
    const example = await gantry.project("examples/airports");
    onTestFinished(() => example.remove());
    const { version } = await example.deploy();
    expect(version).toMatch(/^\d{8}\.\d+$/);

    const runId = await gantry.api.trigger("import-airports", {});
    const job = await eventually("the run's Job", async () => (await gantry.jobs.jobsOf(runId))[0]);
    expect(job.metadata.labels).toMatchObject({ "gantry.dev/task": "import-airports", "gantry.dev/version": version });
    const { output } = await gantry.api.untilStatus(runId, "COMPLETED");
    expect(output).toMatchObject({ count: 3376 });
  });
});

describe("a run's pod", () => {
  test("has the preset's requests and limits, and a heap that fits into them", async () => {
    const small = await api.trigger("hello", { name: "pod" });
    const medium = await api.trigger("medium", {});
    const resourcesOf = async (runId: string) =>
      (await eventually("its Job", async () => (await jobs.jobsOf(runId))[0])).spec.template.spec.containers[0]
        ?.resources;
    expect(await resourcesOf(small)).toMatchObject({
      requests: { cpu: "375m", memory: "500M" },
      limits: { cpu: "500m", memory: "500M" },
    });
    expect(await resourcesOf(medium)).toMatchObject({
      requests: { cpu: "750m", memory: "2G" },
      limits: { cpu: "1", memory: "2G" },
    });
    const { output } = await api.untilStatus(small, "COMPLETED");
    const { heapMegabytes } = output as { heapMegabytes: number };
    expect(heapMegabytes).toBeGreaterThan(0.75 * 476);
    expect(heapMegabytes).toBeLessThan(0.95 * 476);
    await api.untilStatus(medium, "COMPLETED");
  });

  test("is hardened, and named by the run", async () => {
    const runId = await api.trigger("hello", {});
    const job = await eventually("its Job", async () => (await jobs.jobsOf(runId))[0]);
    const { spec } = job.spec.template;
    expect(job.metadata.labels).toMatchObject({
      "gantry.dev/run": runId,
      "gantry.dev/task": "hello",
      "gantry.dev/project": "yard",
      "gantry.dev/environment": "prod",
      "gantry.dev/machine": "small-1x",
      "gantry.dev/attempt": "1",
    });
    expect(spec).toMatchObject({ automountServiceAccountToken: false, enableServiceLinks: false });
    expect(spec.containers[0]?.image).toMatch(/@sha256:[0-9a-f]{64}$/);
    expect(spec.containers[0]?.securityContext).toMatchObject({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
    });
    await api.untilStatus(runId, "COMPLETED");
  });

  test("gets the environment's variables, which no Job's spec holds", async () => {
    const variables = { variables: { FROM_ENVIRONMENT: "plain", A_SECRET: "tell nobody" }, override: true };
    await api.call("POST", `/api/v1/projects/${credentials.project}/envvars/prod/import`, variables);
    const runId = await api.trigger("hello", {});
    const { output } = await api.untilStatus(runId, "COMPLETED");
    expect(output).toMatchObject({ variables: { fromEnvironment: "plain", secret: "tell nobody" } });
    expect(JSON.stringify(await jobs.jobsOf(runId))).not.toContain("tell nobody");
  });

  test("ends when its run is canceled", async () => {
    const runId = await api.trigger("works", { ms: 120_000 });
    await untilWorking(runId);
    await untilPod(runId);
    await api.call("POST", `/api/v2/runs/${runId}/cancel`, {});
    await api.untilStatus(runId, "CANCELED", 60_000);
    await eventually("the end of its pod", async () =>
      (await jobs.podsOf(runId)).every((pod) => pod.status.phase !== "Running") ? true : undefined,
    );
  });

  test("is removed with its Job once it has finished", async () => {
    const runId = await api.trigger("hello", {});
    await api.untilStatus(runId, "COMPLETED");
    await eventually("the removal of its Job", async () =>
      (await jobs.jobsOf(runId)).length === 0 ? true : undefined,
    );
  });
});

describe("two hundred runs of a queue that takes ten", () => {
  test("never have more than ten at work, and all complete", async () => {
    const items = Array.from({ length: 200 }, (_, n) => ({ payload: { n } }));
    const { runs } = await api.call<{ runs: string[] }>("POST", "/api/v1/tasks/limited/batch", { items });
    expect(runs).toHaveLength(200);
    // Not by `kubectl get jobs`: a Job counts as active until the cluster has seen its pod's end, a moment after the run's.
    await api.untilIdle(400_000);
    const ended = await Promise.all(runs.map((id) => api.run(id)));
    expect(new Set(ended.map(({ status }) => status))).toEqual(new Set(["COMPLETED"]));
    const most = mostAtOnce(ended.map(({ output }) => output as Span));
    expect(most).toBeGreaterThan(1);
    expect(most).toBeLessThanOrEqual(10);
  }, 450_000);
});

interface Span {
  from: number;
  to: number;
}

/** How many of the spans hold one instant, at the most. */
function mostAtOnce(spans: Span[]): number {
  return Math.max(...spans.map(({ from: at }) => spans.filter(({ from, to }) => from <= at && at < to).length));
}
