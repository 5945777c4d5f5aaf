import {
  changePasswordBodySchema,
  okReplySchema,
  revokedSessionsReplySchema,
  sessionTokenBodySchema,
  sessionTokenReplySchema,
  signedInSessionListReplySchema,
} from "@gantry/sdk/contract";
import { z } from "zod";
import type { SignedIn } from "../../accounts/sessions.ts";
import { AppError } from "../../errors.ts";
import type { EnvironmentRef } from "../../projects/principal.ts";
import { noteForAudit } from "../audit-trail.ts";
import { actorOf } from "../browser.ts";
import type { Edge } from "../edge.ts";
import { type Route, type RouteRequest, route, SMALL_BODY } from "../route.ts";
import { sessionView } from "../user-view.ts";

const BROWSER = { by: "browser" } as const;
const TAG = "sign-in";

/** What somebody who is signed in does with their own session. */
export function sessionRoutes(edge: Edge): Route[] {
  return [makeToken, changePassword, listSessions, revokeOthers, revokeSession].map((make) => make(edge));
}

const makeToken = (edge: Edge) =>
  route({
    method: "post",
    path: "/api/v1/auth/session/token",
    tag: TAG,
    summary: "Make a bearer token for an environment; it works for five minutes, and no longer than the session",
    access: BROWSER,
    // It changes nothing, and is asked for every few minutes.
    audit: false,
    body: { schema: sessionTokenBodySchema, limit: SMALL_BODY },
    reply: sessionTokenReplySchema,
    async handle({ req, body }) {
      const visitor = await edge.browser.visitor(req);
      if (visitor.kind === "stranger")
        throw new AppError("NOT_SIGNED_IN", "Nobody is signed in here, or the session has ended.");
      const environment = await environmentMeant(edge, body);
      const of = visitor.kind === "signedIn" ? visitor.signedIn : undefined;
      const { token, expiresAt } = edge.deps.accounts.tokens.issue(of, environment);
      return { token, expiresAt: expiresAt.toISOString() };
    },
  });

const changePassword = (edge: Edge) =>
  route({
    method: "post",
    path: "/api/v1/auth/password",
    tag: TAG,
    summary: "Change one's password; all other sessions end",
    access: BROWSER,
    body: { schema: changePasswordBodySchema, limit: SMALL_BODY },
    reply: okReplySchema,
    async handle(request) {
      const { currentPassword: current, newPassword: next } = request.body;
      const self = await oneself(edge, request);
      await edge.deps.accounts.signIn.changePassword(self, { current, next }, edge.browser.origin(request.req));
      return { success: true };
    },
  });

const listSessions = (edge: Edge) =>
  route({
    method: "get",
    path: "/api/v1/auth/sessions",
    tag: TAG,
    summary: "List the browsers where one is signed in",
    access: BROWSER,
    reply: signedInSessionListReplySchema,
    async handle(request) {
      const { user, session } = await oneself(edge, request);
      const sessions = await edge.deps.accounts.sessions.list(user.id);
      return { data: sessions.map((each) => sessionView(each, session.id)) };
    },
  });

const revokeOthers = (edge: Edge) =>
  route({
    method: "post",
    path: "/api/v1/auth/sessions/revoke-others",
    tag: TAG,
    summary: "End all of one's sessions but this one",
    access: BROWSER,
    reply: revokedSessionsReplySchema,
    async handle(request) {
      const { user, session } = await oneself(edge, request);
      return { revoked: (await edge.deps.accounts.sessions.end(user.id, { except: session.id })).length };
    },
  });

const revokeSession = (edge: Edge) =>
  route({
    method: "post",
    path: "/api/v1/auth/sessions/:sessionId/revoke",
    tag: TAG,
    summary: "End one of one's sessions",
    access: BROWSER,
    params: z.object({ sessionId: z.string().max(64) }),
    reply: okReplySchema,
    async handle(request) {
      const { user } = await oneself(edge, request);
      const ended = await edge.deps.accounts.sessions.end(user.id, { only: request.params.sessionId });
      if (ended.length === 0) throw new AppError("NOT_FOUND", "You have no session of this id.");
      return { success: true };
    },
  });

async function oneself(edge: Edge, { req, res }: Pick<RouteRequest<never, never, never>, "req" | "res">) {
  const signedIn: SignedIn = await edge.browser.signedIn(req);
  noteForAudit(res, { actor: actorOf({ kind: "signedIn", signedIn }) });
  return signedIn;
}

async function environmentMeant(
  edge: Edge,
  { project, environment }: { project?: string | undefined; environment?: string | undefined },
): Promise<EnvironmentRef | undefined> {
  if (project === undefined && environment === undefined) return undefined;
  const found = await edge.deps.projects.environment(project ?? "", environment ?? "");
  if (found === undefined) throw new AppError("NOT_FOUND", "There is no such environment in this project.");
  return found;
}
