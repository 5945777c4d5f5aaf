import { IMAGE_LAYOUT, type MachinePreset, WORKER_POD_ENV } from "@gantry/sdk/contract";
import type {
  V1Container,
  V1EnvVar,
  V1Job,
  V1PodSpec,
  V1ResourceRequirements,
  V1SecurityContext,
} from "@kubernetes/client-node";
import { encodeId } from "../ids.ts";
import type { LaunchRequest } from "./executor.ts";
import { mergePods, type PodTemplate } from "./pod-template.ts";
import { nodesRuledOut, withRestoreAffinity } from "./restore-affinity-policy.ts";

/** What is the same for every Job of an installation, and the run's bootstrap token. */
export interface JobSettings {
  namespace: string;
  /** Tells the Jobs of several installations in one namespace apart. */
  instance: string;
  /** How pods reach the platform. */
  platformUrl: string;
  /** Host and path before a repository's name, as the nodes know the registry. */
  registry: string;
  bootstrapToken: string;
  /** The operator's templates for this run, the weakest first. */
  templates: PodTemplate[];
  /** The Job may store its task's process: its namespace lets it, see `relaxed`. */
  checkpoints?: CheckpointJobSettings | undefined;
}

export interface CheckpointJobSettings {
  /** The operator's: nodes between which processes may move. */
  nodeSelector: Record<string, string>;
  /** Milliseconds since the epoch. */
  now: number;
}

/** The container that runs the task; what a template says of it is merged into it. */
export const TASK_CONTAINER = "task";
export const LABEL_PREFIX = "gantry.dev/";
/** On every Job and pod of ours; its value is the installation's. */
export const MANAGED_LABEL = `${LABEL_PREFIX}managed`;
export const EXECUTION_LABEL = `${LABEL_PREFIX}execution`;
/** On a Job that brings back a stored process: how many nodes are known to be unable to, and why. */
export const RULED_OUT_ANNOTATION = `${LABEL_PREFIX}nodes-ruled-out`;
/** What CRIU needs where nothing is root: to give a process its ids back, and to drop what it may. */
const CHECKPOINT_CAPABILITIES = ["CHECKPOINT_RESTORE", "SETPCAP"];

const GRACE_SECONDS = 300;
/** Left of the grace for the run's last words, after the runner has ended it. */
const GOODBYE_SECONDS = 10;
const RUNS_DIR = "/run/gantry";
const HEAP_PART = 0.8;
const CPU_REQUEST_PART = 0.75;
const EPHEMERAL_STORAGE = { request: "256Mi", limit: "4Gi" };
const MAX_LABEL = 63;

export function jobName(epoch: number, executionId: string): string {
  return `gantry-${epoch}-${executionId}`;
}

/** The execution of a Job's or its pod's name; undefined where it is not one of ours. */
export function executionOf(name: string): { epoch: number; executionId: string } | undefined {
  const match = /^gantry-(\d+)-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?:-[a-z0-9]+)?$/.exec(name);
  return match === null ? undefined : { epoch: Number(match[1]), executionId: match[2] as string };
}

/**
 * The Job of one execution. The operator's templates may add to the pod and relax it, but not change what makes it this
 * run's: its image and command, credentials, sizes, labels, and that it is never started twice.
 *
 * Errors: an Error where the version has no image.
 */
export function jobManifest(request: LaunchRequest, settings: JobSettings): V1Job {
  const { labels, annotations } = labelsOf(request, settings);
  const pod = mergePods([defaultPod(), ...settings.templates]);
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: {
      name: jobName(request.epoch, request.executionId),
      namespace: settings.namespace,
      labels,
      annotations,
    },
    spec: {
      backoffLimit: 0,
      completions: 1,
      parallelism: 1,
      template: {
        metadata: {
          labels: { ...withoutOurs(pod.metadata?.labels), ...labels },
          annotations: { ...withoutOurs(pod.metadata?.annotations), ...annotations },
        },
        spec: ownedSpec(pod.spec ?? {}, request, settings),
      },
    },
  };
}

/** What a template may change: Pod Security's `restricted`, a root that cannot be written, no way to the Kubernetes API. */
function defaultPod(): PodTemplate {
  return {
    metadata: {
      annotations: {
        "cluster-autoscaler.kubernetes.io/safe-to-evict": "false",
        "karpenter.sh/do-not-disrupt": "true",
      },
    },
    spec: {
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      terminationGracePeriodSeconds: GRACE_SECONDS,
      securityContext: {
        runAsNonRoot: true,
        runAsUser: IMAGE_LAYOUT.user,
        runAsGroup: IMAGE_LAYOUT.user,
        seccompProfile: { type: "RuntimeDefault" },
      },
      containers: [
        {
          name: TASK_CONTAINER,
          imagePullPolicy: "IfNotPresent",
          env: [{ name: "HOME", value: "/tmp" }],
          resources: {
            requests: { "ephemeral-storage": EPHEMERAL_STORAGE.request },
            limits: { "ephemeral-storage": EPHEMERAL_STORAGE.limit },
          },
          securityContext: {
            allowPrivilegeEscalation: false,
            capabilities: { drop: ["ALL"] },
            readOnlyRootFilesystem: true,
          },
          volumeMounts: [
            { name: "tmp", mountPath: "/tmp" },
            { name: "runs", mountPath: RUNS_DIR },
          ],
        },
      ],
      volumes: [
        { name: "tmp", emptyDir: {} },
        { name: "runs", emptyDir: {} },
      ],
    },
  };
}

function ownedSpec(spec: Partial<V1PodSpec>, request: LaunchRequest, settings: JobSettings): V1PodSpec {
  const { activeDeadlineSeconds: _, containers = [], ...rest } = spec;
  const graceSeconds = spec.terminationGracePeriodSeconds ?? GRACE_SECONDS;
  return {
    ...rest,
    ...(settings.checkpoints && checkpointPod(rest, request, settings.checkpoints)),
    restartPolicy: "Never",
    containers: containers.map((container) =>
      container.name === TASK_CONTAINER ? ownedContainer(container, graceSeconds, request, settings) : container,
    ),
  };
}

function ownedContainer(
  { command: _command, args: _args, ...container }: V1Container,
  graceSeconds: number,
  request: LaunchRequest,
  settings: JobSettings,
): V1Container {
  const { requests, limits } = sizes(request.machine);
  const asked: Partial<V1ResourceRequirements> = container.resources ?? {};
  return {
    ...container,
    image: imageOf(request, settings.registry),
    env: variables(container.env ?? [], graceSeconds, request, settings),
    ...(settings.checkpoints && { securityContext: relaxed(container.securityContext) }),
    resources: {
      ...(asked.claims && { claims: asked.claims }),
      requests: { ...asked.requests, ...requests },
      limits: { ...asked.limits, ...limits },
    },
  };
}

/**
 * Ids of processes must be the container's own, or those of a stored process are taken where it comes back; and it may come
 * back on some nodes only.
 */
function checkpointPod(
  spec: Partial<V1PodSpec>,
  { restore }: LaunchRequest,
  { nodeSelector, now }: CheckpointJobSettings,
): Partial<V1PodSpec> {
  const affinity = restore === undefined ? spec.affinity : withRestoreAffinity(spec.affinity, restore, now);
  return {
    shareProcessNamespace: false,
    hostPID: false,
    ...(affinity && { affinity }),
    ...(Object.keys(nodeSelector).length > 0 && { nodeSelector: { ...spec.nodeSelector, ...nodeSelector } }),
  };
}

/**
 * The four relaxations of Pod Security that storing a process takes: two capabilities, no seccomp filter, and escalation, as
 * criu has these capabilities from its file. docs/security-process-checkpoints.md says what they allow.
 */
function relaxed(asked: Partial<V1SecurityContext> = {}): V1SecurityContext {
  const added = asked.capabilities?.add ?? [];
  return {
    ...asked,
    allowPrivilegeEscalation: true,
    capabilities: { drop: ["ALL"], add: [...new Set([...added, ...CHECKPOINT_CAPABILITIES])] },
    seccompProfile: { type: "Unconfined" },
  };
}

function imageOf({ deployment }: LaunchRequest, registry: string): string {
  const { source, version } = deployment;
  if (source.kind !== "image")
    throw new Error(`Version ${version} has no image: deploy it with \`gantry deploy\` for it to run on Kubernetes.`);
  return `${registry.replace(/^https?:\/\//, "").replace(/\/+$/, "")}/${source.repository}@${source.digest}`;
}

function variables(
  asked: V1EnvVar[],
  graceSeconds: number,
  { machine, restore }: LaunchRequest,
  settings: JobSettings,
): V1EnvVar[] {
  const drainGraceMs = Math.max(1, graceSeconds - GOODBYE_SECONDS) * 1000;
  const nodeOptions = asked.find(({ name }) => name === "NODE_OPTIONS")?.value;
  const own = {
    [WORKER_POD_ENV.url]: settings.platformUrl,
    [WORKER_POD_ENV.bootstrapToken]: settings.bootstrapToken,
    [WORKER_POD_ENV.machine]: `${machine.name}:${machine.cpu}:${machine.memory}`,
    [WORKER_POD_ENV.drainGraceMs]: String(drainGraceMs),
    [WORKER_POD_ENV.runsDir]: RUNS_DIR,
    // The runner says the same to each task process; here it also reaches what user code starts.
    NODE_OPTIONS: [`--max-old-space-size=${heapMegabytes(machine)}`, nodeOptions].filter(Boolean).join(" "),
  };
  const added = asked.filter(({ name }) => !(name in own) && !name.startsWith("GANTRY_WORKER_"));
  const ofCheckpoints = settings.checkpoints === undefined ? [] : checkpointVariables(restore !== undefined);
  return [...Object.entries(own).map(([name, value]) => ({ name, value })), ...ofCheckpoints, ...added];
}

function checkpointVariables(restores: boolean): V1EnvVar[] {
  return [
    { name: WORKER_POD_ENV.checkpoints, value: "true" },
    ...(restores ? [{ name: WORKER_POD_ENV.restores, value: "true" }] : []),
    { name: WORKER_POD_ENV.node, valueFrom: { fieldRef: { fieldPath: "spec.nodeName" } } },
  ];
}

function heapMegabytes({ memory }: MachinePreset): number {
  return Math.floor((memory * 1e9 * HEAP_PART) / (1024 * 1024));
}

/** Kubernetes' quantities: thousandths of a core, bytes in megabytes of 10^6. */
function sizes({ cpu, memory }: MachinePreset) {
  const megabytes = `${Math.ceil(memory * 1000)}M`;
  return {
    requests: { cpu: `${Math.ceil(cpu * CPU_REQUEST_PART * 1000)}m`, memory: megabytes },
    limits: { cpu: `${Math.ceil(cpu * 1000)}m`, memory: megabytes },
  };
}

function labelsOf(request: LaunchRequest, { instance, checkpoints }: JobSettings) {
  const { environment, deployment, machine, restore } = request;
  const exact: Record<string, string> = {
    run: encodeId("run", request.runId),
    task: request.taskId,
    environment: environment.slug,
    project: environment.projectRef,
    version: deployment.version,
    machine: machine.name,
    attempt: String(request.attempt),
    execution: request.executionId,
    managed: instance,
  };
  const labels: Record<string, string> = { "app.kubernetes.io/managed-by": "gantry" };
  const annotations: Record<string, string> =
    restore && checkpoints ? { [RULED_OUT_ANNOTATION]: nodesRuledOut(restore, checkpoints.now) } : {};
  for (const [name, value] of Object.entries(exact)) {
    const label = labelValue(value);
    labels[LABEL_PREFIX + name] = label;
    if (label !== value) annotations[LABEL_PREFIX + name] = value;
  }
  return { labels, annotations };
}

/** At most 63 of [A-Za-z0-9._-], beginning and ending with a letter or digit; what may not stand in a label is a dash. */
export function labelValue(text: string): string {
  return text
    .replaceAll(/[^A-Za-z0-9._-]/g, "-")
    .slice(0, MAX_LABEL)
    .replaceAll(/^[^A-Za-z0-9]+|[^A-Za-z0-9]+$/g, "");
}

function withoutOurs(labels: Record<string, string> = {}): Record<string, string> {
  return Object.fromEntries(Object.entries(labels).filter(([name]) => !name.startsWith(LABEL_PREFIX)));
}
