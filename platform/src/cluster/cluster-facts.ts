/** What the Kubernetes API shows of a run's Job, as plain JSON: only the fields that the policies read. Instants are ISO 8601. */
export interface ObjectMeta {
  name: string;
  uid?: string;
  resourceVersion?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  creationTimestamp?: string;
  deletionTimestamp?: string;
  deletionGracePeriodSeconds?: number;
}

export interface Condition {
  type: string;
  status: string;
  reason?: string;
  message?: string;
  lastTransitionTime?: string;
}

export interface JobObject {
  metadata: ObjectMeta;
  status?: { active?: number; succeeded?: number; failed?: number; conditions?: Condition[] };
}

export interface ContainerStatus {
  name: string;
  restartCount?: number;
  state?: {
    waiting?: { reason?: string; message?: string };
    running?: { startedAt?: string };
    terminated?: { exitCode: number; signal?: number; reason?: string; message?: string; finishedAt?: string };
  };
}

export interface PodObject {
  metadata: ObjectMeta;
  spec?: {
    nodeName?: string;
    containers?: { name: string; resources?: { requests?: Record<string, string> } }[];
    initContainers?: { name: string; restartPolicy?: string; resources?: { requests?: Record<string, string> } }[];
  };
  status?: {
    phase?: string;
    reason?: string;
    message?: string;
    conditions?: Condition[];
    initContainerStatuses?: ContainerStatus[];
    containerStatuses?: ContainerStatus[];
  };
}

/** A Warning event. `at` is when it was seen last. */
export interface WarningEvent {
  reason: string;
  message: string;
  at: number;
}

/** What a node can give to pods, by resource: cores, bytes, counts. */
export type NodeSize = Readonly<Record<string, number>>;

export interface PodFacts {
  pod: PodObject;
  /** It is gone from the API; `pod` is how it was last. */
  isGone: boolean;
  /** The oldest first. */
  events: WarningEvent[];
}

/** All that is known of one execution's Job. */
export interface JobFacts {
  /** Undefined where it is gone. */
  job: JobObject | undefined;
  /** Of the Job itself; the oldest first. */
  events: WarningEvent[];
  pods: PodFacts[];
}
