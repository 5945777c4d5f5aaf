import {
  createUserBodySchema,
  createUserReplySchema,
  okReplySchema,
  updateUserBodySchema,
  userListReplySchema,
  userSchema,
} from "@gantry/sdk/contract";
import type { Request } from "express";
import { z } from "zod";
import type { Invitation } from "../../accounts/members.ts";
import { noteForAudit } from "../audit-trail.ts";
import type { Edge } from "../edge.ts";
import { type Route, route, SMALL_BODY } from "../route.ts";
import { userView } from "../user-view.ts";

const ADMIN = { by: "policy", action: "admin", kind: "members" } as const;
const TAG = "members";
const params = z.object({ userId: z.string().max(64) });

/** Who may use the platform. Users are disabled, never deleted: the audit log names them. */
export function memberRoutes(edge: Edge): Route[] {
  return [list, create, update, invite, signOut].map((make) => make(edge));
}

const list = (edge: Edge) =>
  route({
    method: "get",
    path: "/api/v1/users",
    tag: TAG,
    summary: "List the users",
    access: ADMIN,
    reply: userListReplySchema,
    handle: async () => ({ data: (await edge.deps.accounts.members.list()).map(userView) }),
  });

const create = (edge: Edge) =>
  route({
    method: "post",
    path: "/api/v1/users",
    tag: TAG,
    summary: "Add a user, with a password or by a link, which is shown this once",
    access: ADMIN,
    body: { schema: createUserBodySchema, limit: SMALL_BODY },
    reply: createUserReplySchema,
    status: 201,
    async handle({ req, res, body }) {
      noteForAudit(res, { target: body.email, details: { role: body.role } });
      const { user, invitation } = await edge.deps.accounts.members.create(body);
      res.setHeader("cache-control", "no-store");
      const link = invitation === undefined ? {} : { invitation: linkOf(edge, req, invitation) };
      return { user: userView(user), ...link };
    },
  });

const update = (edge: Edge) =>
  route({
    method: "put",
    path: "/api/v1/users/:userId",
    tag: TAG,
    summary: "Change a user's name or role, or close their account",
    access: ADMIN,
    params,
    body: { schema: updateUserBodySchema, limit: SMALL_BODY },
    reply: userSchema,
    async handle({ res, params: { userId }, body }) {
      noteForAudit(res, { target: userId, details: { ...body } });
      const user = await edge.deps.accounts.members.update(userId, body);
      edge.deps.projects.forgetAccessTokens();
      noteForAudit(res, { target: `${userId} ${user.email}` });
      return userView(user);
    },
  });

const invite = (edge: Edge) =>
  route({
    method: "post",
    path: "/api/v1/users/:userId/invite",
    tag: TAG,
    summary: "Make a link by which a user chooses a new password; the one before works no more",
    access: ADMIN,
    params,
    reply: createUserReplySchema,
    async handle({ req, res, params: { userId } }) {
      const { user, invitation } = await edge.deps.accounts.members.invite(userId);
      noteForAudit(res, { target: `${userId} ${user.email}` });
      res.setHeader("cache-control", "no-store");
      return { user: userView(user), invitation: linkOf(edge, req, invitation) };
    },
  });

const signOut = (edge: Edge) =>
  route({
    method: "post",
    path: "/api/v1/users/:userId/sign-out",
    tag: TAG,
    summary: "End all sessions of a user",
    access: ADMIN,
    params,
    reply: okReplySchema,
    async handle({ params: { userId } }) {
      await edge.deps.accounts.sessions.end(userId);
      return { success: true };
    },
  });

/** The token stands behind #: no server, and no log, sees it. */
function linkOf(edge: Edge, req: Request, { token, expiresAt }: Invitation) {
  return { url: `${edge.browser.url(req)}/invitation#${token}`, expiresAt: expiresAt.toISOString() };
}
