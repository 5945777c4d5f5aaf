import {
  type Build as BuildReply,
  buildLinesQuerySchema,
  buildLinesReplySchema,
  buildListQuerySchema,
  buildListReplySchema,
} from "@gantry/sdk/contract";
import { z } from "zod";
import type { Build } from "../../deployments/build-store.ts";
import { AppError } from "../../errors.ts";
import { decodeId, encodeId } from "../../ids.ts";
import type { Edge } from "../edge.ts";
import { type Route, route } from "../route.ts";

const READ = { by: "policy", action: "read", kind: "deployments" } as const;

/** What builds said, for those who did not start them: `POST …/deployments/build` tells its own client as it goes. */
export function buildRoutes(edge: Edge): Route[] {
  const { builds } = edge.deps;
  return [
    route({
      method: "get",
      path: "/api/v1/builds",
      tag: "deployments",
      summary: "List the latest builds of images, newest first",
      access: READ,
      query: buildListQuerySchema,
      reply: buildListReplySchema,
      handle: async ({ query, environment }) => ({ data: (await builds.list(environment.id, query)).map(view) }),
    }),
    route({
      method: "get",
      path: "/api/v1/builds/:build/lines",
      tag: "deployments",
      summary: "What a build says, from an index; ask again from `next` while it is BUILDING",
      access: READ,
      params: z.object({ build: z.string().max(200) }),
      query: buildLinesQuerySchema,
      reply: buildLinesReplySchema,
      async handle({ params, query, environment }) {
        const id = decodeId("build", params.build);
        if (id === undefined)
          throw new AppError("MALFORMED_ID", `"${params.build.slice(0, 80)}" is not the id of a build.`);
        // Before its lines: who sees that it has ended has all of them.
        const build = await builds.retrieve(environment.id, id);
        if (build === undefined) throw new AppError("NOT_FOUND", "There is no build of this id in this environment.");
        const lines = await builds.lines(id, query.from, query.limit);
        return {
          build: view(build),
          lines: lines.map(({ at, ...line }) => ({ ...line, at: at.toISOString() })),
          next: (lines.at(-1)?.index ?? query.from - 1) + 1,
        };
      },
    }),
  ];
}

function view(build: Build): BuildReply {
  return {
    ...build,
    id: encodeId("build", build.id),
    startedAt: build.startedAt.toISOString(),
    endedAt: build.endedAt?.toISOString(),
  };
}
