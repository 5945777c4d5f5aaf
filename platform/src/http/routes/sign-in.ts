import {
  acceptInvitationBodySchema,
  invitationBodySchema,
  invitationReplySchema,
  loginBodySchema,
  okReplySchema,
  sessionReplySchema,
  setupBodySchema,
} from "@gantry/sdk/contract";
import type { Request, Response } from "express";
import { BadCredentials, type Entered } from "../../accounts/sign-in.ts";
import { noteForAudit } from "../audit-trail.ts";
import type { Visitor } from "../browser.ts";
import type { Edge } from "../edge.ts";
import { type Route, route, SMALL_BODY } from "../route.ts";
import { begunSession } from "./begun-session.ts";
import { sessionReply } from "./session-reply.ts";

const BROWSER = { by: "browser" } as const;
const TAG = "sign-in";
const STRANGER = { kind: "anonymous", id: undefined, name: undefined } as const;

/** How a browser gets a session, and gives it back. */
export function signInRoutes(edge: Edge): Route[] {
  return [readSession, setUp, logIn, logOut, readInvitation, acceptInvitation].map((make) => make(edge));
}

const readSession = (edge: Edge) =>
  route({
    method: "get",
    path: "/api/v1/auth/session",
    tag: TAG,
    summary: "Whether somebody is signed in here, and what there is to see",
    access: BROWSER,
    reply: sessionReplySchema,
    handle: async ({ req, res }) => sessionReply(edge, { req, res }, await edge.browser.visitor(req)),
  });

const setUp = (edge: Edge) =>
  route({
    method: "post",
    path: "/api/v1/auth/setup",
    tag: TAG,
    summary: "Make the first user, an admin, and sign in",
    access: BROWSER,
    body: { schema: setupBodySchema, limit: SMALL_BODY },
    reply: sessionReplySchema,
    async handle({ req, res, body: { setupSecret, ...first } }) {
      noteForAudit(res, { actor: STRANGER });
      return entered(edge, req, res, () =>
        edge.deps.accounts.signIn.setUp({ secret: setupSecret, ...first }, edge.browser.origin(req)),
      );
    },
  });

const logIn = (edge: Edge) =>
  route({
    method: "post",
    path: "/api/v1/auth/login",
    tag: TAG,
    summary: "Sign in by password",
    access: BROWSER,
    body: { schema: loginBodySchema, limit: SMALL_BODY },
    reply: sessionReplySchema,
    async handle({ req, res, body }) {
      // The account that was tried, where there is one: what else was typed may be a password in the wrong field.
      noteForAudit(res, { actor: STRANGER });
      return entered(edge, req, res, () => edge.deps.accounts.signIn.logIn(body, edge.browser.origin(req)));
    },
  });

const logOut = (edge: Edge) =>
  route({
    method: "post",
    path: "/api/v1/auth/logout",
    tag: TAG,
    summary: "End this browser's session",
    access: BROWSER,
    reply: okReplySchema,
    async handle({ req, res }) {
      const visitor = await edge.browser.visitor(req);
      if (visitor.kind === "signedIn") {
        const { user, session } = visitor.signedIn;
        noteForAudit(res, { actor: { kind: "user", id: user.id, name: user.email } });
        await edge.deps.accounts.sessions.end(user.id, { only: session.id });
      }
      edge.browser.leave(res);
      return { success: true };
    },
  });

const readInvitation = (edge: Edge) =>
  route({
    method: "post",
    path: "/api/v1/auth/invitation",
    tag: TAG,
    summary: "Whom a link to choose a password is for",
    access: BROWSER,
    // It only reads; the link is in the body so that no log of addresses has it.
    audit: false,
    body: { schema: invitationBodySchema, limit: SMALL_BODY },
    reply: invitationReplySchema,
    async handle({ req, body }) {
      const { user, expiresAt } = await edge.deps.accounts.members.invited(body.token, edge.browser.origin(req));
      return { email: user.email, name: user.name, expiresAt: expiresAt.toISOString() };
    },
  });

const acceptInvitation = (edge: Edge) =>
  route({
    method: "post",
    path: "/api/v1/auth/invitation/accept",
    tag: TAG,
    summary: "Choose a password by such a link, and sign in",
    access: BROWSER,
    body: { schema: acceptInvitationBodySchema, limit: SMALL_BODY },
    reply: sessionReplySchema,
    async handle({ req, res, body }) {
      noteForAudit(res, { actor: STRANGER });
      return entered(edge, req, res, () => edge.deps.accounts.members.accept(body, edge.browser.origin(req)));
    },
  });

async function entered(edge: Edge, req: Request, res: Response, enter: () => Promise<Entered>) {
  const cookie = await begunSession(edge, { req, res }, () =>
    enter().catch((error: unknown) => {
      if (error instanceof BadCredentials) noteForAudit(res, { target: error.account });
      throw error;
    }),
  );
  const found = await edge.deps.accounts.sessions.byCookie(cookie);
  const visitor: Visitor = found === undefined ? { kind: "stranger" } : { kind: "signedIn", signedIn: found };
  return sessionReply(edge, { req, res }, visitor, cookie);
}
