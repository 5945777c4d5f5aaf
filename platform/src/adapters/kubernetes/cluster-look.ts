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
  namespace: RunsNamespace,
  environment: EnvironmentRef,
  mayListNodes: boolean,
): Promise<ClusterSight> {
  const of = (name: string, value: string) => `${LABEL_PREFIX}${name}=${labelValue(value)}`;
  const labelSelector = [
    namespace.selector,
    of("project", environment.projectRef),
    of("environment", environment.slug),
  ].join(",");
  const list = <T>(path: string, query: Record<string, string>) =>
    namespace.api.request<List<T>>("GET", path, { query: { ...query, resourceVersion: "0" } });
  const [jobs, pods, events, nodes] = await Promise.all([
    list<ShownJob>(namespace.path("jobs"), { labelSelector }),
    // Nodes are shared by all environments: the room that is left is not one environment's.
    list<PodObject>(namespace.path("pods"), { labelSelector: mayListNodes ? namespace.selector : labelSelector }),
    list<EventObject>(namespace.path("events"), { fieldSelector: "type=Warning" }),
    mayListNodes ? list<NodeObject>("/api/v1/nodes", {}) : undefined,
  ]);
  const newest = jobs.items.sort((a, b) => madeAt(b) - madeAt(a));
  const podsOf = Map.groupBy(pods.items, ({ metadata }) => executionOf(metadata.name)?.executionId);
  const eventsOf = Map.groupBy(events.items, (event) => executionOf(event.involvedObject.name ?? "")?.executionId);
  return {
    workers: newest.slice(0, MAX_JOBS).map((job) => {
      const execution = executionOf(job.metadata.name)?.executionId;
      const warnings = (eventsOf.get(execution) ?? []).map(toWarning).sort((a, b) => a.at - b.at);
      return seenJob(job, podsOf.get(execution) ?? [], warnings.slice(-EVENTS_SHOWN));
    }),
    isTruncated: newest.length > MAX_JOBS,
    nodes: nodes && seenNodes(nodes.items, pods.items),
  };
}

const madeAt = ({ metadata }: ShownJob) => Date.parse(metadata.creationTimestamp ?? "") || 0;

function toWarning({ reason = "", message = "", lastTimestamp, eventTime, metadata }: EventObject) {
  return { reason, message, at: Date.parse(lastTimestamp ?? eventTime ?? metadata.creationTimestamp ?? "") || 0 };
}
