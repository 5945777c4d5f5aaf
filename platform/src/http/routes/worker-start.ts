import { WORKER_START_PATH, workerStartBodySchema } from "@gantry/sdk/contract";
import { z } from "zod";
import { AppError } from "../../errors.ts";
import type { Edge } from "../edge.ts";
import { type Route, route } from "../route.ts";

/** The worker protocol's one HTTP request (docs/worker-protocol.md): a pod exchanges its bootstrap token. */
export function workerRoutes(edge: Edge): Route[] {
  return [
    route({
      method: "post",
      path: WORKER_START_PATH,
      tag: "worker",
      summary: "Exchange a Job's bootstrap token for its worker's credentials (private to the runner)",
      access: { by: "none" },
      body: { schema: workerStartBodySchema, limit: { bytes: 16 * 1024, name: "requestBytes" } },
      reply: z.object({ workerId: z.string(), workerToken: z.string(), executionId: z.string() }).loose(),
      async handle({ req, res, body }) {
        const token = /^Bearer (\S+)$/i.exec(req.headers.authorization ?? "")?.[1];
        if (token === undefined) throw new AppError("UNAUTHORIZED", "The request has no bootstrap token.");
        res.setHeader("cache-control", "no-store");
        return edge.deps.startExchange(token, body);
      },
    }),
  ];
}
