import {
  accessTokenListReplySchema,
  type accessTokenSchema,
  createAccessTokenBodySchema,
  createAccessTokenReplySchema,
  okReplySchema,
} from "@gantry/sdk/contract";
import { z } from "zod";
import { AppError } from "../../errors.ts";
import type { AccessTokenInfo } from "../../projects/project-service.ts";
import type { Edge } from "../edge.ts";
import { type Route, type RouteRequest, route, SMALL_BODY } from "../route.ts";

const ADMIN = { by: "late", action: "admin" } as const;

/** Personal access tokens, which are for all projects: no environment's key may list, make or revoke them. */
export function accessTokenRoutes(edge: Edge): Route[] {
  const { projects } = edge.deps;
  return [
    route({
      method: "get",
      path: "/api/v1/access-tokens",
      tag: "access tokens",
      summary: "List access tokens, without their secrets",
      access: ADMIN,
      reply: accessTokenListReplySchema,
      async handle(request) {
        demandPerson(request);
        return { data: (await projects.listAccessTokens()).map(view) };
      },
    }),
    route({
      method: "post",
      path: "/api/v1/access-tokens",
      tag: "access tokens",
      summary: "Make an access token; it is shown this once",
      access: ADMIN,
      body: { schema: createAccessTokenBodySchema, limit: SMALL_BODY },
      reply: createAccessTokenReplySchema,
      status: 201,
      async handle(request) {
        demandPerson(request);
        const { name, scopes, expiresAt } = request.body;
        const { token, tokenId } = await projects.createAccessToken(
          name,
          scopes.includes("full") ? [] : scopes,
          expiresAt === undefined ? undefined : new Date(expiresAt),
        );
        request.res.setHeader("cache-control", "no-store");
        return { id: tokenId, token };
      },
    }),
    route({
      method: "post",
      path: "/api/v1/access-tokens/:tokenId/revoke",
      tag: "access tokens",
      summary: "Revoke an access token",
      access: ADMIN,
      params: z.object({ tokenId: z.string().max(200) }),
      reply: okReplySchema,
      async handle(request) {
        demandPerson(request);
        if (!(await projects.revokeAccessToken(request.params.tokenId)))
          throw new AppError("NOT_FOUND", "There is no access token of this id.");
        return { success: true };
      },
    }),
  ];
}

function demandPerson({ identity, allow }: Pick<RouteRequest<never, never, never>, "identity" | "allow">): void {
  if (identity.principal.kind !== "access")
    throw new AppError("FORBIDDEN", "Access tokens are for all projects: only such a token may handle them.");
  allow("admin", [{ kind: "keys" }]);
}

function view({ createdAt, expiresAt, scopes, ...token }: AccessTokenInfo): z.output<typeof accessTokenSchema> {
  return {
    ...token,
    scopes: scopes.length === 0 ? ["full"] : scopes,
    createdAt: createdAt.toISOString(),
    expiresAt: expiresAt?.toISOString() ?? null,
  };
}
