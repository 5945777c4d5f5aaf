import {
  overrideQueueBodySchema,
  pauseQueueBodySchema,
  type Queue,
  queueListQuerySchema,
  queueListReplySchema,
  queuePathSchema,
  queueQuerySchema,
  queueSchema,
  resetQueueBodySchema,
} from "@gantry/sdk/contract";
import { z } from "zod";
import { AppError } from "../../errors.ts";
import type { QueueInfo, QueueRef } from "../../queues/queue-service.ts";
import type { Edge } from "../edge.ts";
import { type Route, route, SMALL_BODY } from "../route.ts";

const queueParams = z.object({ queue: queuePathSchema });

export function queueRoutes(edge: Edge): Route[] {
  const { queues } = edge.deps;
  return [
    route({
      method: "get",
      path: "/api/v1/queues",
      tag: "queues",
      summary: "List queues",
      access: { by: "policy", action: "read", kind: "queues" },
      query: queueListQuerySchema,
      reply: queueListReplySchema,
      async handle({ query, environment }) {
        const { queues: page, total } = await queues.list(environment, query);
        return {
          data: page.map(queueView),
          pagination: { currentPage: query.page, totalPages: Math.ceil(total / query.perPage), count: total },
        };
      },
    }),
    route({
      method: "get",
      path: "/api/v1/queues/:queue",
      tag: "queues",
      summary: "Retrieve a queue",
      access: { by: "policy", action: "read", kind: "queues" },
      params: queueParams,
      query: queueQuerySchema,
      reply: queueSchema,
      async handle({ params, query, environment }) {
        const ref = toRef(params.queue, query.type);
        return found(ref, await queues.retrieve(environment, ref));
      },
    }),
    route({
      method: "post",
      path: "/api/v1/queues/:queue/pause",
      tag: "queues",
      summary: "Pause or resume a queue; running work goes on",
      access: { by: "policy", action: "write", kind: "queues" },
      params: queueParams,
      body: { schema: pauseQueueBodySchema, limit: SMALL_BODY },
      reply: queueSchema,
      async handle({ params, body, environment }) {
        const ref = toRef(params.queue, body.type);
        return found(ref, await queues.setPaused(environment, ref, body.action === "pause"));
      },
    }),
    route({
      method: "post",
      path: "/api/v1/queues/:queue/concurrency/override",
      tag: "queues",
      summary: "Override a queue's concurrency limit until it is reset",
      access: { by: "policy", action: "write", kind: "queues" },
      params: queueParams,
      body: { schema: overrideQueueBodySchema, limit: SMALL_BODY },
      reply: queueSchema,
      async handle({ params, body, environment }) {
        const ref = toRef(params.queue, body.type);
        return found(ref, await queues.overrideLimit(environment, ref, body.concurrencyLimit));
      },
    }),
    route({
      method: "post",
      path: "/api/v1/queues/:queue/concurrency/reset",
      tag: "queues",
      summary: "Go back to the declared concurrency limit",
      access: { by: "policy", action: "write", kind: "queues" },
      params: queueParams,
      body: { schema: resetQueueBodySchema, limit: SMALL_BODY },
      reply: queueSchema,
      async handle({ params, body, environment }) {
        const ref = toRef(params.queue, body.type);
        return found(ref, await queues.overrideLimit(environment, ref, null));
      },
    }),
  ];
}

/** Trigger.dev's clients encode a slash twice, so what Express decoded may still hold `%2F`. */
function toRef(path: string, type: QueueRef["type"]): QueueRef {
  return { type, name: path.replaceAll(/%2f/gi, "/") };
}

function found(ref: QueueRef, queue: QueueInfo | undefined): Queue {
  if (queue === undefined)
    throw new AppError(
      "QUEUE_NOT_FOUND",
      `There is no queue ${ref.type === "task" ? "of the task " : ""}"${ref.name.slice(0, 128)}".`,
    );
  return queueView(queue);
}

function queueView(queue: QueueInfo): Queue {
  return {
    id: queue.id,
    name: queue.kind === "task" ? queue.name.replace(/^task\//, "") : queue.name,
    type: queue.kind,
    version: "V1",
    running: queue.running,
    queued: queue.queued,
    paused: queue.paused,
    concurrencyLimit: queue.concurrencyLimit,
    concurrency: {
      current: queue.concurrencyLimit,
      base: queue.declaredLimit,
      override: queue.overrideLimit,
      overriddenAt: queue.overriddenAt?.toISOString() ?? null,
      overriddenBy: null,
    },
    combinedConcurrencyLimit: queue.combinedConcurrencyLimit,
    rateLimit: queue.rateLimit,
    oldestQueuedAt: queue.oldestQueuedAt?.toISOString() ?? null,
    pausedAt: queue.pausedAt?.toISOString() ?? null,
    startsInPeriod: queue.startsInPeriod,
  };
}
