import type { Condition, ContainerStatus, JobObject, PodObject, WarningEvent } from "./cluster-facts.ts";
import type { SeenNode, SeenPod, SeenWorker } from "./cluster-sight.ts";
import { LABEL_PREFIX, TASK_CONTAINER } from "./job-manifest.ts";
import { parseQuantities } from "./resource-quantity.ts";

/** A Job, with the annotations that hold what no label can. */
export type ShownJob = JobObject & { metadata: { annotations?: Record<string, string> } };

export interface NodeObject {
  metadata: { name: string };
  spec?: { unschedulable?: boolean };
  status?: { allocatable?: Record<string, string>; conditions?: Condition[] };
}

const EPOCH = "1970-01-01T00:00:00Z";

/** A Job with its pods and warnings as one worker: the newest pod says how it is. */
export function seenJob(job: ShownJob, pods: readonly PodObject[], warnings: readonly WarningEvent[]): SeenWorker {
  const shown = pods.map(seenPod).sort((a, b) => Date.parse(b.createdAt) - Date.parse(a.createdAt));
  const [latest] = shown;
  const said = (name: string) =>
    job.metadata.annotations?.[LABEL_PREFIX + name] ?? job.metadata.labels?.[LABEL_PREFIX + name] ?? null;
  const lastWarning = warnings.at(-1);
  const isPending = latest === undefined || latest.phase === "Pending";
  return {
    name: job.metadata.name,
    kind: "job",
    phase: phaseOf(job, latest),
    reason: latest?.reason ?? (isPending ? (lastWarning?.reason ?? null) : null),
    message: latest?.message ?? (isPending ? (lastWarning?.message ?? null) : null),
    deploymentId: undefined,
    version: said("version"),
    runId: said("run"),
    taskIdentifier: said("task"),
    node: latest?.node ?? null,
    restarts: shown.reduce((sum, { restarts }) => sum + restarts, 0),
    pid: null,
    memoryBytes: null,
    createdAt: instantOf(job.metadata.creationTimestamp),
    startedAt: latest?.startedAt ?? null,
    pods: shown,
    warnings: warnings.map(({ at, ...warning }) => ({ ...warning, at: new Date(at).toISOString() })),
  };
}

function phaseOf(job: ShownJob, latest: SeenPod | undefined): SeenWorker["phase"] {
  if (job.metadata.deletionTimestamp !== undefined) return "ENDING";
  const has = (type: string) => job.status?.conditions?.some((one) => one.type === type && one.status === "True");
  if (has("Complete") || latest?.phase === "Succeeded") return "SUCCEEDED";
  if (has("Failed") || latest?.phase === "Failed") return "FAILED";
  return latest?.phase === "Running" ? "RUNNING" : "PENDING";
}

function seenPod({ metadata, spec, status }: PodObject): SeenPod {
  const containers = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
  const task = status?.containerStatuses?.find(({ name }) => name === TASK_CONTAINER);
  const why = whyOf(containers, status?.conditions);
  return {
    name: metadata.name,
    phase: metadata.deletionTimestamp === undefined ? (status?.phase ?? "Unknown") : "Terminating",
    reason: status?.reason ?? why?.reason ?? null,
    message: status?.message ?? why?.message ?? null,
    node: spec?.nodeName ?? null,
    restarts: (status?.containerStatuses ?? []).reduce((sum, one) => sum + (one.restartCount ?? 0), 0),
    createdAt: instantOf(metadata.creationTimestamp),
    startedAt: task?.state?.running?.startedAt === undefined ? null : instantOf(task.state.running.startedAt),
  };
}

/** What a container waits for or how it ended, else why no node takes the pod. */
function whyOf(containers: readonly ContainerStatus[], conditions: readonly Condition[] = []) {
  for (const { state } of containers) {
    const { waiting, terminated } = state ?? {};
    if (waiting?.reason !== undefined && waiting.reason !== "ContainerCreating" && waiting.reason !== "PodInitializing")
      return waiting;
    if (terminated !== undefined && terminated.exitCode !== 0)
      return {
        reason: terminated.reason ?? "Error",
        message: terminated.message ?? `exit code ${terminated.exitCode}`,
      };
  }
  const unscheduled = conditions.find(({ type, status }) => type === "PodScheduled" && status === "False");
  return unscheduled && { reason: unscheduled.reason ?? "Unschedulable", message: unscheduled.message };
}

/** Nodes with the room that our pods on them have asked for; pods that have ended ask for nothing. */
export function seenNodes(nodes: readonly NodeObject[], pods: readonly PodObject[]): SeenNode[] {
  const live = pods.filter(({ status }) => status?.phase !== "Succeeded" && status?.phase !== "Failed");
  const byNode = Map.groupBy(live, ({ spec }) => spec?.nodeName ?? "");
  return nodes.map(({ metadata, spec, status }) => {
    const ours = byNode.get(metadata.name) ?? [];
    const total = parseQuantities(status?.allocatable);
    const requested = (resource: string) => ours.reduce((sum, pod) => sum + requestOf(pod, resource), 0);
    const conditions = status?.conditions ?? [];
    return {
      name: metadata.name,
      isReady: conditions.some(({ type, status }) => type === "Ready" && status === "True"),
      isSchedulable: spec?.unschedulable !== true,
      pressure: conditions.filter(({ type, status }) => type !== "Ready" && status === "True").map(({ type }) => type),
      cpu: { total: total.cpu ?? 0, requested: requested("cpu") },
      memoryBytes: { total: total.memory ?? 0, requested: requested("memory") },
      pods: { total: total.pods ?? 0, requested: ours.length },
    };
  });
}

function requestOf({ spec }: PodObject, resource: string): number {
  return (spec?.containers ?? []).reduce(
    (sum, { resources }) => sum + (parseQuantities(resources?.requests)[resource] ?? 0),
    0,
  );
}

/** Kubernetes leaves out milliseconds, the API has them. */
function instantOf(text: string | undefined): string {
  return new Date(text ?? EPOCH).toISOString();
}
