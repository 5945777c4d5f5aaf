/** What a reason of Kubernetes' or Gantry's means, and what somebody can do about it. */
export interface ReasonWords {
  means: string;
  todo: string;
}

const NO_ROOM: ReasonWords = {
  means: "No node has room for the pod.",
  todo: "Nothing, if an autoscaler adds nodes. Else add a node, lower the task's machine preset, or check nodeSelector and tolerations of its template.",
};
const NO_IMAGE: ReasonWords = {
  means: "The image cannot be pulled.",
  todo: "Check that the registry can be reached from the nodes, and its pull secret. Deploy again where the image was removed.",
};
const BAD_CONFIG: ReasonWords = {
  means: "A Secret, ConfigMap or volume that the pod template names is not there.",
  todo: "Make it in the runs' namespace, or change the template in the chart.",
};
const REFUSED: ReasonWords = {
  means: "The cluster refuses the pod: a webhook, a policy or Pod Security.",
  todo: "The message names it. Change the policy, or the pod template in the chart.",
};
const CRASHED: ReasonWords = {
  means: "The worker's container ended by itself.",
  todo: "Look at the run's logs: the task called process.exit, or its process was killed.",
};
const GONE: ReasonWords = {
  means: "The pod was taken away while its run executed.",
  todo: "Nothing: the run gets a new execution, which costs no retry.",
};

const WORDS: Record<string, ReasonWords> = {
  UNSCHEDULABLE: NO_ROOM,
  FAILEDSCHEDULING: NO_ROOM,
  NO_NODE_LARGE_ENOUGH: {
    means: "No node of the cluster could ever hold the pod.",
    todo: "Give the task a smaller machine preset, or add larger nodes.",
  },
  ERRIMAGEPULL: NO_IMAGE,
  IMAGEPULLBACKOFF: NO_IMAGE,
  ERRIMAGENEVERPULL: NO_IMAGE,
  INVALIDIMAGENAME: NO_IMAGE,
  IMAGE_PULL_FAILED: NO_IMAGE,
  WRONG_ARCHITECTURE: {
    means: "The image is made for another processor than the node's.",
    todo: "Set GANTRY_PLATFORM_BUILD_PLATFORMS to the nodes' platforms and deploy again.",
  },
  NO_NODE_RESTORES: {
    means: "Every node is known to be unable to bring back the run's stored process.",
    todo: "Nothing, if a node like the one it was stored on comes. Else the run is replayed where that repeats nothing, or fails.",
  },
  CHECKPOINTS_OFF: {
    means: "The run's process is stored, and process checkpoints are switched off.",
    todo: "Switch them on again in the chart: processCheckpoints.enabled.",
  },
  QUOTA_EXCEEDED: {
    means: "The namespace's quota is used up.",
    todo: "Nothing, if runs end soon: it is tried again. Else raise the ResourceQuota or lower the concurrency.",
  },
  CREATECONTAINERCONFIGERROR: BAD_CONFIG,
  CONTAINER_CONFIG_ERROR: BAD_CONFIG,
  FAILEDMOUNT: BAD_CONFIG,
  FAILEDATTACHVOLUME: BAD_CONFIG,
  ADMISSION_DENIED: REFUSED,
  POD_SECURITY_DENIED: REFUSED,
  FAILEDCREATE: REFUSED,
  OOMKILLED: {
    means: "The task used more memory than its machine preset has.",
    todo: "Choose a larger preset, or set retry.outOfMemory.machine so that the next attempt gets one.",
  },
  EVICTED: { ...GONE, means: "The node was short of memory or disk and evicted the pod." },
  POD_EVICTED: { ...GONE, means: "The node was short of memory or disk and evicted the pod." },
  POD_PREEMPTED: { ...GONE, means: "A pod of higher priority took its place." },
  PREEMPTED: { ...GONE, means: "A pod of higher priority took its place." },
  POD_DELETED: GONE,
  NODE_LOST: { ...GONE, means: "The pod's node does not answer." },
  CRASHLOOPBACKOFF: CRASHED,
  ERROR: CRASHED,
  POD_EXITED: CRASHED,
  BACKOFFLIMITEXCEEDED: CRASHED,
  CONTAINERCREATING: { means: "The node prepares the container.", todo: "Wait: it pulls the image or mounts volumes." },
  PODINITIALIZING: { means: "Init containers run.", todo: "Wait." },
};
WORDS.OOM_KILLED = WORDS.OOMKILLED as ReasonWords;

/** Undefined for a reason that is not known here: its message says what there is to say. */
export function reasonWords(reason: string | null): ReasonWords | undefined {
  if (reason === null) return undefined;
  return WORDS[reason.toUpperCase()] ?? WORDS[reason.toUpperCase().replaceAll("_", "")];
}

interface Reasoned {
  reason: string | null;
  message: string | null;
}

/** A worker's own reason, else a pod's; the last warning says why one that does not run yet is late. */
export function whyOf(
  worker: Reasoned & {
    phase: string;
    pods: readonly Reasoned[];
    warnings: readonly { reason: string; message: string }[];
  },
): { reason: string; message: string | null } | undefined {
  const said = [worker, ...worker.pods].find(({ reason }) => reason !== null);
  if (said?.reason != null) return { reason: said.reason, message: said.message };
  return worker.phase === "RUNNING" ? undefined : worker.warnings.at(-1);
}

/** How much of a node's room is spoken for, 0 to 1. */
export function shareOf({ total, requested }: { total: number; requested: number }): number {
  return total <= 0 ? 0 : Math.min(1, requested / total);
}
