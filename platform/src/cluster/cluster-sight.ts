/** What an executor sees of its workers now. Instants are ISO 8601. */
export interface SeenWorker {
  name: string;
  kind: "job" | "process";
  phase: "PENDING" | "RUNNING" | "SUCCEEDED" | "FAILED" | "ENDING";
  /** Why it waits, or how it ended. */
  reason: string | null;
  message: string | null;
  /** Of a process: the version that it serves; a UUID. */
  deploymentId: string | undefined;
  /** Of a Job. */
  version: string | null;
  /** Public id. */
  runId: string | null;
  taskIdentifier: string | null;
  node: string | null;
  restarts: number;
  pid: number | null;
  memoryBytes: number | null;
  createdAt: string;
  startedAt: string | null;
  pods: SeenPod[];
  warnings: { reason: string; message: string; at: string }[];
}

export interface SeenPod {
  name: string;
  phase: string;
  reason: string | null;
  message: string | null;
  node: string | null;
  restarts: number;
  createdAt: string;
  startedAt: string | null;
}

/** What pods may have of a node, and what those of this installation have asked for. */
export interface SeenNode {
  name: string;
  isReady: boolean;
  isSchedulable: boolean;
  pressure: string[];
  cpu: Room;
  memoryBytes: Room;
  pods: Room;
}
export interface Room {
  total: number;
  requested: number;
}

export interface ClusterSight {
  /** Newest first. */
  workers: SeenWorker[];
  isTruncated: boolean;
  /** Undefined where there are none, or they may not be seen. */
  nodes: SeenNode[] | undefined;
}

export const NOTHING_SEEN: ClusterSight = { workers: [], isTruncated: false, nodes: undefined };
