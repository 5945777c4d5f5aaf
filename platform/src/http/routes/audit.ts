import { auditQuerySchema, auditReplySchema } from "@gantry/sdk/contract";
import type { Edge } from "../edge.ts";
import { type Route, route } from "../route.ts";
import { auditView } from "../user-view.ts";

export function auditRoutes(edge: Edge): Route[] {
  return [
    route({
      method: "get",
      path: "/api/v1/audit",
      tag: "audit log",
      summary: "Who did what, the newest first",
      access: { by: "policy", action: "admin", kind: "audit" },
      query: auditQuerySchema,
      reply: auditReplySchema,
      async handle({ query }) {
        const { entries, next } = await edge.deps.accounts.audit.list(
          {
            actor: query["filter[actor]"],
            action: query["filter[action]"],
            target: query["filter[target]"],
            outcome: query["filter[outcome]"],
            from: instant(query["filter[from]"]),
            to: instant(query["filter[to]"]),
          },
          { size: query["page[size]"], after: query["page[after]"] },
        );
        return { data: entries.map(auditView), next: next ?? null };
      },
    }),
  ];
}

function instant(text: string | undefined): Date | undefined {
  return text === undefined ? undefined : new Date(text);
}
