import type { Request, Response } from "express";
import type { Entered } from "../../accounts/sign-in.ts";
import { noteForAudit } from "../audit-trail.ts";
import type { Edge } from "../edge.ts";

/**
 * Gives the browser the session that `enter` begins, and its cookie's value to the caller. A session that the browser had before
 * ends: whoever gave it to the browser has nothing of the new one. Errors: those of `enter`.
 */
export async function begunSession(
  edge: Edge,
  { req, res }: { req: Request; res: Response },
  enter: () => Promise<Entered>,
): Promise<string> {
  const before = await edge.browser.visitor(req);
  const { user, sessionId, cookie } = await enter();
  noteForAudit(res, { actor: { kind: "user", id: user.id, name: user.email }, target: sessionId });
  if (before.kind === "signedIn")
    await edge.deps.accounts.sessions.end(before.signedIn.user.id, { only: before.signedIn.session.id });
  edge.browser.enter(res, cookie);
  return cookie;
}
