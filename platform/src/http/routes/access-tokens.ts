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
import { noteForAudit } from "../audit-trail.ts";
import type { Edge } from "../edge.ts";
import { type Route, type RouteRequest, route, SMALL_BODY } from "../route.ts";

/** Whose tokens somebody handles: a user their own, or (undefined) all of them. */
interface Handled {
  userId: string | undefined;
}

/** Personal access tokens, which are for all projects: no environment's key may list, make or revoke them. */
export function accessTokenRoutes(edge: Edge): Route[] {
  const { projects } = edge.deps;
  return [
    route({
      method: "get",
      path: "/api/v1/access-tokens",
      tag: "access tokens",
      summary: "List access tokens, without their secrets: one's own; an admin sees all",
      access: { by: "identity" },
      reply: accessTokenListReplySchema,
      handle: async (request) => ({ data: (await projects.listAccessTokens(seenBy(request).userId)).map(view) }),
    }),
    route({
      method: "post",
      path: "/api/v1/access-tokens",
      tag: "access tokens",
      summary: "Make an access token; it is shown this once. A user's does no more than the user may",
      access: { by: "identity" },
      body: { schema: createAccessTokenBodySchema, limit: SMALL_BODY },
      reply: createAccessTokenReplySchema,
      status: 201,
      async handle(request) {
        const { userId } = ownedBy(request);
        const { name, scopes, expiresAt } = request.body;
        noteForAudit(request.res, { details: { name, scopes } });
        const { token, tokenId } = await projects.createAccessToken(
          name,
          scopes.includes("full") ? [] : scopes,
          expiresAt === undefined ? undefined : new Date(expiresAt),
          userId,
        );
        request.res.setHeader("cache-control", "no-store");
        return { id: tokenId, token };
      },
    }),
    route({
      method: "post",
      path: "/api/v1/access-tokens/:tokenId/revoke",
      tag: "access tokens",
      summary: "Revoke an access token: one's own, or any for an admin",
      access: { by: "identity" },
      params: z.object({ tokenId: z.string().max(200) }),
      reply: okReplySchema,
      async handle(request) {
        if (!(await projects.revokeAccessToken(request.params.tokenId, seenBy(request).userId)))
          throw new AppError("NOT_FOUND", "There is no access token of this id.");
        return { success: true };
      },
    }),
  ];
}

type Asked = Pick<RouteRequest<never, never, never>, "identity" | "allow">;

/** Errors: FORBIDDEN for credentials of one environment, and for tokens that are for less than everything. */
function seenBy(request: Asked): Handled {
  const owned = ownedBy(request);
  const { principal } = request.identity;
  const isAdmin = principal.kind === "user" ? principal.role === "admin" : owned.userId === undefined;
  return isAdmin ? { userId: undefined } : owned;
}

function ownedBy({ identity: { principal }, allow }: Asked): Handled {
  // In `gantry dev` nobody signs in: what is made there is the operator's.
  if (principal.kind === "user") return { userId: principal.sessionId === undefined ? undefined : principal.userId };
  if (principal.kind !== "access")
    throw new AppError("FORBIDDEN", "Access tokens are for all projects: only such a token or a user may handle them.");
  if (principal.owner === undefined) allow("admin", [{ kind: "keys" }]);
  else if (principal.scopes.length > 0)
    throw new AppError("FORBIDDEN", "An access token of limited scope makes no other tokens.");
  return { userId: principal.owner?.userId };
}

function view({ createdAt, expiresAt, scopes, owner, ...token }: AccessTokenInfo): z.output<typeof accessTokenSchema> {
  return {
    ...token,
    scopes: scopes.length === 0 ? ["full"] : scopes,
    createdAt: createdAt.toISOString(),
    expiresAt: expiresAt?.toISOString() ?? null,
    owner: owner === undefined ? null : { id: owner.userId, email: owner.email },
  };
}
