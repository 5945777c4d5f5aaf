import type { ContainerStatus, JobFacts, NodeSize, PodFacts, PodObject } from "./cluster-facts.ts";
import { TASK_CONTAINER } from "./job-manifest.ts";
import { observePending, WRONG_ARCHITECTURE } from "./pending-pod-policy.ts";
import { refusalCode } from "./refusal-policy.ts";
import type { ObservationCode, WorkerObservation } from "./worker-observations.ts";

/** For how long a Job is waited for, from the moment its pod was made; milliseconds. */
export interface OutcomeLimits {
  /** No room now: given up after this, and queued again. Longer than an autoscaler needs for a node. */
  unschedulableMs: number;
  /** No node could ever hold it: fails after this. */
  neverFitsMs: number;
  /** The image cannot be pulled: fails after this. */
  imagePullMs: number;
  /** The node cannot start it: queued again after this. */
  podStartMs: number;
}

export interface OutcomeContext {
  /** Milliseconds since the epoch. */
  now: number;
  limits: OutcomeLimits;
  /** What the cluster's nodes can hold; undefined where that is not known. */
  nodes: NodeSize[] | undefined;
}

/** A pod that should be gone by now is on a node that does not answer. */
const OVERDUE_MS = 30_000;

/**
 * What is to be said of an execution, by what is seen of its Job. The container `task` alone counts: sidecars may outlive
 * it. Undefined where nothing is to be said: it works, it is about to, or nothing is known.
 *
 * A Job may have more pods than one: older clusters make another where one is deleted, at once, while the first still uses
 * its grace. The first that started has the run, and the others are refused it: so it alone decides.
 */
export function observeJob(facts: JobFacts, context: OutcomeContext): WorkerObservation | undefined {
  const pods = facts.pods.toSorted((a, b) => createdAt(a.pod) - createdAt(b.pod));
  const worker = pods.find(({ pod }) => hasStarted(pod));
  if (worker !== undefined) return isWorking(worker, context.now) ? undefined : endingOf(worker, context.now);
  const waiting = pods.findLast((each) => !hasEnded(each));
  return waiting === undefined ? neverStarted(facts, pods.at(-1)) : observePending(waiting, context);
}

/** Whether the run's part of the Job is over, and what is left of it may be removed. */
export function isJobOver(facts: JobFacts): boolean {
  const isFinished = facts.job?.status?.conditions?.some(
    ({ type, status }) => status === "True" && (type === "Complete" || type === "Failed"),
  );
  return isFinished === true || facts.pods.some(({ pod }) => taskOf(pod)?.state?.terminated !== undefined);
}

function neverStarted(facts: JobFacts, last: PodFacts | undefined): WorkerObservation | undefined {
  const { job } = facts;
  const isAlive = job !== undefined && job.metadata.deletionTimestamp === undefined && !hasCondition(facts, "Failed");
  if (last !== undefined && !isAlive) return startFailure(last);
  if (job === undefined) return requeue("POD_DELETED", "The run's Job was deleted before its worker had started.");
  if (hasCondition(facts, "Failed") || hasCondition(facts, "Complete")) {
    return { then: "lose", code: "POD_DELETED", message: "The run's Job has ended and its pod is gone." };
  }
  const refused = facts.events.filter(({ reason }) => reason === "FailedCreate").at(-1);
  if (refused === undefined) return undefined;
  return requeue(refusalCode(refused.message) ?? "CLUSTER_REFUSED", refused.message);
}

function isWorking({ pod, isGone }: PodFacts, now: number): boolean {
  if (isGone || taskOf(pod)?.state?.running === undefined || isOnLostNode(pod, now)) return false;
  return pod.status?.phase !== "Failed" && pod.status?.phase !== "Succeeded";
}

function isOnLostNode({ metadata, status }: PodObject, now: number): boolean {
  if (status?.reason === "NodeLost" || status?.phase === "Unknown") return true;
  return metadata.deletionTimestamp !== undefined && now > Date.parse(metadata.deletionTimestamp) + OVERDUE_MS;
}

/** Its container will never run. */
function hasEnded({ pod, isGone }: PodFacts): boolean {
  const { phase } = pod.status ?? {};
  return isGone || phase === "Failed" || phase === "Succeeded" || taskOf(pod)?.state?.terminated !== undefined;
}

const NEVER_RAN = new Set(["StartError", "ContainerCannotRun", "ContainerStatusUnknown"]);

function hasStarted(pod: PodObject): boolean {
  const { running, terminated } = taskOf(pod)?.state ?? {};
  if (running !== undefined || (terminated !== undefined && !NEVER_RAN.has(terminated.reason ?? ""))) return true;
  // Older kubelets leave nothing of the containers of a pod they evicted; one they refused to take says "had condition".
  const { containerStatuses, reason, message = "" } = pod.status ?? {};
  return containerStatuses === undefined && reason === "Evicted" && !message.includes("had condition");
}

/** How a worker that ran ended. */
function endingOf({ pod, isGone, events }: PodFacts, now: number): WorkerObservation {
  const terminated = taskOf(pod)?.state?.terminated;
  if (terminated?.reason === "OOMKilled") {
    const message = "The kernel ended the container: it used more memory than its machine preset has.";
    return { then: "crash", code: "OOM_KILLED", message, exitCode: terminated.exitCode };
  }
  const disruption = disruptionOf(pod, events.map(({ reason }) => reason).join(" "), now);
  if (disruption !== undefined) return { then: "lose", ...disruption };
  if (terminated === undefined) {
    const message = isGone ? "The pod was removed while its run executed." : "The pod ended without a word.";
    return { then: "lose", code: "POD_DELETED", message };
  }
  const { exitCode } = terminated;
  if (exitCode === 0) return { then: "lose", code: "POD_EXITED", message: "The worker ended before its run had." };
  return { then: "crash", code: "POD_EXITED", message: exitMessage(exitCode), exitCode };
}

function exitMessage(exitCode: number): string {
  const signal = exitCode > 128 && exitCode < 160 ? exitCode - 128 : undefined;
  return signal === undefined
    ? `The worker's container exited with code ${exitCode}.`
    : `The worker's container was ended by signal ${signal}.`;
}

/** Why a pod that had no fault of its own ended: reasons that the kubelet, the scheduler and controllers leave on it. */
function disruptionOf(
  pod: PodObject,
  eventReasons: string,
  now: number,
): { code: ObservationCode; message: string } | undefined {
  const { reason = "", message, conditions = [] } = pod.status ?? {};
  const target = conditions.find(({ type, status }) => type === "DisruptionTarget" && status === "True");
  const words = `${reason} ${target?.reason ?? ""} ${eventReasons}`;
  const known = DISRUPTIONS.find(([pattern]) => pattern.test(words));
  if (known !== undefined) return { code: known[1], message: message ?? target?.message ?? known[2] };
  if (isOnLostNode(pod, now)) return { code: "NODE_LOST", message: "The pod's node does not answer." };
  if (pod.metadata.deletionTimestamp === undefined) return undefined;
  return { code: "POD_DELETED", message: "The pod was deleted while its run executed." };
}

const DISRUPTIONS: [RegExp, ObservationCode, string][] = [
  [/\bPreempt(ed|ing|ionByScheduler)\b/, "POD_PREEMPTED", "The pod made way for one of a higher priority."],
  [/\b(Evicted|EvictionByEvictionAPI|TerminationByKubelet)\b/, "POD_EVICTED", "The node evicted the pod."],
  [
    /\b(NodeLost|NodeShutdown|Shutdown|Terminated|DeletionByTaintManager|DeletionByPodGC|TaintManagerEviction)\b/,
    "NODE_LOST",
    "The pod's node is gone or shutting down.",
  ],
];

/** Why a pod ended before its worker had started. */
function startFailure({ pod, events }: PodFacts): WorkerObservation {
  const init = failedInit(pod);
  const ended = taskOf(pod)?.state?.terminated ?? init?.state?.terminated;
  const { reason = "", message } = pod.status ?? {};
  const detail = ended?.message ?? message ?? events.at(-1)?.message;
  if (detail !== undefined && WRONG_ARCHITECTURE.test(detail)) {
    return { then: "fail", code: "WRONG_ARCHITECTURE", message: detail };
  }
  if (init !== undefined) return requeue("POD_START_FAILED", initMessage(init, detail));
  if (ended !== undefined) return requeue("POD_START_FAILED", detail ?? "The container could not be started.");
  if (REFUSED_BY_NODE.test(reason)) return requeue("UNSCHEDULABLE", detail ?? `The node refused the pod: ${reason}.`);
  const disruption = disruptionOf(pod, events.map((event) => event.reason).join(" "), 0);
  return requeue(disruption?.code ?? "POD_DELETED", detail ?? "The pod was deleted before its worker had started.");
}

const REFUSED_BY_NODE = /^(OutOf\w+|NodeAffinity|NodePorts|UnexpectedAdmissionError|TopologyAffinityError)$/;

function initMessage({ name, state }: ContainerStatus, detail: string | undefined): string {
  return `The init container ${name} exited with code ${state?.terminated?.exitCode}${detail ? `: ${detail}` : ""}.`;
}

function failedInit({ status }: PodObject): ContainerStatus | undefined {
  return status?.initContainerStatuses?.find(({ state }) => (state?.terminated?.exitCode ?? 0) !== 0);
}

function taskOf({ status }: PodObject): ContainerStatus | undefined {
  return status?.containerStatuses?.find(({ name }) => name === TASK_CONTAINER);
}

function hasCondition({ job }: JobFacts, type: string): boolean {
  return job?.status?.conditions?.some((each) => each.type === type && each.status === "True") ?? false;
}

function createdAt({ metadata }: PodObject): number {
  return Date.parse(metadata.creationTimestamp ?? "") || 0;
}

function requeue(code: ObservationCode, message: string): WorkerObservation {
  return { then: "requeue", code, message };
}
