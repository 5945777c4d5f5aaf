import type { Edge } from "../edge.ts";
import type { Route } from "../route.ts";
import { accessTokenRoutes } from "./access-tokens.ts";
import { auditRoutes } from "./audit.ts";
import { batchRoutes } from "./batches.ts";
import { buildRoutes } from "./builds.ts";
import { bulkActionRoutes } from "./bulk-actions.ts";
import { clusterRoutes } from "./cluster.ts";
import { deploymentRoutes } from "./deployments.ts";
import { deploymentBuildRoutes } from "./deployments-build.ts";
import { insightRoutes } from "./insights.ts";
import { journalRoutes } from "./journal.ts";
import { keyRoutes } from "./keys.ts";
import { laterRoutes } from "./later.ts";
import { memberRoutes } from "./members.ts";
import { packetRoutes } from "./packets.ts";
import { queueRoutes } from "./queues.ts";
import { runChangeRoutes } from "./run-changes.ts";
import { runRoutes } from "./runs.ts";
import { scheduleRoutes } from "./schedules.ts";
import { sessionRoutes } from "./session.ts";
import { signInRoutes } from "./sign-in.ts";
import { singleSignOnRoutes } from "./single-sign-on.ts";
import { streamRoutes } from "./streams.ts";
import { systemRoutes } from "./system.ts";
import { tokenRoutes } from "./tokens.ts";
import { triggerRoutes } from "./trigger.ts";
import { variableRoutes } from "./variables.ts";
import { waitpointRoutes } from "./waitpoints.ts";
import { workerCheckpointRoutes } from "./worker-checkpoints.ts";
import { workerRoutes } from "./worker-start.ts";

/** Every endpoint, the most frequent first: Express tries them in order. */
export function allRoutes(edge: Edge): Route[] {
  const routes = [
    ...triggerRoutes(edge),
    ...runRoutes(edge),
    ...insightRoutes(edge),
    ...bulkActionRoutes(edge),
    ...clusterRoutes(edge),
    ...runChangeRoutes(edge),
    ...batchRoutes(edge),
    ...waitpointRoutes(edge),
    ...streamRoutes(edge),
    ...journalRoutes(edge),
    ...packetRoutes(edge),
    ...queueRoutes(edge),
    ...scheduleRoutes(edge),
    ...deploymentBuildRoutes(edge),
    ...deploymentRoutes(edge),
    ...buildRoutes(edge),
    ...tokenRoutes(edge),
    ...keyRoutes(edge),
    ...accessTokenRoutes(edge),
    ...variableRoutes(edge),
    ...workerRoutes(edge),
    ...workerCheckpointRoutes(edge),
    ...sessionRoutes(edge),
    ...signInRoutes(edge),
    ...singleSignOnRoutes(edge),
    ...memberRoutes(edge),
    ...auditRoutes(edge),
    ...laterRoutes(),
  ];
  return [...routes, ...systemRoutes(edge, routes)];
}
