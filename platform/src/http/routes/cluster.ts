import { type ClusterReply, clusterReplySchema } from "@gantry/sdk/contract";
import type { CheckpointNode } from "../../checkpoints/checkpoint-store.ts";
import type { ClusterView } from "../../cluster/cluster-service.ts";
import type { Edge } from "../edge.ts";
import { type Route, route } from "../route.ts";
import { READ_INSIGHTS } from "./insights.ts";

export function clusterRoutes(edge: Edge): Route[] {
  return [
    route({
      method: "get",
      path: "/api/v1/cluster",
      tag: "cluster",
      summary:
        "What executes the environment's runs now: Jobs and pods with their reasons, or processes; and the nodes' room",
      access: READ_INSIGHTS,
      reply: clusterReplySchema,
      handle: async ({ environment }) => view(await edge.deps.cluster.view(environment)),
    }),
  ];
}

function view({ executor, problem, observedAt, workers, isTruncated, nodes, checkpoints }: ClusterView): ClusterReply {
  return {
    executor,
    problem: problem ?? null,
    observedAt: observedAt.toISOString(),
    workers: workers.map(({ deploymentId: _, ...worker }) => worker),
    isTruncated,
    nodes: nodes ?? null,
    ...(checkpoints && { checkpoints: checkpointsView(checkpoints) }),
  };
}

function checkpointsView({ isEnabled, problem, nodes }: NonNullable<ClusterView["checkpoints"]>) {
  return { isEnabled, ...(problem === undefined ? {} : { problem }), nodes: nodes.map(checkpointNode) };
}

function checkpointNode({ features, works, reason, seenAt }: CheckpointNode) {
  const { node: name, arch, kernel } = features;
  return { name, works, reason: reason ?? null, arch, kernel, seenAt: seenAt.toISOString() };
}
