import type { ContainerStatus, PodFacts, PodObject, WarningEvent } from "./cluster-facts.ts";
import { RULED_OUT_ANNOTATION, TASK_CONTAINER } from "./job-manifest.ts";
import type { OutcomeContext } from "./job-outcome-policy.ts";
import { fitsNowhere, isRuledOutEverywhere } from "./node-fit-policy.ts";
import type { ObservationCode, WorkerObservation } from "./worker-observations.ts";

/** Words of container runtimes and registries for an image that is not made for the node's processor. */
export const WRONG_ARCHITECTURE = /exec format error|no match(ing manifest)? for platform|no matching manifest/i;

const IMAGE_REASONS = new Set([
  "ErrImagePull",
  "ImagePullBackOff",
  "InvalidImageName",
  "ErrImageNeverPull",
  "ImageInspectError",
  "RegistryUnavailable",
  "SignatureValidationFailed",
]);
const CONFIG_EVENTS = new Set(["FailedMount", "FailedAttachVolume", "FailedMapVolume"]);
const START_EVENTS = new Set(["FailedCreatePodSandBox", "NetworkNotReady", "FailedPostStartHook"]);
const START_REASONS = new Set(["CreateContainerError", "RunContainerError", "CrashLoopBackOff", "PostStartHookError"]);

/** Why a pod whose container `task` has not started is not there yet; undefined where it is on its way. */
export function observePending({ pod, events }: PodFacts, context: OutcomeContext): WorkerObservation | undefined {
  const scheduled = pod.status?.conditions?.find(({ type }) => type === "PodScheduled");
  const madeAt = instant(pod.metadata.creationTimestamp) ?? context.now;
  if (scheduled?.status === "False")
    return unscheduled(pod, scheduled.message ?? "No node has room.", context.now - madeAt, context);
  const onNodeMs = context.now - (instant(scheduled?.lastTransitionTime) ?? madeAt);
  for (const { state } of startingContainers(pod)) {
    const why = state?.waiting && whyWaiting(state.waiting.reason ?? "", state.waiting.message, events);
    if (why !== undefined) return waitFor(why, onNodeMs, context);
  }
  return undefined;
}

function instant(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Date.parse(text);
}

function unscheduled(pod: PodObject, message: string, ageMs: number, { limits, nodes }: OutcomeContext) {
  if (fitsNowhere(pod, nodes, message) === true) {
    const then = ageMs >= limits.neverFitsMs ? "fail" : "wait";
    return { then, code: "NO_NODE_LARGE_ENOUGH", message } as const;
  }
  const then = ageMs >= limits.unschedulableMs ? "requeue" : "wait";
  const [ruledOut = "", ...why] = (pod.metadata.annotations?.[RULED_OUT_ANNOTATION] ?? "").split(": ");
  if (!isRuledOutEverywhere(Number(ruledOut), message)) return { then, code: "UNSCHEDULABLE", message } as const;
  const known = `No other node can bring the process back: ${why.join(": ")}. ${message}`;
  return { then, code: "NO_NODE_RESTORES", message: known } as const;
}

/** The containers that the worker's start depends on, in the order of their starts. */
function startingContainers({ status }: PodObject): ContainerStatus[] {
  const task = status?.containerStatuses?.filter(({ name }) => name === TASK_CONTAINER) ?? [];
  return [...(status?.initContainerStatuses ?? []), ...task];
}

interface Why {
  code: ObservationCode;
  message: string;
}

function whyWaiting(reason: string, said: string | undefined, events: WarningEvent[]): Why | undefined {
  const last = (reasons: Set<string>) => events.findLast((event) => reasons.has(event.reason))?.message;
  if (IMAGE_REASONS.has(reason)) {
    // The status says "back-off" every other second; the event has the registry's words.
    const pull = events.findLast((event) => event.reason === "Failed" && /pull|image/i.test(event.message))?.message;
    const isBare = said === undefined || /^back-off/i.test(said);
    return { code: "IMAGE_PULL_FAILED", message: (isBare ? pull : said) ?? said ?? reason };
  }
  if (reason === "CreateContainerConfigError") return { code: "CONTAINER_CONFIG_ERROR", message: said ?? reason };
  if (START_REASONS.has(reason)) return { code: "POD_START_FAILED", message: said ?? reason };
  const config = last(CONFIG_EVENTS);
  if (config !== undefined) return { code: "CONTAINER_CONFIG_ERROR", message: config };
  const start = last(START_EVENTS);
  return start === undefined ? undefined : { code: "POD_START_FAILED", message: start };
}

function waitFor({ code, message }: Why, onNodeMs: number, { limits }: OutcomeContext): WorkerObservation {
  if (WRONG_ARCHITECTURE.test(message)) return { then: "fail", code: "WRONG_ARCHITECTURE", message };
  if (code === "IMAGE_PULL_FAILED") return { then: onNodeMs >= limits.imagePullMs ? "fail" : "wait", code, message };
  return onNodeMs >= limits.podStartMs ? { then: "requeue", code, message } : { then: "wait", code, message };
}
