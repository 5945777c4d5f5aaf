import type { NodeSize } from "../../cluster/cluster-facts.ts";
import type { ObservationCode } from "../../cluster/worker-observations.ts";
import { KeptNamespace, type KeptNamespaceDeps } from "./kept-namespace.ts";
import { KubeApi } from "./kube-api.ts";
import { loadKubeConfig } from "./kube-config.ts";
import { NodeSizes } from "./node-sizes.ts";
import { RunsNamespace } from "./runs-namespace.ts";

type Kept = Pick<KeptNamespaceDeps, "limits" | "finishedTtlMs" | "failedTtlMs" | "observations" | "leadership" | "log">;

export interface ClusterOptions extends Kept {
  /** The runs' namespace; never the platform's own. */
  namespace: string;
  /** Where runs' processes may be stored, and on which nodes; undefined where that is off. */
  checkpoints?: { namespace: string; nodeSelector: Record<string, string> } | undefined;
  /** Undefined is the pod's service account, KUBECONFIG or ~/.kube/config. */
  kubeconfig?: string | undefined;
  /** See JobSettings. */
  instance: string;
  /** What the largest node can give to one pod; undefined looks at nodes, where that is allowed. */
  largestNode?: NodeSize | undefined;
  /** Requests to the Kubernetes API a second. */
  qps: number;
}

export interface Cluster {
  api: KubeApi;
  nodes: NodeSizes;
  runs: KeptNamespace;
  /** For tasks whose processes may be stored. */
  checkpoints: KeptNamespace | undefined;
}

/** What refuses a pod that may store its process, and would refuse the next. */
const REFUSES_RELAXED: ReadonlySet<ObservationCode> = new Set(["POD_SECURITY_DENIED", "ADMISSION_DENIED"]);

/** A client of the cluster's API, and the namespaces of runs; nothing is asked yet. Errors: KubeError, of the kubeconfig. */
export function connectCluster(options: ClusterOptions, epoch: () => number): Cluster {
  const { kubeconfig, qps, instance, largestNode, log, checkpoints } = options;
  const api = new KubeApi(loadKubeConfig(kubeconfig), qps);
  const namespace = new RunsNamespace(api, options.namespace, instance);
  const nodes = new NodeSizes(largestNode, namespace, log);
  const kept = { ...options, nodes, epoch };
  const runs = new KeptNamespace({
    ...kept,
    namespace,
    setting: "KUBERNETES_NAMESPACE",
    changed(problem) {
      const where = { namespace: namespace.name, problem };
      if (problem !== undefined) log.error(where, "runs cannot start on the cluster");
      else log.info(where, "the cluster is ready for runs");
    },
  });
  if (checkpoints === undefined) return { api, nodes, runs, checkpoints };
  const relaxed = new RunsNamespace(api, checkpoints.namespace, instance);
  return { api, nodes, runs, checkpoints: relaxedNamespace({ ...kept, namespace: relaxed }) };
}

function relaxedNamespace(deps: Omit<KeptNamespaceDeps, "setting" | "changed">): KeptNamespace {
  const { observations, namespace, log } = deps;
  const kept: KeptNamespace = new KeptNamespace({
    ...deps,
    setting: "CHECKPOINT_NAMESPACE",
    observations: {
      liveAmong: (executionIds) => observations.liveAmong(executionIds),
      observed(executionId, observation) {
        // The Job was made, and its pod is not let in: the run's next Job goes elsewhere.
        if (REFUSES_RELAXED.has(observation.code)) kept.refused(observation.message);
        return observations.observed(executionId, observation);
      },
    },
    changed(problem) {
      const where = { namespace: namespace.name, problem };
      if (problem !== undefined) log.warn(where, "processes cannot be stored: their runs start without");
      else log.info(where, "processes can be stored");
    },
  });
  return kept;
}
