import { journalQuerySchema, journalReplySchema } from "@gantry/sdk/contract";
import type { Edge } from "../edge.ts";
import { journalEntry } from "../journal-view.ts";
import { type Route, route } from "../route.ts";
import { authorizedRun, runParams } from "./run-access.ts";

export function journalRoutes(edge: Edge): Route[] {
  return [
    route({
      method: "get",
      path: "/api/v1/runs/:runId/journal",
      tag: "runs",
      summary: "A run's durable calls in their order: steps, waits, children, tokens",
      access: { by: "late", action: "read" },
      params: runParams,
      query: journalQuerySchema,
      reply: journalReplySchema,
      async handle(request) {
        const run = await authorizedRun(edge, request, "read");
        const { after, limit } = request.query;
        const entries = await edge.deps.journals.view(request.environment, run.id, { after, limit: limit + 1 });
        const shown = entries.slice(0, limit).map(journalEntry);
        return { entries: shown, next: entries.length > limit ? shown.at(-1)?.entry : undefined };
      },
    }),
  ];
}
