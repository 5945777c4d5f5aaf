/**
 * Why an execution's worker does not come, or is no more, as an executor sees it from outside. The codes appear unchanged
 * in events, `explain`, logs and metrics.
 */
export const OBSERVATION_CODES = {
  UNSCHEDULABLE: "No node has room for the pod now.",
  NO_NODE_LARGE_ENOUGH: "No node of the cluster could ever hold the pod: its machine preset is larger than every node.",
  IMAGE_PULL_FAILED: "The node cannot pull the version's image.",
  QUOTA_EXCEEDED: "A ResourceQuota of the runs' namespace is used up.",
  ADMISSION_DENIED: "An admission webhook or policy of the cluster refuses the pod.",
  POD_SECURITY_DENIED: "Pod Security of the runs' namespace refuses the pod.",
  CONTAINER_CONFIG_ERROR:
    "The pod's container cannot be made: a Secret, ConfigMap or volume that its template names is missing.",
  POD_START_FAILED: "The node cannot start the pod: its sandbox, an init container or the image's program fails.",
  CLUSTER_REFUSED: "The Kubernetes API refused to create the Job.",
  CLUSTER_UNREACHABLE: "The Kubernetes API cannot be reached.",
  NO_NODE_RESTORES: "Every node that could have the pod is known to be unable to bring the run's stored process back.",
  CHECKPOINTS_OFF: "The run's process is stored, and process checkpoints are switched off.",
  CHECKPOINTS_REFUSED: "The cluster refuses pods that may store their process: the worker comes without.",
  POD_DELETED: "Somebody deleted the pod.",
  POD_EVICTED: "The node evicted the pod.",
  POD_PREEMPTED: "The pod made way for one of a higher priority.",
  NODE_LOST: "The pod's node is gone.",
  OOM_KILLED: "The kernel ended the container: it used more memory than its machine preset has.",
  POD_EXITED: "The worker ended before its run had.",
  WRONG_ARCHITECTURE: "The version's image is not built for the node's architecture.",
} as const;
export type ObservationCode = keyof typeof OBSERVATION_CODES;

export type WorkerObservation =
  /** It goes on waiting: the reason is shown on the run. */
  | { then: "wait"; code: ObservationCode; message: string }
  /** Its worker was given up before it started: the run is queued again, with a back-off that grows, and never fails by it. */
  | { then: "requeue"; code: ObservationCode; message: string }
  /** No worker can ever come: SYSTEM_FAILURE. */
  | { then: "fail"; code: ObservationCode; message: string }
  /** A worker that ran is gone by no fault of the task: a new execution, which costs no retry but counts towards the cap. */
  | { then: "lose"; code: ObservationCode; message: string }
  /** The attempt ended with its container: the retry policy decides. */
  | { then: "crash"; code: "OOM_KILLED" | "POD_EXITED"; message: string; exitCode?: number };

/** What the engine does with it. Both methods are idempotent; an execution that is no longer live is ignored. */
export interface WorkerObservations {
  observed(executionId: string, observation: WorkerObservation): Promise<void>;
  /** Which of these executions are live (STARTING, RUNNING, or an onFailure hook's): workers of the others may be removed. */
  liveAmong(executionIds: string[]): Promise<Set<string>>;
}
