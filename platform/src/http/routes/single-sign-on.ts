import type { Response } from "express";
import { z } from "zod";
import type { SingleSignOn } from "../../accounts/single-sign-on.ts";
import { AppError } from "../../errors.ts";
import { noteForAudit } from "../audit-trail.ts";
import type { Edge } from "../edge.ts";
import { toAppError } from "../error-reply.ts";
import { ANSWERED, type Route, route } from "../route.ts";
import { begunSession } from "./begun-session.ts";

const BROWSER = { by: "browser" } as const;
const TAG = "sign-in";
const PATH = "/api/v1/auth/oidc";
const PAGE = { media: "text/html" };

/** Single sign-on: to the identity provider and back. What must be compared on the way back waits in a signed cookie. */
export function singleSignOnRoutes(edge: Edge): Route[] {
  return [start, callback].map((make) => make(edge));
}

const start = (edge: Edge) =>
  route({
    method: "get",
    path: `${PATH}/start`,
    tag: TAG,
    summary: "Go to the identity provider",
    access: BROWSER,
    query: z.object({ returnTo: z.string().max(2000).default("/") }),
    reply: PAGE,
    async handle({ req, res, query }) {
      try {
        const { url, transaction } = await provider(edge).begin(`${edge.browser.url(req)}${PATH}/callback`);
        edge.signOnCookie.keep(res, { ...transaction, returnTo: ownPath(query.returnTo) });
        res.redirect(302, url);
      } catch (error) {
        refuse(edge, res, error);
      }
      return ANSWERED;
    },
  });

const callback = (edge: Edge) =>
  route({
    method: "get",
    path: `${PATH}/callback`,
    tag: TAG,
    summary: "Come back from the identity provider, and be signed in",
    access: BROWSER,
    audit: true,
    reply: PAGE,
    async handle({ req, res }) {
      noteForAudit(res, { actor: { kind: "anonymous", id: undefined, name: undefined } });
      const kept = edge.signOnCookie.take(req, res);
      try {
        if (kept === undefined)
          throw new AppError("SINGLE_SIGN_ON_FAILED", "This sign-in was not begun in this browser, or took too long.");
        const url = `${edge.browser.url(req)}${req.originalUrl}`;
        await begunSession(edge, { req, res }, async () => provider(edge).finish(url, kept, edge.browser.origin(req)));
        res.redirect(302, kept.returnTo);
      } catch (error) {
        refuse(edge, res, error);
      }
      return ANSWERED;
    },
  });

function provider(edge: Edge): SingleSignOn {
  const { singleSignOn } = edge.deps.accounts;
  if (singleSignOn === undefined) throw new AppError("NOT_FOUND", "No identity provider is set here.");
  return singleSignOn;
}

/** A person sees this, not a program: back to the page, which says what the code means. */
function refuse(edge: Edge, res: Response, thrown: unknown): void {
  const requestId = String(res.locals.requestId ?? "");
  const error = toAppError(thrown, requestId);
  noteForAudit(res, { outcome: error.code, details: error.details ?? {} });
  edge.deps.logger.warn({ requestId, code: error.code, ...error.details, err: error.cause }, error.message);
  const query = new URLSearchParams({ error: error.code });
  if (typeof error.details?.reason === "string") query.set("reason", error.details.reason);
  res.redirect(302, `/sign-in?${query}`);
}

/** A path of this site: nothing that a browser would read as another host. */
function ownPath(path: string): string {
  return /^\/(?![/\\])[^\\\s]*$/.test(path) ? path : "/";
}
