import { describe, expect, test } from "vitest";
import type { ContainerStatus, JobFacts, NodeSize, PodFacts, PodObject } from "./cluster-facts.ts";
import { isJobOver, observeJob } from "./job-outcome-policy.ts";
import type { WorkerObservation } from "./worker-observations.ts";

const NOW = Date.parse("2026-11-22T03:00:00Z");
const LIMITS = { unschedulableMs: 60_000, neverFitsMs: 120_000, imagePullMs: 90_000, podStartMs: 30_000 };
const NODES: NodeSize[] = [{ cpu: 2, memory: 8e9, "ephemeral-storage": 1e11 }];
const ago = (ms: number) => new Date(NOW - ms).toISOString();

const JOB = { metadata: { name: "gantry-1-e", creationTimestamp: ago(5_000) }, status: { active: 1 } };
const FAILED = { ...JOB, status: { failed: 1, conditions: [{ type: "Failed", status: "True" }] } };

type State = NonNullable<ContainerStatus["state"]>;
const running: State = { running: {} };
const waiting = (reason: string, message?: string): State => ({ waiting: { reason, ...(message && { message }) } });
const ended = (exitCode: number, reason = "Error", message?: string): State => ({
  terminated: { exitCode, reason, ...(message && { message }) },
});

interface PodPlay {
  task?: State;
  init?: State;
  sidecar?: State;
  status?: Partial<NonNullable<PodObject["status"]>>;
  createdMsAgo?: number;
  /** Milliseconds from now at which it is to be gone. */
  deletionInMs?: number;
  cpu?: string;
  isGone?: boolean;
  events?: [reason: string, message: string][];
}

function pod(play: PodPlay): PodFacts {
  const named = (name: string, state: State | undefined) => (state === undefined ? [] : [{ name, state }]);
  const { createdMsAgo = 5_000, deletionInMs } = play;
  return {
    isGone: play.isGone ?? false,
    events: (play.events ?? []).map(([reason, message]) => ({ reason, message, at: NOW })),
    pod: {
      metadata: {
        name: "gantry-1-e-abcde",
        creationTimestamp: ago(createdMsAgo),
        ...(deletionInMs === undefined ? {} : { deletionTimestamp: ago(-deletionInMs) }),
      },
      spec: { containers: [{ name: "task", resources: { requests: { cpu: play.cpu ?? "375m", memory: "500M" } } }] },
      status: {
        phase: "Pending",
        conditions: [{ type: "PodScheduled", status: "True", lastTransitionTime: ago(createdMsAgo) }],
        initContainerStatuses: named("migrate", play.init),
        containerStatuses: [...named("proxy", play.sidecar), ...named("task", play.task)],
        ...play.status,
      },
    },
  };
}

function unscheduled(message: string, createdMsAgo: number, cpu?: string): PodFacts {
  const conditions = [{ type: "PodScheduled", status: "False", reason: "Unschedulable", message }];
  return pod({ createdMsAgo, status: { conditions }, ...(cpu && { cpu }) });
}

/** A stored process's, for which the only node was ruled out. */
function ruledOut(createdMsAgo: number): PodFacts {
  const made = unscheduled("0/1 nodes are available: 1 node(s) didn't match Pod's node affinity.", createdMsAgo);
  const annotations = { "gantry.dev/nodes-ruled-out": "1: the processor of n1 lacks avx2" };
  return { ...made, pod: { ...made.pod, metadata: { ...made.pod.metadata, annotations } } };
}

const jobEvent = (message: string) => [{ reason: "FailedCreate", message, at: NOW }];
const FULL = "0/1 nodes are available: 1 Insufficient cpu.";
const TOO_SMALL = `${FULL} preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.`;
const NOT_FOUND = 'Failed to pull image "r/x@sha256:ab": rpc error: code = NotFound desc = not found';
const QUOTA =
  'Error creating: pods "gantry-1-e-x" is forbidden: exceeded quota: runs, requested: pods=1, used: pods=2, limited: pods=2';
const WEBHOOK = 'Error creating: admission webhook "pods.policy.example" denied the request: no team label';
const POD_SECURITY =
  'Error creating: pods "gantry-1-e-x" is forbidden: violates PodSecurity "restricted:latest": runAsNonRoot != true';

interface Case {
  facts: Partial<JobFacts>;
  nodes?: NodeSize[];
  want: Partial<WorkerObservation> | undefined;
}

const CASES: Record<string, Case> = {
  "a Job whose pod is not made yet is on its way": { facts: {}, want: undefined },
  "a pod that has just been made is on its way": { facts: { pods: [pod({})] }, want: undefined },
  "a container that is being created is on its way": {
    facts: { pods: [pod({ task: waiting("ContainerCreating") })] },
    want: undefined,
  },
  "a running worker speaks for itself": {
    facts: { pods: [pod({ task: running, status: { phase: "Running" } })] },
    want: undefined,
  },
  "a worker that was told to end uses its grace": {
    facts: { pods: [pod({ task: running, status: { phase: "Running" }, deletionInMs: 200_000 })] },
    want: undefined,
  },
  "a stored process that every node is known to be unable to bring back waits for another node": {
    facts: { pods: [ruledOut(30_000)] },
    want: {
      then: "wait",
      code: "NO_NODE_RESTORES",
      message:
        "No other node can bring the process back: the processor of n1 lacks avx2. 0/1 nodes are available: 1 node(s) didn't match Pod's node affinity.",
    },
  },
  "a stored process that no node came for in time is given up there": {
    facts: { pods: [ruledOut(61_000)] },
    want: { then: "requeue", code: "NO_NODE_RESTORES" },
  },
  "no room now: the run waits, with the scheduler's words": {
    facts: { pods: [unscheduled(FULL, 1_000)] },
    nodes: NODES,
    want: { then: "wait", code: "UNSCHEDULABLE", message: FULL },
  },
  "no room for long: the run is queued again": {
    facts: { pods: [unscheduled(FULL, 61_000)] },
    nodes: NODES,
    want: { then: "requeue", code: "UNSCHEDULABLE" },
  },
  "no room, however long, never fails where nodes are not known": {
    facts: { pods: [unscheduled(FULL, 10_000_000)] },
    want: { then: "requeue", code: "UNSCHEDULABLE" },
  },
  "a preset larger than every node is said to be": {
    facts: { pods: [unscheduled(FULL, 61_000, "6")] },
    nodes: NODES,
    want: { then: "wait", code: "NO_NODE_LARGE_ENOUGH" },
  },
  "a preset larger than every node fails after its limit": {
    facts: { pods: [unscheduled(FULL, 121_000, "6")] },
    nodes: NODES,
    want: { then: "fail", code: "NO_NODE_LARGE_ENOUGH" },
  },
  "a newer scheduler says by itself that no node is large enough": {
    facts: { pods: [unscheduled(TOO_SMALL, 121_000, "6")] },
    want: { then: "fail", code: "NO_NODE_LARGE_ENOUGH" },
  },
  "an image that cannot be pulled: the run waits, with the registry's words": {
    facts: { pods: [pod({ task: waiting("ErrImagePull", NOT_FOUND) })] },
    want: { then: "wait", code: "IMAGE_PULL_FAILED", message: NOT_FOUND },
  },
  "a pull that is backed off has its words in the event": {
    facts: {
      pods: [
        pod({
          task: waiting("ImagePullBackOff", 'Back-off pulling image "r/x"'),
          events: [
            ["Failed", NOT_FOUND],
            ["Failed", "Error: ImagePullBackOff"],
          ].slice(0, 1) as [string, string][],
        }),
      ],
    },
    want: { then: "wait", code: "IMAGE_PULL_FAILED", message: NOT_FOUND },
  },
  "an image that cannot be pulled fails after its limit": {
    facts: { pods: [pod({ task: waiting("ImagePullBackOff"), createdMsAgo: 91_000 })] },
    want: { then: "fail", code: "IMAGE_PULL_FAILED" },
  },
  "a name that is no image's waits like one that cannot be pulled": {
    facts: { pods: [pod({ task: waiting("InvalidImageName", "couldn't parse image reference") })] },
    want: { then: "wait", code: "IMAGE_PULL_FAILED" },
  },
  "an image that has nothing for the node's processor fails at once": {
    facts: { pods: [pod({ task: waiting("ErrImagePull", "no match for platform in manifest: not found") })] },
    want: { then: "fail", code: "WRONG_ARCHITECTURE" },
  },
  "a program for another processor fails at once": {
    facts: {
      job: FAILED,
      pods: [
        pod({ task: ended(128, "StartError", "exec /usr/bin/node: exec format error"), status: { phase: "Failed" } }),
      ],
    },
    want: { then: "fail", code: "WRONG_ARCHITECTURE" },
  },
  "a program that is not in the image: the run is queued again": {
    facts: {
      job: FAILED,
      pods: [pod({ task: ended(128, "StartError", 'exec: "node": not found'), status: { phase: "Failed" } })],
    },
    want: { then: "requeue", code: "POD_START_FAILED" },
  },
  "a Secret that is missing: the run waits": {
    facts: { pods: [pod({ task: waiting("CreateContainerConfigError", 'secret "s3" not found') })] },
    want: { then: "wait", code: "CONTAINER_CONFIG_ERROR", message: 'secret "s3" not found' },
  },
  "a Secret that stays missing: the run is queued again": {
    facts: {
      pods: [pod({ task: waiting("CreateContainerConfigError", 'secret "s3" not found'), createdMsAgo: 31_000 })],
    },
    want: { then: "requeue", code: "CONTAINER_CONFIG_ERROR" },
  },
  "a volume that cannot be mounted: the run waits": {
    facts: {
      pods: [pod({ task: waiting("ContainerCreating"), events: [["FailedMount", 'configmap "models" not found']] })],
    },
    want: { then: "wait", code: "CONTAINER_CONFIG_ERROR", message: 'configmap "models" not found' },
  },
  "a sandbox that cannot be made: the run waits": {
    facts: {
      pods: [pod({ task: waiting("ContainerCreating"), events: [["FailedCreatePodSandBox", "no IP addresses"]] })],
    },
    want: { then: "wait", code: "POD_START_FAILED" },
  },
  "a container that used too much memory crashed": {
    facts: { job: FAILED, pods: [pod({ task: ended(137, "OOMKilled"), status: { phase: "Failed" } })] },
    want: { then: "crash", code: "OOM_KILLED", exitCode: 137 },
  },
  "an evicted pod is lost, with the kubelet's words": {
    facts: {
      job: FAILED,
      pods: [
        pod({
          task: ended(137),
          status: { phase: "Failed", reason: "Evicted", message: "The node was low on resource: memory." },
        }),
      ],
    },
    want: { then: "lose", code: "POD_EVICTED", message: "The node was low on resource: memory." },
  },
  "an evicted pod of which an older kubelet left nothing is lost": {
    facts: {
      job: FAILED,
      pods: [
        { isGone: false, events: [], pod: { metadata: JOB.metadata, status: { phase: "Failed", reason: "Evicted" } } },
      ],
    },
    want: { then: "lose", code: "POD_EVICTED" },
  },
  "a pod that a node under pressure refused: the run is queued again": {
    facts: {
      job: FAILED,
      pods: [
        {
          isGone: false,
          events: [],
          pod: {
            metadata: JOB.metadata,
            status: { phase: "Failed", reason: "Evicted", message: "The node had condition: [DiskPressure]." },
          },
        },
      ],
    },
    want: { then: "requeue", code: "POD_EVICTED" },
  },
  "a preempted pod is lost": {
    facts: {
      job: FAILED,
      pods: [
        pod({
          task: ended(143),
          deletionInMs: 0,
          status: {
            phase: "Failed",
            conditions: [{ type: "DisruptionTarget", status: "True", reason: "PreemptionByScheduler" }],
          },
        }),
      ],
    },
    want: { then: "lose", code: "POD_PREEMPTED" },
  },
  "a pod evicted by a drain, whose grace is over, is lost": {
    facts: {
      job: FAILED,
      pods: [
        pod({
          task: ended(137),
          deletionInMs: -1,
          status: {
            phase: "Failed",
            conditions: [{ type: "DisruptionTarget", status: "True", reason: "EvictionByEvictionAPI" }],
          },
        }),
      ],
    },
    want: { then: "lose", code: "POD_EVICTED" },
  },
  "a node that is shut down loses its pods": {
    facts: { job: FAILED, pods: [pod({ task: ended(143), status: { phase: "Failed", reason: "Terminated" } })] },
    want: { then: "lose", code: "NODE_LOST" },
  },
  "a pod that should be gone by now is on a lost node": {
    facts: { pods: [pod({ task: running, status: { phase: "Running" }, deletionInMs: -31_000 })] },
    want: { then: "lose", code: "NODE_LOST" },
  },
  "a pod of which its node says nothing is lost": {
    facts: { pods: [pod({ task: running, status: { phase: "Unknown", reason: "NodeLost" } })] },
    want: { then: "lose", code: "NODE_LOST" },
  },
  "a pod deleted while its run executed is lost": {
    facts: { pods: [pod({ task: running, isGone: true, deletionInMs: 0, status: { phase: "Running" } })] },
    want: { then: "lose", code: "POD_DELETED" },
  },
  "a pod deleted while its run executed is lost though the Job has made another": {
    facts: {
      pods: [
        pod({ task: running, isGone: true, status: { phase: "Running" } }),
        pod({ task: waiting("ContainerCreating"), createdMsAgo: 100 }),
      ],
    },
    want: { then: "lose", code: "POD_DELETED" },
  },
  "a worker that was refused beside one that uses its grace is nobody's loss": {
    facts: {
      job: FAILED,
      pods: [
        pod({ task: running, status: { phase: "Running" }, deletionInMs: 200_000 }),
        pod({ task: ended(1), status: { phase: "Failed" }, createdMsAgo: 100 }),
      ],
    },
    want: undefined,
  },
  "a deleted worker counts more than the exit of one that was refused in its place": {
    facts: {
      job: FAILED,
      pods: [
        pod({ task: ended(137), status: { phase: "Failed" }, deletionInMs: 0, isGone: true }),
        pod({ task: ended(1), status: { phase: "Failed" }, createdMsAgo: 100 }),
      ],
    },
    want: { then: "lose", code: "POD_DELETED" },
  },
  "a deleted worker is lost though another stands in its place": {
    facts: {
      pods: [
        pod({ task: running, status: { phase: "Running" }, isGone: true }),
        pod({ task: running, status: { phase: "Running" }, createdMsAgo: 100 }),
      ],
    },
    want: { then: "lose", code: "POD_DELETED" },
  },
  "a pod deleted before it started is awaited where the Job makes another": {
    facts: { pods: [pod({ task: waiting("ContainerCreating"), isGone: true })] },
    want: undefined,
  },
  "a pod deleted before it started: the run is queued again where the Job is over": {
    facts: { job: FAILED, pods: [pod({ task: waiting("ContainerCreating"), isGone: true, deletionInMs: 0 })] },
    want: { then: "requeue", code: "POD_DELETED" },
  },
  "a Job deleted before its pod was made: the run is queued again": {
    facts: { job: undefined },
    want: { then: "requeue", code: "POD_DELETED" },
  },
  "a Job deleted while its pod works leaves the pod its grace": {
    facts: { job: undefined, pods: [pod({ task: running, status: { phase: "Running" }, deletionInMs: 250_000 })] },
    want: undefined,
  },
  "a Job deleted with its pod is lost": {
    facts: { job: undefined, pods: [pod({ task: running, isGone: true, status: { phase: "Running" } })] },
    want: { then: "lose", code: "POD_DELETED" },
  },
  "a Job that has ended without a trace of its pod is lost": {
    facts: { job: FAILED },
    want: { then: "lose", code: "POD_DELETED" },
  },
  "a worker's exit code is told": {
    facts: { job: FAILED, pods: [pod({ task: ended(70), status: { phase: "Failed" } })] },
    want: { then: "crash", code: "POD_EXITED", exitCode: 70, message: "The worker's container exited with code 70." },
  },
  "a worker's signal is told": {
    facts: { job: FAILED, pods: [pod({ task: ended(139), status: { phase: "Failed" } })] },
    want: { then: "crash", code: "POD_EXITED", message: "The worker's container was ended by signal 11." },
  },
  "a worker that ended well is lost, if its run is not over": {
    facts: { pods: [pod({ task: ended(0, "Completed"), status: { phase: "Succeeded" } })] },
    want: { then: "lose", code: "POD_EXITED" },
  },
  "a quota that is used up: the run is queued again": {
    facts: { events: jobEvent(QUOTA) },
    want: { then: "requeue", code: "QUOTA_EXCEEDED", message: QUOTA },
  },
  "a webhook's denial: the run is queued again": {
    facts: { events: jobEvent(WEBHOOK) },
    want: { then: "requeue", code: "ADMISSION_DENIED" },
  },
  "a webhook that cannot be called: the run is queued again": {
    facts: { events: jobEvent('Error creating: Internal error occurred: failed calling webhook "x": no service') },
    want: { then: "requeue", code: "ADMISSION_DENIED" },
  },
  "Pod Security's refusal: the run is queued again": {
    facts: { events: jobEvent(POD_SECURITY) },
    want: { then: "requeue", code: "POD_SECURITY_DENIED" },
  },
  "a LimitRange's refusal: the run is queued again": {
    facts: { events: jobEvent("Error creating: maximum cpu usage per Container is 1, but limit is 2") },
    want: { then: "requeue", code: "ADMISSION_DENIED" },
  },
  "any other refusal: the run is queued again, with its words": {
    facts: { events: jobEvent('Error creating: serviceaccount "vision" not found') },
    want: { then: "requeue", code: "CLUSTER_REFUSED" },
  },
  "a refusal that a later try overcame is forgotten": {
    facts: { events: jobEvent(QUOTA), pods: [pod({ task: running, status: { phase: "Running" } })] },
    want: undefined,
  },
  "a node that refuses the pod: the run is queued again": {
    facts: {
      job: FAILED,
      pods: [pod({ status: { phase: "Failed", reason: "OutOfcpu", message: "Node didn't have enough" } })],
    },
    want: { then: "requeue", code: "UNSCHEDULABLE" },
  },
  "an init container that fails: the run is queued again": {
    facts: {
      job: FAILED,
      pods: [pod({ init: ended(3), task: waiting("PodInitializing"), status: { phase: "Failed" } })],
    },
    want: { then: "requeue", code: "POD_START_FAILED", message: "The init container migrate exited with code 3." },
  },
  "an init container whose image cannot be pulled: the run waits": {
    facts: { pods: [pod({ init: waiting("ErrImagePull", NOT_FOUND), task: waiting("PodInitializing") })] },
    want: { then: "wait", code: "IMAGE_PULL_FAILED" },
  },
  "a native sidecar that crashes before the worker starts: the run waits": {
    facts: { pods: [pod({ init: waiting("CrashLoopBackOff"), task: waiting("PodInitializing") })] },
    want: { then: "wait", code: "POD_START_FAILED" },
  },
  "a sidecar's failure does not touch a worker that works": {
    facts: { pods: [pod({ task: running, sidecar: ended(1), status: { phase: "Running" } })] },
    want: undefined,
  },
  "a sidecar that goes on does not hide the worker's end": {
    facts: { pods: [pod({ task: ended(0, "Completed"), sidecar: running, status: { phase: "Running" } })] },
    want: { then: "lose", code: "POD_EXITED" },
  },
};

describe("what is seen of a Job", () => {
  for (const [title, { facts, nodes, want }] of Object.entries(CASES)) {
    test(title, () => {
      const all = { job: JOB, events: [], pods: [], ...facts };
      const observation = observeJob(all, { now: NOW, limits: LIMITS, nodes });
      if (want === undefined) expect(observation).toBeUndefined();
      else expect(observation).toMatchObject(want);
    });
  }
});

test("a Job is over when its worker's container has ended, though a sidecar goes on", () => {
  const facts = (pods: PodFacts[], job: JobFacts["job"] = JOB) => ({ job, events: [], pods });
  expect(isJobOver(facts([pod({ task: running, status: { phase: "Running" } })]))).toBe(false);
  expect(isJobOver(facts([pod({ task: ended(0), sidecar: running, status: { phase: "Running" } })]))).toBe(true);
  expect(isJobOver(facts([], FAILED))).toBe(true);
});
