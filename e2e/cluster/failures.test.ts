import { describe, expect, inject, onTestFinished, test } from "vitest";
import { using } from "./support/installation.ts";
import { eventually } from "./support/patience.ts";
import { run } from "./support/shell.ts";

const credentials = inject("gantry");
const { api, jobs, project, untilEvent, untilPod, untilWorking } = using(credentials);
/** What the design promises: a reason is seen within this, once the cluster has it. How soon that is is the cluster's own. */
const SEEN_WITHIN_MS = 5_000;

/** Resolves when the cluster itself has said so of the run's Job, or of its pod. */
async function untilWarned(runId: string, words: RegExp): Promise<void> {
  const job = await eventually("its Job", async () => (await jobs.jobsOf(runId))[0]);
  await eventually(`${words} about ${job.metadata.name}`, async () => {
    const events = await jobs.list<{ message?: string; involvedObject: { name: string } }>("events");
    const ours = events.filter(({ involvedObject }) => involvedObject.name.startsWith(job.metadata.name));
    return ours.some(({ message = "" }) => words.test(message)) || undefined;
  });
}

describe("a task that uses more memory than its machine has", () => {
  test("crashes with OOM_KILLED", async () => {
    const runId = await api.trigger("hungry", { megabytes: 900 });
    const { error } = await api.untilStatus(runId, "CRASHED");
    expect(error).toMatchObject({ code: "OOM_KILLED", message: expect.stringContaining("small-1x") });
  });

  test("completes on the larger machine that it names", async () => {
    const runId = await api.trigger("hungry-but-careful", { megabytes: 900 });
    const { output } = await api.untilStatus(runId, "COMPLETED");
    expect(output).toMatchObject({ taken: 912, attempt: 2, machine: "medium-1x" });
  });

  test("has its onFailure run in a pod of its own", async () => {
    const runId = await api.trigger("mourned", { megabytes: 900 });
    await api.untilStatus(runId, "CRASHED");
    await untilEvent(runId, /^mourned: /);
  });
});

describe("a task that throws", () => {
  test("is named by file and line of its source", async () => {
    const runId = await api.trigger("throws", {});
    const run = await api.untilStatus(runId, "FAILED");
    expect(JSON.stringify(run)).toContain("tasks/plain.ts:64");
  });

  test("is tried again in the same pod", async () => {
    const runId = await api.trigger("flaky", {});
    const { output } = await api.untilStatus(runId, "COMPLETED");
    expect(output).toMatchObject({ attempt: 2 });
  });
});

describe("a pod that is deleted while its run executes", () => {
  test("costs the run a new execution, and no retry", async () => {
    const runId = await api.trigger("works", { ms: 15_000 });
    const first = await untilWorking(runId);
    await jobs.run("delete", "pod", first, "--grace-period=0", "--force");
    const { output } = await api.untilStatus(runId, "COMPLETED");
    expect(output).toMatchObject({ attempt: 1 });
    expect((output as { pod: string }).pod).not.toBe(first);
  });
});

describe("a node that is drained", () => {
  test("lets the run use its grace", async () => {
    const runId = await api.trigger("works", { ms: 10_000 });
    const pod = await untilWorking(runId);
    onTestFinished(() =>
      run("kubectl", ["uncordon", "--all"]).then(
        () => undefined,
        () => undefined,
      ),
    );
    const node = (await jobs.get<{ spec: { nodeName: string } }>("pod", pod)).spec.nodeName;
    await run("kubectl", ["cordon", node]);
    // What a drain does to the pod: an eviction, with the pod's own grace.
    await jobs.run("delete", "pod", pod, "--wait=false");
    const { output } = await api.untilStatus(runId, "COMPLETED");
    expect(output).toMatchObject({ pod, attempt: 1 });
    await run("kubectl", ["uncordon", node]);
  });
});

describe("an image that does not exist", () => {
  test("is the reason that the run shows within five seconds", async () => {
    const yard = await project("e2e/cluster/fixtures/yard");
    onTestFinished(() => yard.remove());
    await yard.write(
      "tasks/gone.ts",
      `import { task } from "@gantry/sdk";\nexport const gone = task({ id: "gone", run: async () => ${Date.now()} });\n`,
    );
    const { version } = await yard.deploy("--skip-promotion");
    const { imageReference } = await api.call<{ imageReference: string }>("GET", `/api/v1/deployments/${version}`);
    const [repository, digest] = imageReference.split("@");
    const removed = await fetch(`http://localhost:5000/v2/${repository}/manifests/${digest}`, { method: "DELETE" });
    expect(removed.status).toBe(202);
    const runId = await api.trigger("gone", {}, { version });
    await untilWarned(runId, /Failed to pull image/);
    await untilEvent(runId, /IMAGE_PULL_FAILED/, SEEN_WITHIN_MS);
    const { error } = await api.untilStatus(runId, "SYSTEM_FAILURE");
    expect(error).toMatchObject({ code: "IMAGE_PULL_FAILED" });
  });
});

describe("a cluster that refuses the pod", () => {
  test("by a quota shows so within five seconds, queues the run again, and lets it complete when it is lifted", async () => {
    const quota = {
      apiVersion: "v1",
      kind: "ResourceQuota",
      metadata: { name: "none-at-all" },
      spec: { hard: { pods: "0" } },
    };
    onTestFinished(() =>
      jobs.run("delete", "resourcequota", "none-at-all", "--ignore-not-found").then(() => undefined),
    );
    await jobs.apply(quota);
    await eventually("the quota is in force", async () =>
      (await jobs.get<{ status?: { hard?: object } }>("resourcequota", "none-at-all")).status?.hard === undefined
        ? undefined
        : true,
    );
    const runId = await api.trigger("hello", {});
    await untilWarned(runId, /exceeded quota/);
    await untilEvent(runId, /QUOTA_EXCEEDED/, SEEN_WITHIN_MS);
    await api.untilStatus(runId, "DELAYED");
    // Each time that it is due it is refused again.
    await eventually("the reason", async () => {
      const { reasons } = await api.call<{ reasons: { reason: string }[] }>("GET", `/api/v1/runs/${runId}/explain`);
      return reasons.some(({ reason }) => reason === "QUOTA_EXCEEDED") || undefined;
    });
    await jobs.run("delete", "resourcequota", "none-at-all");
    await api.untilStatus(runId, "COMPLETED");
  });

  test("by an admission webhook shows so within five seconds, and completes when it is lifted", async () => {
    const webhook = {
      apiVersion: "admissionregistration.k8s.io/v1",
      kind: "ValidatingWebhookConfiguration",
      metadata: { name: "gantry-e2e-denies" },
      webhooks: [
        {
          name: "denies.example.com",
          admissionReviewVersions: ["v1"],
          sideEffects: "None",
          failurePolicy: "Fail",
          timeoutSeconds: 1,
          namespaceSelector: { matchLabels: { "denied-by": "gantry-e2e" } },
          rules: [{ apiGroups: [""], apiVersions: ["v1"], operations: ["CREATE"], resources: ["pods"] }],
          clientConfig: { url: "https://127.0.0.1:1/denies" },
        },
      ],
    };
    const lift = async () => {
      await jobs.run("delete", "validatingwebhookconfiguration", "gantry-e2e-denies", "--ignore-not-found");
      await jobs.run("label", "namespace", jobs.namespace, "denied-by-");
    };
    onTestFinished(lift);
    await jobs.run("label", "namespace", jobs.namespace, "denied-by=gantry-e2e", "--overwrite");
    await jobs.apply(webhook);
    await eventually("the webhook is in force", async () =>
      jobs.run("run", "probe", "--image=probe", "--dry-run=server").then(
        () => undefined,
        () => true,
      ),
    );
    const runId = await api.trigger("hello", {});
    await untilWarned(runId, /denies\.example\.com/);
    await untilEvent(runId, /ADMISSION_DENIED/, SEEN_WITHIN_MS);
    await lift();
    await api.untilStatus(runId, "COMPLETED");
  });
});

describe("a cluster that is full", () => {
  test("shows the reason on the run, queues it again, and never fails it", async () => {
    // Two cores: more than two of these cannot run at once.
    const runIds = await Promise.all([1, 2, 3, 4].map(() => api.trigger("wide", { ms: 12_000 })));
    await eventually("one that no node has room for", async () => {
      for (const id of runIds) {
        const { events } = await api.call<{ events: { message: string }[] }>("GET", `/api/v1/runs/${id}/events`);
        if (events.some(({ message }) => message.startsWith("UNSCHEDULABLE"))) return true;
      }
      return undefined;
    });
    for (const id of runIds) await api.untilStatus(id, "COMPLETED");
  });

  test("fails a run only where no node could ever hold it", async () => {
    const runId = await api.trigger("colossal", {});
    const { error } = await api.untilStatus(runId, "SYSTEM_FAILURE");
    expect(error).toMatchObject({ code: "NO_NODE_LARGE_ENOUGH" });
  });

  test("leaves no pod behind", async () => {
    await untilPod(await api.trigger("hello", {}), "Succeeded");
    await eventually("the end of every pod", async () =>
      (await jobs.list("pods")).every((pod) => (pod as { status: { phase: string } }).status.phase !== "Running")
        ? true
        : undefined,
    );
  });
});
