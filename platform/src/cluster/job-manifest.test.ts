import { MACHINE_PRESETS } from "@gantry/sdk/contract";
import type { V1Job } from "@kubernetes/client-node";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { LaunchRequest, RestoreRequest } from "./executor.ts";
import {
  type CheckpointJobSettings,
  executionOf,
  type JobSettings,
  jobManifest,
  jobName,
  labelValue,
} from "./job-manifest.ts";
import type { PodTemplate } from "./pod-template.ts";

const EXECUTION = "0197a3c0-0000-7000-8000-00000000000e";

function request(over: Partial<LaunchRequest> = {}): LaunchRequest {
  return {
    executionId: EXECUTION,
    runId: "0197a3c0-0000-7000-8000-00000000000a",
    taskId: "import-airports",
    attempt: 2,
    machine: MACHINE_PRESETS["small-1x"],
    deployment: {
      id: "0197a3c0-0000-7000-8000-00000000000d",
      environmentId: 1,
      version: "20261122.1",
      manifest: {
        manifestVersion: 1,
        sdkVersion: "0.1.0",
        runtime: "node24",
        tasks: [],
        queues: [],
        entry: "entry.mjs",
        processKeepAlive: false,
      },
      source: { kind: "image", repository: "gantry/proj_flights/prod", digest: `sha256:${"ab".repeat(32)}` },
    },
    environment: {
      id: 1,
      publicId: "env_1",
      slug: "prod",
      type: "PRODUCTION",
      projectId: "1",
      projectRef: "proj_flights",
      projectName: "Flights",
    },
    epoch: 3,
    startDeadlineAt: new Date("2026-11-22T03:00:00Z"),
    ...over,
  };
}

function settings(templates: PodTemplate[] = [], checkpoints?: CheckpointJobSettings): JobSettings {
  return {
    checkpoints,
    namespace: "gantry-runs",
    instance: "gantry",
    platformUrl: "http://gantry.gantry.svc:4400",
    registry: "registry.example.com",
    bootstrapToken: "bootstrap-token",
    templates,
  };
}

const GPU: PodTemplate = {
  metadata: { labels: { team: "vision", "gantry.dev/run": "mine" }, annotations: { "prometheus.io/scrape": "true" } },
  spec: {
    nodeSelector: { "nvidia.com/gpu.product": "A100" },
    tolerations: [{ key: "nvidia.com/gpu", operator: "Exists", effect: "NoSchedule" }],
    terminationGracePeriodSeconds: 60,
    serviceAccountName: "vision",
    imagePullSecrets: [{ name: "registry" }],
    priorityClassName: "batch",
    containers: [
      {
        name: "task",
        image: "somebody/else",
        command: ["/bin/sh"],
        env: [
          { name: "GANTRY_WORKER_BOOTSTRAP_TOKEN", value: "stolen" },
          { name: "NODE_OPTIONS", value: "--enable-source-maps" },
          { name: "MODEL_DIR", value: "/models" },
        ],
        resources: { limits: { "nvidia.com/gpu": "1", cpu: "64" } },
        volumeMounts: [{ name: "models", mountPath: "/models" }],
      },
    ],
    initContainers: [{ name: "proxy", image: "envoy:1", restartPolicy: "Always" }],
    volumes: [{ name: "models", persistentVolumeClaim: { claimName: "models", readOnly: true } }],
    restartPolicy: "Always",
    activeDeadlineSeconds: 5,
  },
};

const CHECKPOINTS: CheckpointJobSettings = {
  nodeSelector: { pool: "checkpoints" },
  now: Date.parse("2026-11-22T03:00:00Z"),
};
const FEATURES = { node: "node-1", arch: "x64", kernel: "6.18.44", cpuFlags: ["avx2", "sse4_2"] };
const RESTORE: RestoreRequest = {
  features: FEATURES,
  refusedNodes: ["node-4"],
  nodes: [
    { features: FEATURES, works: true, reason: undefined, seenAt: new Date(CHECKPOINTS.now) },
    {
      features: { ...FEATURES, node: "node-2", cpuFlags: ["sse4_2"] },
      works: true,
      reason: undefined,
      seenAt: new Date(CHECKPOINTS.now),
    },
    { features: { ...FEATURES, node: "node-3" }, works: true, reason: undefined, seenAt: new Date(CHECKPOINTS.now) },
  ],
};

/** Tries to undo what makes a checkpoint work, and to relax what nothing needs. */
const STRICT: PodTemplate = {
  spec: {
    nodeSelector: { pool: "batch", zone: "a" },
    shareProcessNamespace: true,
    hostPID: true,
    containers: [
      {
        name: "task",
        env: [{ name: "GANTRY_WORKER_CHECKPOINTS", value: "false" }],
        securityContext: {
          allowPrivilegeEscalation: false,
          capabilities: { drop: ["SETPCAP"], add: ["NET_BIND_SERVICE"] },
          seccompProfile: { type: "RuntimeDefault" },
        },
      },
    ],
  },
};

const GOLDEN: Record<string, V1Job> = {
  "a small run": jobManifest(request(), settings()),
  "a GPU run with a template": jobManifest(
    request({ machine: { name: "gpu-a100", cpu: 8, memory: 32 } }),
    settings([{ spec: { schedulerName: "volcano" } }, GPU]),
  ),
  "a run whose process may be stored": jobManifest(request(), settings([], CHECKPOINTS)),
  "a run whose stored process is brought back": jobManifest(
    request({ restore: RESTORE }),
    settings([GPU], CHECKPOINTS),
  ),
  "names that no label may have": jobManifest(
    request({
      taskId: `reports/é ${"long-".repeat(20)}`,
      environment: { ...request().environment, slug: "preview/feature#1" },
    }),
    settings(),
  ),
};

describe("the Job of a run", () => {
  for (const [title, job] of Object.entries(GOLDEN)) {
    test(`${title} is what the golden file says`, async () => {
      const file = `../../test/golden/job-${title.replaceAll(/[^a-z]+/gi, "-").toLowerCase()}.golden.json`;
      await expect(`${JSON.stringify(job, null, 2)}\n`).toMatchFileSnapshot(file);
    });
  }

  test("a template cannot take over what makes the pod this run's", () => {
    const job = GOLDEN["a GPU run with a template"];
    const pod = job?.spec?.template;
    const task = pod?.spec?.containers[0];
    expect(pod?.metadata?.labels?.["gantry.dev/run"]).toMatch(/^run_/);
    expect(pod?.spec?.restartPolicy).toBe("Never");
    expect(pod?.spec?.activeDeadlineSeconds).toBeUndefined();
    expect(task?.image).toContain("@sha256:");
    expect(task?.command).toBeUndefined();
    const value = (name: string) => task?.env?.filter((each) => each.name === name).map((each) => each.value);
    expect(value("GANTRY_WORKER_BOOTSTRAP_TOKEN")).toEqual(["bootstrap-token"]);
    expect(value("NODE_OPTIONS")).toEqual(["--max-old-space-size=24414 --enable-source-maps"]);
    expect(value("GANTRY_WORKER_DRAIN_GRACE_MS")).toEqual(["50000"]);
    expect(task?.resources?.limits).toMatchObject({ "nvidia.com/gpu": "1", cpu: "8000m", memory: "32000M" });
  });

  test("without checkpoints nothing of them is in the Job, whatever its task would like", () => {
    expect(jobManifest(request({ storesProcess: true }), settings())).toEqual(GOLDEN["a small run"]);
  });

  test("a process that may be stored has the four relaxations and no more", () => {
    const [plain, relaxed] = [GOLDEN["a small run"], GOLDEN["a run whose process may be stored"]].map(
      (job) => job?.spec?.template.spec,
    );
    expect(relaxed?.containers[0]?.securityContext).toEqual({
      readOnlyRootFilesystem: true,
      allowPrivilegeEscalation: true,
      capabilities: { drop: ["ALL"], add: ["CHECKPOINT_RESTORE", "SETPCAP"] },
      seccompProfile: { type: "Unconfined" },
    });
    expect(relaxed).toMatchObject({
      securityContext: plain?.securityContext ?? {},
      automountServiceAccountToken: false,
      volumes: plain?.volumes,
    });
  });

  test("a template cannot undo what storing a process needs", () => {
    const { spec } = jobManifest(request(), settings([STRICT], CHECKPOINTS)).spec?.template ?? {};
    const [task] = spec?.containers ?? [];
    expect(spec).toMatchObject({
      nodeSelector: { pool: "checkpoints", zone: "a" },
      shareProcessNamespace: false,
      hostPID: false,
    });
    expect(task?.securityContext).toMatchObject({
      allowPrivilegeEscalation: true,
      capabilities: { drop: ["ALL"], add: ["NET_BIND_SERVICE", "CHECKPOINT_RESTORE", "SETPCAP"] },
      seccompProfile: { type: "Unconfined" },
    });
    expect(task?.env?.filter(({ name }) => name === "GANTRY_WORKER_CHECKPOINTS")).toEqual([
      { name: "GANTRY_WORKER_CHECKPOINTS", value: "true" },
    ]);
  });

  test("a version without an image is refused with what to do", () => {
    const local = { kind: "local" as const, bundleDir: "/b", projectDir: "/p", envFiles: [] };
    const deployment = { ...request().deployment, source: local };
    expect(() => jobManifest(request({ deployment }), settings())).toThrow("gantry deploy");
  });

  test("its name and its pods' names tell the execution", () => {
    const name = jobName(3, EXECUTION);
    expect(executionOf(name)).toEqual({ epoch: 3, executionId: EXECUTION });
    expect(executionOf(`${name}-x7k2p`)).toEqual({ epoch: 3, executionId: EXECUTION });
    expect(executionOf("postgres-0")).toBeUndefined();
    expect(executionOf(`other-${name}`)).toBeUndefined();
  });

  test("no text makes a label that Kubernetes refuses", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 200 }), (text) => {
        expect(labelValue(text)).toMatch(/^$|^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/);
      }),
    );
  });
});
