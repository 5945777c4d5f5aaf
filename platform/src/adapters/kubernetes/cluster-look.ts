import type { PodObject } from "../../cluster/cluster-facts.ts";
import type { ClusterSight } from "../../cluster/cluster-sight.ts";
import { type NodeObject, type ShownJob, seenJob, seenNodes } from "../../cluster/cluster-sight-policy.ts";
import { executionOf, LABEL_PREFIX, labelValue } from "../../cluster/job-manifest.ts";
import type { EnvironmentRef } from "../../projects/principal.ts";
import type { RunsNamespace } from "./runs-namespace.ts";
import type { EventObject } from "./slim-objects.ts";

const MAX_JOBS = 500;
const EVENTS_SHOWN = 3;

interface List<T> {
  metadata: { continue?: string };
  items: T[];
}

/** Jobs, pods and warnings of an environment, and nodes where they may be seen. Any replica may look. Errors: KubeError. */
export async function lookAtCluster(
  namespaces: RunsNamespace[],
  environment: EnvironmentRef,
  mayListNodes: boolean,
): Promise<ClusterSight> {
  const of = (name: string, value: string) => `${LABEL_PREFIX}${name}=${labelValue(value)}`;
  const ours = [of("project", environment.projectRef), of("environment", environment.slug)];
  const list = async <T>({ api }: RunsNamespace, path: string, query: Record<string, string>) =>
    (await api.request<List<T>>("GET", path, { query: { ...query, resourceVersion: "0" } })).items;
  const inEach = async <T>(look: (namespace: RunsNamespace) => Promise<T[]>) =>
    (await Promise.all(namespaces.map(look))).flat();
  const [jobs, pods, events, nodes] = await Promise.all([
    inEach((namespace) =>
      list<ShownJob>(namespace, namespace.path("jobs"), { labelSelector: [namespace.selector, ...ours].join(",") }),
    ),
    // Nodes are shared by all environments: the room that is left is not one environment's.
    inEach((namespace) =>
      list<PodObject>(namespace, namespace.path("pods"), {
        labelSelector: mayListNodes ? namespace.selector : [namespace.selector, ...ours].join(","),
      }),
    ),
    inEach((namespace) => list<EventObject>(namespace, namespace.path("events"), { fieldSelector: "type=Warning" })),
    mayListNodes && namespaces[0] ? list<NodeObject>(namespaces[0], "/api/v1/nodes", {}) : undefined,
  ]);
  const newest = jobs.sort((a, b) => madeAt(b) - madeAt(a));
  const podsOf = Map.groupBy(pods, ({ metadata }) => executionOf(metadata.name)?.executionId);
  const eventsOf = Map.groupBy(events, (event) => executionOf(event.involvedObject.name ?? "")?.executionId);
  return {
    workers: newest.slice(0, MAX_JOBS).map((job) => {
      const execution = executionOf(job.metadata.name)?.executionId;
      const warnings = (eventsOf.get(execution) ?? []).map(toWarning).sort((a, b) => a.at - b.at);
      return seenJob(job, podsOf.get(execution) ?? [], warnings.slice(-EVENTS_SHOWN));
    }),
    isTruncated: newest.length > MAX_JOBS,
    nodes: nodes && seenNodes(nodes, pods),
  };
}

const madeAt = ({ metadata }: ShownJob) => Date.parse(metadata.creationTimestamp ?? "") || 0;

function toWarning({ reason = "", message = "", lastTimestamp, eventTime, metadata }: EventObject) {
  return { reason, message, at: Date.parse(lastTimestamp ?? eventTime ?? metadata.creationTimestamp ?? "") || 0 };
}
