import {
  createKeyBodySchema,
  createKeyReplySchema,
  keyListReplySchema,
  type keySchema,
  okReplySchema,
  revokeKeyBodySchema,
} from "@gantry/sdk/contract";
import { z } from "zod";
import { AppError } from "../../errors.ts";
import type { ApiKeyInfo } from "../../projects/project-service.ts";
import type { Edge } from "../edge.ts";
import { type Route, route, SMALL_BODY } from "../route.ts";

const ADMIN = { by: "policy", action: "admin", kind: "keys" } as const;

/** Keys of the environment. To rotate one: create the next, revoke this with a grace time. */
export function keyRoutes(edge: Edge): Route[] {
  const { projects } = edge.deps;
  return [
    route({
      method: "get",
      path: "/api/v1/keys",
      tag: "keys",
      summary: "List the environment's keys, without their secrets",
      access: ADMIN,
      reply: keyListReplySchema,
      handle: async ({ environment }) => ({ data: (await projects.listKeys(environment)).map(keyView) }),
    }),
    route({
      method: "post",
      path: "/api/v1/keys",
      tag: "keys",
      summary: "Make a key; it is shown this once",
      access: ADMIN,
      body: { schema: createKeyBodySchema, limit: SMALL_BODY },
      reply: createKeyReplySchema,
      status: 201,
      async handle({ body, environment, res }) {
        const { key, info } = await projects.createKey(environment, body.scope);
        res.setHeader("cache-control", "no-store");
        return { ...keyView(info), key };
      },
    }),
    route({
      method: "post",
      path: "/api/v1/keys/:keyId/revoke",
      tag: "keys",
      summary: "Revoke a key, at once or after a grace time",
      access: ADMIN,
      params: z.object({ keyId: z.string().max(200) }),
      body: { schema: revokeKeyBodySchema, limit: SMALL_BODY },
      reply: okReplySchema,
      async handle({ params, body, environment }) {
        const isKnown = (await projects.listKeys(environment)).some(({ id }) => id === params.keyId);
        if (!isKnown) throw new AppError("NOT_FOUND", "There is no key of this id in this environment.");
        await projects.revokeKey(environment, params.keyId, body.graceSeconds * 1000);
        return { success: true };
      },
    }),
  ];
}

function keyView(key: ApiKeyInfo): z.output<typeof keySchema> {
  return {
    id: key.id,
    scope: key.scope,
    hint: key.hint,
    createdAt: key.createdAt.toISOString(),
    expiresAt: key.expiresAt?.toISOString() ?? null,
  };
}
